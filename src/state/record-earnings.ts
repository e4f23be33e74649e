import { payoutRoot } from '../protocol/fee.ts';
import { divisionOf } from '../protocol/payout-parts.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { VersionRecord } from '../protocol/record.ts';

/** What one record earned of one answer, in wei; `reading` is the part for having stood before the question. */
export interface EarnedPart {
  index: number;
  record: VersionRecord;
  amount: bigint;
  reading: bigint;
  /** The cap on one record's part cut it. */
  capped: boolean;
}

/**
 * What each record earned of a paid answer, divided again from the receipt's scores by its payout rule; those that earned
 * nothing are left out. `undefined` where the payouts that follow are not those that were paid, or none follow: such a
 * receipt is for a check to refute, and no record is said to have earned by it.
 */
export function earnedParts(receipt: Receipt, records: readonly VersionRecord[]): EarnedPart[] | undefined {
  const known = (record: number) => record < records.length;
  if (receipt.scores.length !== records.length || receipt.noise.length !== records.length) return undefined;
  if (receipt.retrieval && !receipt.retrieval.retrieved.every(({ record }) => known(record))) return undefined;
  try {
    const { recordParts, payouts, description, counted } = divisionOf(receipt, records);
    if (payoutRoot(payouts) !== receipt.payoutRoot) return undefined;
    const scored = new Map(counted.map((index, row) => [index, description.records[row]!]));
    return recordParts.flatMap((amount, index) => {
      if (amount === 0n) return [];
      const evidence = scored.get(index);
      return [{ index, record: records[index]!, amount, reading: amount - (evidence?.part ?? 0n), capped: evidence?.capped ?? false }];
    });
  } catch {
    return undefined;
  }
}

/** The same record in another version of its Datanet: its place there may be another. */
export function recordKey({ text, questions, contribution }: VersionRecord): string {
  return `${contribution} ${JSON.stringify([text, questions.map(({ question, answer }) => [question, answer])])}`;
}

/** What a record earned so far. */
export interface RecordEarned {
  /** Wei. */
  amount: bigint;
  /** Paid answers that it had a part of. */
  answers: number;
}

/** Adds one answer's parts to the sums by `recordKey`. */
export function addEarned(sums: Map<string, RecordEarned>, parts: readonly EarnedPart[]): void {
  for (const { record, amount } of parts) {
    const key = recordKey(record);
    const sum = sums.get(key) ?? { amount: 0n, answers: 0 };
    sums.set(key, { amount: sum.amount + amount, answers: sum.answers + 1 });
  }
}
