import { OpenLedgerError } from '../errors.ts';
import type { Hex } from './bytes.ts';
import { BASIS_POINTS } from './fee.ts';

/** What a receipt says of records that were put into the prompt. */
export interface RetrievalLog {
  /** How they were chosen, such as `bm25/1`. */
  method: string;
  /** How many were asked for. */
  most: number;
  /** Those that stood in the prompt, best first; `score` in millionths. */
  retrieved: { record: number; score: number }[];
}

/** A record that stood in the prompt, and who brought it. */
export interface UsedRecord {
  record: number;
  contributor: Hex;
}

/** What one record earns by having been read, in wei. */
export interface RetrievalShare extends UsedRecord {
  amount: bigint;
}

/** Most records that are paid; 720720 is the least number that 1 … 16 divide. */
export const MOST_USED = 16;
const WHOLE = 720_720;

/** The part of the contributors' fee that goes to records that were read, rounded down; 0 where none was. */
export function retrievalPart(contributors: bigint, basisPoints: number, used: number): bigint {
  if (!Number.isInteger(basisPoints) || basisPoints < 0 || BigInt(basisPoints) > BASIS_POINTS) throw invalid(`A part of ${basisPoints} basis points is none.`);
  return used > 0 ? (contributors * BigInt(basisPoints)) / BASIS_POINTS : 0n;
}

/**
 * Divides `amount` wei among the records that were read, in rank order, by 1 / rank: weight 720720 / rank, floor for each,
 * the dust to the first. It sums to `amount`, or is empty where no record was read. Only the order counts, not the
 * scores: a record stuffed with words of likely questions raises its score, and would raise its pay with it; and equal
 * parts would pay a record that just came in as much as the one that answers.
 */
export function retrievalShares(used: readonly UsedRecord[], amount: bigint): RetrievalShare[] {
  if (amount < 0n) throw invalid('There is less than nothing to divide.');
  if (used.length > MOST_USED) throw invalid(`${used.length} records are named; at most ${MOST_USED} are paid.`);
  if (new Set(used.map(({ record }) => record)).size < used.length) throw invalid('A record is named twice.');
  const weights = used.map((_, i) => BigInt(WHOLE / (i + 1)));
  const sum = weights.reduce((a, b) => a + b, 0n);
  const shares = used.map(({ record, contributor }, i) => ({ record, contributor, amount: (amount * weights[i]!) / sum }));
  if (shares.length) shares[0]!.amount += amount - shares.reduce((total, share) => total + share.amount, 0n);
  return shares;
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'retrieval/invalid',
    what: 'The pay of the records that were read cannot be divided.',
    why,
    next: 'Check the receipt that names them.',
  });
}
