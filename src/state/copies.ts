import type { DatanetRecord } from '../protocol/record.ts';

/** A record that says what an earlier one says; places are those of the list that was compared. */
export interface Copy {
  at: number;
  of: number;
}

/** Most records that a page compares by itself; 100,000 take about 13 s of the worker, and others wait for it. */
export const MOST_COMPARED = 20_000;

/** The copies among records; `clusters` names for each the first one that it is a copy of, itself where it is none. */
export function copiesIn(clusters: readonly number[]): Copy[] {
  return clusters.flatMap((of, at) => (of === at ? [] : [{ at, of }]));
}

/** Only what is compared crosses to the worker. */
export function plainRecords(records: readonly DatanetRecord[]): DatanetRecord[] {
  return records.map(({ text, questions }) => ({ text, questions }));
}
