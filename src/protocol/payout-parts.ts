import { type Hex, hexToFloat } from './bytes.ts';
import { divideByInfluence } from './fee.ts';
import type { Receipt } from './receipt.ts';
import type { VersionRecord } from './record.ts';

/** One record's part of an answer's fee. */
export interface RecordPart {
  index: number;
  record: VersionRecord;
  /** Wei. */
  amount: bigint;
}

/** Which of a contributor's records earned how much of an answer, most first; sums to their payout in the receipt. */
export function recordPartsOf(receipt: Pick<Receipt, 'scores' | 'fee'>, records: readonly VersionRecord[], contributor: Hex): RecordPart[] {
  return partsOfContributor(divideByInfluence(BigInt(receipt.fee.contributors), receipt.scores.map(hexToFloat)), records, contributor);
}

/** The same of parts that are known, such as dividePayout's: `parts[k]` wei belong to `records[k]`. */
export function partsOfContributor(parts: readonly bigint[], records: readonly VersionRecord[], contributor: Hex): RecordPart[] {
  const who = contributor.toLowerCase();
  return records
    .map((record, index) => ({ record, index, amount: parts[index] ?? 0n }))
    .filter(({ record, amount }) => record.contributor.toLowerCase() === who && amount > 0n)
    .sort((a, b) => (a.amount === b.amount ? a.index - b.index : a.amount > b.amount ? -1 : 1));
}
