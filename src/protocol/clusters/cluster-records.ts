import type { DatanetRecord } from '../record.ts';
import { joinNearCopies } from './near-copies.ts';
import { joinSameContent } from './same-content.ts';
import { UnionFind } from './union-find.ts';

/**
 * For each record the index of its cluster's representative: the first committed of all that are copies of each other by
 * their wording, directly or through others, whoever brought them. Representatives stand for themselves. Integers and their
 * ratios only, so that every machine finds the same clusters. What counts as a copy: docs/payout.md. Training also joins
 * what has the same effect (same-gradient.ts), which takes the base; until then this is what is known.
 */
export function clusterRecords(records: readonly DatanetRecord[]): number[] {
  const sets = new UnionFind(records.length);
  joinSameContent(records, sets);
  joinNearCopies(records, sets);
  return records.map((_, k) => sets.find(k));
}

/** Indices of the representatives, in order: the records that are trained and scored. */
export function representativesOf(clusters: readonly number[]): number[] {
  return clusters.flatMap((representative, k) => (representative === k ? [k] : []));
}
