import { type AnswerDigest, type AnswerOpening, type ClaimedAnswer, MOST_ANSWER_TOKENS, answerFault, digestOf } from '../protocol/answers.ts';
import { type FiledAnswer, filedDigest, filedLeaf, readShortForm } from '../protocol/answers-file.ts';
import { type ReceiptedAnswer, answersOfBatch, parseBatchFile } from '../protocol/batch.ts';
import type { Hex } from '../protocol/bytes.ts';
import { merkleProof } from '../protocol/merkle.ts';
import { MOST_USED } from '../protocol/retrieval-share.ts';
import { shownFile } from './answers-file.ts';
import { claimsOfBatch } from './claims-of-batch.ts';
import type { DisputeEvents } from './game-events.ts';
import { type ClaimRecord, openingOf } from './list-claims.ts';
import { type Place, filePlace, leafOf } from './place.ts';
import { type ProofCall, answerProof, sumsProof, twiceProof } from './proof-call.ts';

/**
 * What is known of a claim about several answers. `file`: all answers by what they are computed from, where the claimant was made to show
 * that on chain; the tokens of any answer are known then, whatever else is withheld.
 */
export type Batch =
  /** Each answer as a claim of its own: every check of one answer is made of each. */
  | { kind: 'answers'; claims: ClaimRecord[]; file?: FiledAnswer[] | undefined }
  /** False by what it says alone. `proof` is undefined where no transaction holds it. */
  | { kind: 'false'; why: string; proof: ProofCall | undefined }
  /**
   * Its answers were not published, and `places` are to be demanded: what all are computed from; or leaves of answers that are false by what
   * they say, since the reply shows such an answer with its proof. `claims` are those that were shown.
   */
  | { kind: 'missing'; why: string; claims: ClaimRecord[]; places: Place[]; file?: FiledAnswer[] | undefined }
  /**
   * What all answers are computed from was shown. `filed` are those of which nothing else is known: each is computed, and right where the
   * hash of what was made and the sum are the same. `claims` are those that were shown whole since.
   */
  | { kind: 'filed'; why: string; claims: ClaimRecord[]; filed: { index: number; filed: FiledAnswer }[]; file: FiledAnswer[] };

/** Nodes take no longer transactions (128 KiB) from strangers. */
const MOST_CALL_BYTES = 126 * 1024;
const NOTHING = `0x${'0'.repeat(64)}`;

/**
 * @param file what lies at the claim's CID, parsed; undefined where it cannot be had
 * @param events what claimants were made to show on chain
 * Throws `batch/file-invalid` where a node's events are not the contract's.
 */
export function openBatch(claim: ClaimRecord, file: unknown, events: DisputeEvents): Batch {
  const shown = shownAnswers(events, claim.claimId);
  const bytes = shownFile(events, claim.claimId);
  const filed = bytes && readShortForm(bytes, claim.answers);
  const answers = fromFile(file, claim) ?? fromShown(claim, shown);
  const claims = answers ? claimsOfBatch(claim, answers) : shown.map((opening) => ({ ...claim, answer: opening.answer, opening, receiptCid: '' }));
  const fault = faultOf(claim.claimId, claims.map(openingOf)) ?? falseSums(claim, answers?.map(({ answer }) => digestOf(answer)) ?? filed?.map(filedDigest));
  if (fault) return fault;
  if (answers) return { kind: 'answers', claims, file: filed };
  const why = file !== undefined ? 'The file that was published with it does not hold its answers.' : 'The file of its answers cannot be had.';
  if (!filed) return { kind: 'missing', why, places: [filePlace], claims };
  const whole = new Set(shown.map(({ index }) => Number(index)));
  const bad = filedFault(filed);
  if (bad) return { kind: 'missing', why: bad.why, places: bad.answers.filter((k) => !whole.has(k)).map((k) => leafOf(k, 0, 0)), claims, file: filed };
  return { kind: 'filed', why: `${why} What they are computed from was shown on chain.`, claims, filed: filed.flatMap((one, index) => (whole.has(index) ? [] : [{ index, filed: one }])), file: filed };
}

/** An answer of a shown file as a claim of its own, where what is claimed of it is known without being shown (attribution/trace/filed.ts). */
export function claimOfFiled(claim: ClaimRecord, file: readonly FiledAnswer[], index: number, answer: ClaimedAnswer): ClaimRecord {
  const proof = merkleProof(file.map((one) => filedLeaf(claim.adapterId, one)), index);
  return { ...claim, answer, opening: { index: BigInt(index), answer, proof }, receiptCid: '' };
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

type FalseBatch = Extract<Batch, { kind: 'false' }>;

/** What is wrong with the answers that are known whole, without computing any of them. */
function faultOf(claimId: bigint, openings: readonly AnswerOpening[]): FalseBatch | undefined {
  const first = new Map<Hex, AnswerOpening>();
  for (const opening of openings) {
    const { index, answer } = opening;
    const fault = answerFault(answer);
    if (fault) return { kind: 'false', why: `Answer ${index} is no whole answer: its ${fault}.`, proof: fitting(answerProof(claimId, opening)) };
    const before = first.get(answer.receiptHash);
    if (before) return { kind: 'false', why: `Answers ${before.index} and ${index} are one receipt.`, proof: fitting(twiceProof(claimId, before, opening)) };
    first.set(answer.receiptHash, opening);
  }
  return undefined;
}

/** @param answers all of the claim's, in order, where they are known */
function falseSums(claim: ClaimRecord, answers: readonly AnswerDigest[] | undefined): FalseBatch | undefined {
  if (!answers) return undefined;
  const sum = (of: (answer: AnswerDigest) => number | bigint) => answers.reduce((total, answer) => total + BigInt(of(answer)), 0n);
  const [tokensIn, tokensOut, allocated] = [sum((one) => one.tokensIn), sum((one) => one.tokensOut), sum((one) => one.allocated)];
  if (tokensIn === BigInt(claim.tokensIn) && tokensOut === BigInt(claim.tokensOut) && allocated === claim.fee.contributors) return undefined;
  const why = `Its answers have ${tokensIn} tokens in and ${tokensOut} out and allocate ${allocated} wei; it was paid for ${claim.tokensIn} and ${claim.tokensOut} and allocates ${claim.fee.contributors}.`;
  return { kind: 'false', why, proof: fitting(sumsProof(claim.claimId, answers)) };
}

/** What is wrong with answers by what they are computed from: `answers` prove it once they were shown whole. One fault is enough. */
function filedFault(filed: readonly FiledAnswer[]): { why: string; answers: number[] } | undefined {
  const first = new Map<Hex, number>();
  for (const [k, { tokensIn, tokensOut, read, receiptHash }] of filed.entries()) {
    const whole = receiptHash !== NOTHING && tokensIn > 0 && tokensOut > 0 && tokensIn + tokensOut <= MOST_ANSWER_TOKENS && read.length <= MOST_USED;
    if (!whole) return { why: `Answer ${k} is no whole answer by what it is computed from; it has to be shown.`, answers: [k] };
    const before = first.get(receiptHash);
    if (before !== undefined) return { why: `Answers ${before} and ${k} are one receipt; both have to be shown.`, answers: [before, k] };
    first.set(receiptHash, k);
  }
  return undefined;
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
