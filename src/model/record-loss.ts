import type { Sequence } from './batch.ts';

/**
 * A record's loss is the mean over its sequences (statement, question–answer pairs) of the mean loss of their
 * predicted tokens; this is the weight of one predicted token in it.
 */
export function recordWeight(record: readonly Sequence[], sequence: number): number {
  const { ids, start } = record[sequence]!;
  return 1 / (record.length * (ids.length - start));
}
