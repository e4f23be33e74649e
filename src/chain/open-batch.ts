import { type AnswerOpening, type ClaimedAnswer, answerFault } from '../protocol/answers.ts';
import type { DisputeEvents } from './game-events.ts';
import { type ReceiptedAnswer, answersOfBatch, parseBatchFile } from '../protocol/batch.ts';
import type { Hex } from '../protocol/bytes.ts';
import { claimsOfBatch } from './claims-of-batch.ts';
import { type Place, leafOf } from './place.ts';
import { type ClaimRecord, openingOf } from './list-claims.ts';
import { type ProofCall, answerProof, sumsProof, twiceProof } from './proof-call.ts';

/** What is known of a claim about several answers. */
export type Batch =
  /** Each answer as a claim of its own: every check of one answer is made of each. */
  | { kind: 'answers'; claims: ClaimRecord[] }
  /** False by what it says alone. `proof` is undefined where no transaction holds it. */
  | { kind: 'false'; why: string; proof: ProofCall | undefined }
  /**
   * Its answers were not published. A demand for any leaf of an answer makes the claimant show that answer with its proof, or lose;
   * `claims` are those that were shown, `places` what is to be demanded of the others.
   */
  | { kind: 'missing'; why: string; claims: ClaimRecord[]; places: Place[] };

/** Nodes take no longer transactions (128 KiB) from strangers. */
const MOST_CALL_BYTES = 126 * 1024;

/**
 * @param file what lies at the claim's CID, parsed; undefined where it cannot be had
 * @param shown answers that the claimant was made to show on chain
 */
export function openBatch(claim: ClaimRecord, file: unknown, shown: readonly AnswerOpening[]): Batch {
  const answers = fromFile(file, claim) ?? fromShown(claim, shown);
  const claims = answers ? claimsOfBatch(claim, answers) : shown.map((opening) => ({ ...claim, answer: opening.answer, opening, receiptCid: '' }));
  const fault = faultOf(claim, claims, answers !== undefined);
  if (fault) return fault;
  if (answers) return { kind: 'answers', claims };
  const seen = new Set(shown.map(({ index }) => Number(index)));
  const places = Array.from({ length: claim.answers }, (_, k) => leafOf(k, 0, 0)).filter(({ answer }) => !seen.has(answer));
  const why = file !== undefined ? 'The file that was published with it does not hold its answers.' : 'The file of its answers cannot be had.';
  return { kind: 'missing', why, places, claims };
}

function fromFile(file: unknown, claim: ClaimRecord): ReceiptedAnswer[] | undefined {
  try {
    return answersOfBatch(parseBatchFile(file), claim);
  } catch {
    return undefined;
  }
}

/** Where every answer was shown on chain, the file is not needed. */
function fromShown({ answers }: ClaimRecord, shown: readonly AnswerOpening[]): ReceiptedAnswer[] | undefined {
  const all = new Map(shown.map(({ index, answer }) => [Number(index), answer]));
  if (all.size < answers) return undefined;
  return Array.from({ length: answers }, (_, k) => ({ answer: all.get(k)!, receiptCid: '' }));
}

/** What is wrong with the answers that are known without computing any of them; of sums only where they are `all`. */
function faultOf(claim: ClaimRecord, claims: readonly ClaimRecord[], all: boolean): Extract<Batch, { kind: 'false' }> | undefined {
  const openings = claims.map(openingOf);
  const first = new Map<Hex, AnswerOpening>();
  for (const opening of openings) {
    const { index, answer } = opening;
    const fault = answerFault(answer);
    if (fault) return { kind: 'false', why: `Answer ${index} is no whole answer: its ${fault}.`, proof: fitting(answerProof(claim.claimId, opening)) };
    const before = first.get(answer.receiptHash);
    if (before) return { kind: 'false', why: `Answers ${before.index} and ${index} are one receipt.`, proof: fitting(twiceProof(claim.claimId, before, opening)) };
    first.set(answer.receiptHash, opening);
  }
  if (!all) return undefined;
  const sum = (of: (answer: ClaimedAnswer) => number | bigint) => openings.reduce((total, { answer }) => total + BigInt(of(answer)), 0n);
  const [tokensIn, tokensOut, allocated] = [sum((one) => one.tokensIn), sum((one) => one.tokensOut), sum((one) => one.allocated)];
  if (tokensIn === BigInt(claim.tokensIn) && tokensOut === BigInt(claim.tokensOut) && allocated === claim.fee.contributors) return undefined;
  const why = `Its answers have ${tokensIn} tokens in and ${tokensOut} out and allocate ${allocated} wei; it was paid for ${claim.tokensIn} and ${claim.tokensOut} and allocates ${claim.fee.contributors}.`;
  return { kind: 'false', why, proof: fitting(sumsProof(claim.claimId, openings.map(({ answer }) => answer))) };
}

const fitting = (proof: ProofCall) => (proof.data.length / 2 <= MOST_CALL_BYTES ? proof : undefined);

/** Answers of a claim that its claimant was made to show, by the events; each once. */
export function shownAnswers(events: DisputeEvents, claimId: bigint): AnswerOpening[] {
  const shown = new Map<bigint, AnswerOpening>();
  for (const event of events) {
    if (event.eventName !== 'AnswerShown' || event.args.id !== claimId) continue;
    const { index, answer, proof } = event.args.opening;
    shown.set(index, { index, answer, proof: [...proof] });
  }
  return [...shown.values()];
}
