import type { DatanetRecord } from '../record.ts';
import { joinNearCopies } from './near-copies.ts';
import { type Vectors, joinNearVectors } from './near-vectors.ts';
import { joinSameContent } from './same-content.ts';
import { UnionFind } from './union-find.ts';

export interface ClusterOptions {
  /** Where the records' gradients are known: also joins what has the same effect in other words. */
  vectors?: Vectors | undefined;
}

/**
 * For each record the index of its cluster's representative: the first committed of all that are copies of each other,
 * directly or through others, whoever brought them. Representatives stand for themselves. Integers and float64
 * sums and ratios in a fixed order only, so that every machine finds the same clusters. What counts as a copy: docs/payout.md.
 */
export function clusterRecords(records: readonly DatanetRecord[], { vectors }: ClusterOptions = {}): number[] {
  const sets = new UnionFind(records.length);
  joinSameContent(records, sets);
  joinNearCopies(records, sets);
  if (vectors) joinNearVectors(records.length, vectors, sets);
  return records.map((_, k) => sets.find(k));
}

/** Indices of the representatives, in order: the records that are trained and scored. */
export function representativesOf(clusters: readonly number[]): number[] {
  return clusters.flatMap((representative, k) => (representative === k ? [k] : []));
}
