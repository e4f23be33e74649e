import { OpenLedgerError } from '../../errors.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { type ClaimedAnswer, answerFault, madeHash } from '../../protocol/answers.ts';
import type { FiledAnswer } from '../../protocol/answers-file.ts';
import { payoutRoot } from '../../protocol/fee.ts';
import type { Workings } from '../../protocol/payout-workings.ts';
import { type InspectedAnswer, type Inspection, firstPlace } from './inspect.ts';
import { type TraceInputs, lengthsOf } from './instruction.ts';
import { workingsBegin } from './payout-finding.ts';
import { MOST_TOKENS } from './run.ts';
import { inputsHash } from './step.ts';
import type { TracePlace } from './trace-nodes.ts';
import type { TraceOptions, Tracer } from './tracer.ts';

/** What is asked for first of an answer that is false: whatever of it is, no round is lost. */
export interface SearchBegin {
  /** A cut of the tree over all matrices; of numbers of tokens that have no trace, a leaf. */
  cut: TracePlace;
  /** Of the workings; none where nothing can be divided. */
  workings: TracePlace[];
}

/** What an answer of a batch's file is found to be. */
export interface FiledInspection {
  /** Undefined where nothing can be said: the adapter is registered with another program. */
  right: boolean | undefined;
  /** For people. */
  where: string;
  inputs: TraceInputs;
  /** As it follows from the tokens and the records read; undefined where nothing does. */
  answer?: ClaimedAnswer;
  /** As claimed, where that is known without being shown: what was made of it is right, only not what it pays in all, or its receipt. */
  claimed?: ClaimedAnswer;
  /** Of an answer that is not right: InspectedAnswer.own takes it. Not kept of the others, they are many. */
  own?: Inspection['own'];
  workings?: Workings;
  /** Where it is not right and `claimed` is not known. */
  begin?: SearchBegin;
}

export type FiledGround = Pick<InspectedAnswer, 'programHash' | 'contributors' | 'clusters' | 'prices'>;

/** Computes again an answer whose tokens and records read were shown with its batch. Throws `cancelled`. */
export async function inspectFiled(tracer: Tracer, filed: FiledAnswer, ground: FiledGround, options: TraceOptions = {}): Promise<FiledInspection> {
  const inputs: TraceInputs = { tokens: filed.tokens, answer: filed.tokensOut };
  if (tracer.programHash !== ground.programHash) return { inputs, right: undefined, where: 'The adapter is registered with another program than its weights and ledger give.' };
  const begin = (workings: TracePlace[]): SearchBegin => ({ cut: firstPlace(tracer, filed), workings });
  const isNone = (where: string, more: Partial<FiledInspection> = {}): FiledInspection => ({ inputs, right: false, where, begin: begin([]), ...more });
  if (!isTraced(tracer, inputs)) return isNone(`Nobody can trace an answer of ${filed.tokensOut} tokens to ${filed.tokensIn}.`);
  // Nothing of the claim is compared on the way: what it has in place of a number that is none differs from what is made up there.
  const { first: _, ...own } = await tracer.trace(inputs, { ...options, judging: true });
  const workings = workingsFor(filed, own, ground);
  if (!workings) return isNone('From these tokens, with these records read, no payout follows.', { own });

  const answer = answerFrom(filed, inputs, own.tree.root, workings);
  const fault = answerFault(answer);
  if (madeHash(answer) !== filed.madeHash) return { inputs, right: false, where: 'Its trace or its payouts are not those computed here.', answer, own, workings, begin: begin(workingsBegin(workings)) };
  if (answer.allocated === filed.allocated && !fault) return { inputs, right: true, where: 'Every value of its trace and every payout follows.', answer };
  const where = fault ? `It is no whole answer: ${fault}.` : `Its payouts are ${answer.allocated} wei in all; the claim says ${filed.allocated}.`;
  return { inputs, right: false, where, answer, claimed: { ...answer, allocated: filed.allocated }, own, workings };
}

function isTraced({ program }: Tracer, inputs: TraceInputs): boolean {
  if (inputs.tokens.length > MOST_TOKENS) return false;
  try {
    return lengthsOf(inputs, program.window).n > 0;
  } catch {
    return false;
  }
}

/** Undefined where there is nothing right to divide: no claim about such an answer is right. */
function workingsFor({ tokensIn, tokensOut, read }: FiledAnswer, { scores, noise }: NonNullable<Inspection['own']>, { contributors, clusters, prices }: FiledGround): Workings | undefined {
  try {
    return answerWorkings({ tokensIn, tokensOut, prices, scores, noise, contributors, clusters, read });
  } catch (error) {
    if (error instanceof OpenLedgerError) return undefined;
    throw error;
  }
}

function answerFrom({ tokensIn, tokensOut, receiptHash, read }: FiledAnswer, inputs: TraceInputs, traceRoot: ClaimedAnswer['traceRoot'], { root, payouts, allocated }: Workings): ClaimedAnswer {
  return { tokensIn, tokensOut, receiptHash, inputsHash: inputsHash(inputs), traceRoot, workingsRoot: root, payoutRoot: payoutRoot(payouts), payoutCount: payouts.length, allocated, read };
}
