import { OpenLedgerError } from '../../errors.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import type { ClaimedAnswer } from '../../protocol/answers.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { ReceiptPrices } from '../../protocol/divide-fee.ts';
import { type Payout, payoutRoot } from '../../protocol/fee.ts';
import type { Workings } from '../../protocol/payout-workings.ts';
import type { Receipt } from '../../protocol/receipt.ts';
import { MOST_USED } from '../../protocol/retrieval-share.ts';
import { type TraceInputs, lengthsOf, sizeOf } from './instruction.ts';
import { type LeafPlace, guessLeaf } from './leaf-search.ts';
import type { PublishedTrace } from './published.ts';
import { MOST_TOKENS } from './run.ts';
import { searchBegin } from './search-plan.ts';
import { firstFalse, inputsHash } from './step.ts';
import { type TracePlace, leafPlace } from './trace-nodes.ts';
import type { FirstFalse, TraceOptions, Tracer } from './tracer.ts';
import { type TraceTree, cutOf } from './tree.ts';

/**
 * Compares a claim with what follows from what was committed before it. The claim's own words count; the receipt gives only
 * the tokens, and they only where they hash to what the claim says.
 */
export interface InspectedAnswer {
  answer: ClaimedAnswer;
  /** What the claim's adapter is registered with. */
  programHash: Hex;
  /** Untrusted; undefined where it cannot be had. */
  receipt: { prompt: Pick<Receipt['prompt'], 'tokens'>; answer: Pick<Receipt['answer'], 'tokens'>; payouts?: Receipt['payouts'] } | undefined;
  /** Untrusted: the file of the claim's trace (published.ts); undefined where it cannot be had. */
  published: Uint8Array | undefined;
  /** Contributor of every record of the Datanet version, in its order. */
  contributors: readonly Hex[];
  /** What each record stands for, where the run found copies: run.datanet.clusters. */
  clusters?: readonly number[] | undefined;
  /** Of the claim, as the chain has them; the platform's fee changes nothing here. */
  prices: ReceiptPrices;
  /** What was computed from the very tokens before (filed.ts): then it is not computed again where nothing was published. */
  own?: Inspection['own'];
}

/** What a claim is found to be; `where` is for people. */
export type Verdict =
  | { kind: 'right'; where: string }
  /** Paid for other numbers of tokens than it was computed from: proveInputs. */
  | { kind: 'inputs'; where: string }
  /** Its trace is right; what is not: a row of the payouts' workings, how many and how much they are in all, one of them, or the records read. Proved by provePayout. */
  | { kind: 'payout'; where: string; fault: 'workings' | 'sums' | 'payouts' | 'read' }
  /** The first leaf that is false; all before it agree. `guessed`: its values need not be demanded (Inspection.values). */
  | { kind: 'step'; where: string; place: LeafPlace; guessed: boolean }
  /** The trace is another than computed here, and not all of its leaf hashes were published: searchWithheld says what to demand. */
  | { kind: 'trace-missing'; where: string; place: LeafPlace }
  /** Nobody says what was asked: nothing can be computed. Whoever shows this place shows the tokens too; the claimant has to, or loses. */
  | { kind: 'inputs-unknown'; where: string; place: TracePlace }
  /** Nothing can be said here. */
  | { kind: 'unchecked'; where: string };

/** A verdict, and what evidence is made from. */
export interface Inspection {
  verdict: Verdict;
  inputs?: TraceInputs;
  /** What is computed here. */
  own?: { tree: TraceTree; scores: Float32Array; noise: Float32Array };
  /** What the payouts follow from, where the trace is right and anything does. */
  workings?: Workings;
  /** The claim's payouts, where its receipt lists them: they stand under its root. */
  payouts?: readonly Payout[];
  /** The claim's tree, where all of its leaf hashes were published. */
  claimed?: TraceTree;
  /** What was published of the claim's trace, where it is less. */
  partly?: PublishedTrace;
  /** Where it is false first, with the matrices that show it: stepEvidence needs no second run. */
  first?: FirstFalse;
  /** Values of the false leaf, where they could be told without a demand. */
  values?: Float32Array;
}

/** Throws `cancelled`. */
export async function inspectAnswer(tracer: Tracer, inspected: InspectedAnswer, options: TraceOptions = {}): Promise<Inspection> {
  const { answer, programHash, receipt, published } = inspected;
  const anyLeaf = { index: 0, leaf: 0 };
  if (tracer.programHash !== programHash) {
    return { verdict: { kind: 'unchecked', where: `The adapter is registered with program ${short(programHash)}; its weights and ledger give ${short(tracer.programHash)}.` } };
  }
  const inputs = receipt && inputsOf(receipt, answer);
  if (!inputs) {
    const why = receipt ? 'The tokens in the receipt are not those that the claim is about' : 'The receipt cannot be had';
    return { verdict: { kind: 'inputs-unknown', where: `${why}, so nothing can be computed.`, place: firstPlace(tracer, answer) } };
  }
  const [tokensIn, tokensOut] = [inputs.tokens.length - inputs.answer, inputs.answer];
  if (tokensIn !== answer.tokensIn || tokensOut !== answer.tokensOut) {
    return { inputs, verdict: { kind: 'inputs', where: `Paid for ${answer.tokensIn} tokens in and ${answer.tokensOut} out; computed from ${tokensIn} and ${tokensOut}.` } };
  }
  try {
    lengthsOf(inputs, tracer.program.window);
  } catch {
    return { inputs, verdict: { kind: 'trace-missing', where: 'No trace starts from an answer to nothing; none of its leaves can be shown.', place: anyLeaf } };
  }
  if (inputs.tokens.length > MOST_TOKENS) return { inputs, verdict: { kind: 'unchecked', where: `Prompt and answer have ${inputs.tokens.length} tokens; up to ${MOST_TOKENS} can be checked.` } };

  const file = published && tracer.published(published, inputs, answer.traceRoot);
  const { first: found, ...own } = inspected.own && !file ? { ...inspected.own, first: undefined } : await tracer.trace(inputs, { ...options, claimed: file, judging: true });
  if (own.tree.root === answer.traceRoot) return { inputs, own, claimed: own.tree, ...inspectPayouts(inspected, own) };
  if (!file || !found) {
    const why = published ? 'The file that was published with it is not its trace' : 'Its trace cannot be had';
    return { inputs, own, verdict: { kind: 'trace-missing', where: `The trace is not the one computed here. ${why}: leaves have to be demanded.`, place: anyLeaf } };
  }
  const claimed = file.tree;
  if (!claimed) {
    const where = `The trace goes wrong in ${instructionWords(tracer, found.index)}. Of a trace of its size only the upper hashes are published: leaves have to be demanded.`;
    return { inputs, own, partly: file, first: found, verdict: { kind: 'trace-missing', where, place: anyLeaf } };
  }
  return { inputs, own, claimed, first: found, ...firstFalseLeaf(tracer, found, claimed) };
}

/** What a search through the trace would ask for first, which follows from the claim's numbers of tokens: no round is lost if the trace is false. */
export function firstPlace({ program }: Tracer, { tokensIn, tokensOut }: Pick<ClaimedAnswer, 'tokensIn' | 'tokensOut'>): TracePlace {
  const tokens = tokensIn + tokensOut;
  if (tokensIn < 1 || tokensOut < 1 || tokens > MOST_TOKENS) return leafPlace({ index: 0, leaf: 0 });
  const lengths = lengthsOf({ tokens: new Array<number>(tokens).fill(0), answer: tokensOut }, program.window);
  const counts = program.instructions.map(({ rows, columns }) => cutOf(sizeOf(rows, lengths), sizeOf(columns, lengths)).count);
  return searchBegin(counts);
}

/** Tokens that the claim is about; undefined where the receipt's are others. */
export function inputsOf({ prompt, answer }: NonNullable<InspectedAnswer['receipt']>, claim: Pick<ClaimedAnswer, 'inputsHash' | 'tokensOut'>): TraceInputs | undefined {
  const tokens = [...prompt.tokens, ...answer.tokens];
  return [answer.tokens.length, claim.tokensOut].map((length) => ({ tokens, answer: length })).find((inputs) => inputsHash(inputs) === claim.inputsHash);
}

/** "instruction 12, layers.0.q (dot), leaf 3", with row and column where they are known. */
export function placeWords(tracer: Tracer, { index, leaf }: LeafPlace, element?: { row: number; column: number }): string {
  const what = instructionWords(tracer, index);
  return element ? `${what}, row ${element.row}, column ${element.column}` : `${what}, leaf ${leaf}`;
}

function instructionWords({ program }: Tracer, index: number): string {
  const instruction = program.instructions[index];
  return instruction ? `instruction ${index}, ${instruction.name} (${instruction.op})` : `instruction ${index}, which the program does not have`;
}

function firstFalseLeaf(tracer: Tracer, { index, leaf, matrices }: FirstFalse, claimed: TraceTree): { verdict: Verdict; values?: Float32Array } {
  const right = matrices.get(index)!;
  const values = guessLeaf(right, leaf, claimed.tensors[index]!.leaves.subarray(32 * leaf, 32 * leaf + 32));
  const where = `False first in ${placeWords(tracer, { index, leaf }, values && firstFalse(right, leaf, values))}.`;
  return { verdict: { kind: 'step', where, place: { index, leaf }, guessed: values !== undefined }, ...(values && { values }) };
}

function inspectPayouts({ answer, contributors, clusters, prices, receipt }: InspectedAnswer, { scores, noise }: NonNullable<Inspection['own']>): Pick<Inspection, 'verdict' | 'workings' | 'payouts'> {
  const { read, tokensIn, tokensOut } = answer;
  if (read.length > MOST_USED || new Set(read).size < read.length || read.some((record) => record >= contributors.length)) {
    return { verdict: { kind: 'payout', fault: 'read', where: 'Records are named as read that the Datanet version does not have, or one twice.' } };
  }
  let workings: Workings;
  try {
    workings = answerWorkings({ tokensIn, tokensOut, prices, scores, noise, contributors, clusters, read });
  } catch (error) {
    if (error instanceof OpenLedgerError) return { verdict: { kind: 'unchecked', where: `The payout cannot be divided: ${error.message}` } };
    throw error;
  }
  const many = workings.payouts.length;
  const earn = `${many} contributor${many === 1 ? ' earns' : 's earn'} ${workings.allocated} wei`;
  const wrong = (fault: 'workings' | 'sums' | 'payouts', why: string) => ({ workings, verdict: { kind: 'payout' as const, fault, where: `The trace is right, its payouts are not: ${earn}${why}.` } });
  if (workings.root !== answer.workingsRoot) return wrong('workings', '; the claim commits to other workings');
  if (workings.payouts.length !== answer.payoutCount || workings.allocated !== answer.allocated) return wrong('sums', `; the claim pays ${answer.payoutCount} contributors ${answer.allocated} wei`);
  if (payoutRoot(workings.payouts) === answer.payoutRoot) return { workings, verdict: { kind: 'right', where: 'Every value of its trace and every payout follows.' } };
  const listed = receipt?.payouts?.map(({ contributor, amount }) => ({ contributor, amount: BigInt(amount) }));
  const theirs = listed && listed.length === answer.payoutCount && payoutRoot(listed) === answer.payoutRoot;
  return { ...wrong('payouts', ', as the claim says, but others, or otherwise divided'), ...(theirs && { payouts: listed }) };
}

const short = (hex: string) => `${hex.slice(0, 10)}…${hex.slice(-4)}`;
