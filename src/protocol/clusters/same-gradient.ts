import { OpenLedgerError } from '../../errors.ts';
import { UnionFind } from './union-find.ts';

/** One row for each of some records, such as its gradient's sketch. */
export interface Vectors {
  /** Which records. */
  which: readonly number[];
  /** [which × width], row after row. */
  values: Float32Array;
  width: number;
  /** Least cosine of two records that count as copies, above 0. */
  cosine: number;
}

/**
 * `clusters` with each later record of `pairs` (reworded.ts) joined to the earlier one whose gradient is most like its own, where
 * the cosine reaches `vectors.cosine`. To that one only, so that a later record never joins two earlier ones to each
 * other. A row of zeros is nobody's copy. Float64 sums in a fixed order, so that every machine finds the same. Every record
 * of a pair has a row. Errors: `clusters/invalid-vectors`.
 */
export function joinSameGradient(clusters: readonly number[], pairs: readonly (readonly [number, number])[], vectors: Vectors): number[] {
  const { which, values, width, cosine } = vectors;
  if (values.length !== which.length * width || !(cosine > 0 && cosine <= 1)) {
    throw invalid(`There are ${values.length} values for ${which.length} rows of ${width}, and the least cosine is ${cosine}.`);
  }
  const rowOf = new Map(which.map((k, row) => [k, row]));
  const square = Float64Array.from(which, (_, row) => dot(values, width, row, row));
  if (square.some((one) => !Number.isFinite(one))) throw invalid('A value is not finite, or too great.');
  const likest = new Map<number, { earlier: number; found: number }>();
  for (const [earlier, later] of pairs) {
    const [a, b] = [rowOf.get(earlier), rowOf.get(later)];
    if (a === undefined || b === undefined) throw invalid(`Record ${(a === undefined ? earlier : later) + 1} has no row.`);
    if (!(square[a]! > 0 && square[b]! > 0)) continue;
    const found = dot(values, width, a, b) / Math.sqrt(square[a]! * square[b]!);
    const best = likest.get(later);
    if (found >= cosine && (!best || found > best.found || (found === best.found && earlier < best.earlier))) likest.set(later, { earlier, found });
  }
  const sets = new UnionFind(clusters.length);
  clusters.forEach((representative, k) => sets.join(representative, k));
  for (const [later, { earlier }] of likest) sets.join(earlier, later);
  return clusters.map((_, k) => sets.find(k));
}

function dot(values: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let i = 0, x = a * width, y = b * width; i < width; i++, x++, y++) sum += values[x]! * values[y]!;
  return sum;
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'clusters/invalid-vectors', what: 'The records cannot be compared by their gradients.', why, next: 'Train again, or choose another base.' });
}
