import type { VersionRecord } from '../protocol/record.ts';
import type { Curation } from '../workers/engine.api.ts';
import { type RecordEarned, recordKey } from './record-earnings.ts';

/** Standard deviations of chance within which an influence says nothing. About 5 of 100 unrelated records stand outside. */
export const CHANCE_DEVIATIONS = 2;

export type Verdict = 'helps' | 'hurts' | 'chance';

/** A record of a Datanet version with what is known of it: its work in an adapter, copies, earnings. */
export interface StandingRow {
  /** Place in the version, from 0. */
  index: number;
  record: VersionRecord;
  /** Place of the record that this is a copy of. */
  copyOf: number | undefined;
  /** Undefined for copies, which were not trained, and while nothing has been judged. */
  judged: { influence: number; noise: number; verdict: Verdict; helped: number; hurt: number; leverage: number; timesMedian: number; outlier: boolean } | undefined;
  /** Undefined while receipts are not read. */
  earned: RecordEarned | undefined;
}

export type RowFilter = 'all' | Verdict | 'outlier' | 'copy' | 'earned';
export type RowOrder = 'place' | 'helps' | 'hurts' | 'harm' | 'leverage' | 'earned';

/** @param clusters for each record the first one that it is a copy of, itself where it is none; undefined where not known */
export function standingRows(
  records: readonly VersionRecord[], clusters: readonly number[] | undefined, curation: Curation | undefined, earned: ReadonlyMap<string, RecordEarned> | undefined,
): StandingRow[] {
  const standings = new Map(curation?.records.map((standing) => [standing.index, standing]));
  const middle = median(curation?.records.flatMap(({ leverage, copyOf }) => (copyOf === undefined ? [leverage] : [])) ?? []);
  return records.map((record, index) => {
    const standing = standings.get(index);
    const cluster = clusters?.[index];
    const copyOf = standing?.copyOf ?? (cluster === index ? undefined : cluster);
    return {
      index, record, copyOf,
      judged: standing && copyOf === undefined
        ? {
            influence: standing.influence, noise: standing.noise, verdict: verdictOf(standing.influence, standing.noise), helped: standing.helped, hurt: standing.hurt,
            leverage: standing.leverage, timesMedian: middle > 0 ? standing.leverage / middle : 0, outlier: standing.outlier,
          }
        : undefined,
      earned: earned && (earned.get(recordKey(record)) ?? { amount: 0n, answers: 0 }),
    };
  });
}

/** What an influence says, given its standard deviation by chance. */
export function verdictOf(influence: number, noise: number): Verdict {
  if (!(Math.abs(influence) > CHANCE_DEVIATIONS * noise)) return 'chance';
  return influence > 0 ? 'helps' : 'hurts';
}

export function fitsFilter({ judged, copyOf, earned }: StandingRow, filter: RowFilter): boolean {
  if (filter === 'all') return true;
  if (filter === 'outlier') return judged?.outlier === true;
  if (filter === 'copy') return copyOf !== undefined;
  if (filter === 'earned') return (earned?.amount ?? 0n) > 0n;
  return judged?.verdict === filter;
}

/** Sorted by a column, greatest first ('hurts': least influence first); what has no such number comes last, equals by place. */
export function sortRows(rows: readonly StandingRow[], order: RowOrder): StandingRow[] {
  const last = (known: boolean) => (known ? 0 : 1);
  const by: Record<RowOrder, (a: StandingRow, b: StandingRow) => number> = {
    place: () => 0,
    helps: (a, b) => last(!!a.judged) - last(!!b.judged) || (b.judged?.influence ?? 0) - (a.judged?.influence ?? 0),
    hurts: (a, b) => last(!!a.judged) - last(!!b.judged) || (a.judged?.influence ?? 0) - (b.judged?.influence ?? 0),
    harm: (a, b) => last(!!a.judged) - last(!!b.judged) || (b.judged?.hurt ?? 0) - (a.judged?.hurt ?? 0),
    leverage: (a, b) => last(!!a.judged) - last(!!b.judged) || (b.judged?.leverage ?? 0) - (a.judged?.leverage ?? 0),
    earned: (a, b) => compare(b.earned?.amount ?? -1n, a.earned?.amount ?? -1n),
  };
  return [...rows].sort((a, b) => by[order](a, b) || a.index - b.index);
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2 : 0;
}
