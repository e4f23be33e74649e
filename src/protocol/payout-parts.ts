import { type Hex, hexToFloat } from './bytes.ts';
import { type Division, divideFee } from './divide-fee.ts';
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
export function recordPartsOf(receipt: Receipt, records: readonly VersionRecord[], contributor: Hex): RecordPart[] {
  return partsOfContributor(divisionOf(receipt, records).recordParts, records, contributor);
}

/** The division of a receipt's fee, computed again from its scores. Throws `payout/invalid`, `retrieval/invalid`. */
export function divisionOf(receipt: Receipt, records: readonly VersionRecord[]): Division {
  return divideFee(
    receipt.prompt.tokens.length, receipt.answer.tokens.length, receipt.prices, receipt.scores.map(hexToFloat), receipt.noise.map(hexToFloat),
    records.map((record) => record.contributor), receipt.retrieval?.retrieved,
  );
}

/** The same of parts that are known, such as dividePayout's: `parts[k]` wei belong to `records[k]`. */
export function partsOfContributor(parts: readonly bigint[], records: readonly VersionRecord[], contributor: Hex): RecordPart[] {
  const who = contributor.toLowerCase();
  return records
    .map((record, index) => ({ record, index, amount: parts[index] ?? 0n }))
    .filter(({ record, amount }) => record.contributor.toLowerCase() === who && amount > 0n)
    .sort((a, b) => (a.amount === b.amount ? a.index - b.index : a.amount > b.amount ? -1 : 1));
}
