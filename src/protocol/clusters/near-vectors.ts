import { OpenLedgerError } from '../../errors.ts';
import { mix } from './near-copies.ts';
import type { UnionFind } from './union-find.ts';

/** One row per record, such as its gradient's projection. */
export interface Vectors {
  /** [records × width], row after row. */
  values: Float32Array;
  width: number;
  /** Least cosine of two records that count as copies, above 0. */
  cosine: number;
}

/** Up to this many records every pair is compared. */
const MOST_IN_PAIRS = 1500;
/** Bits of a band, and bands: two rows with a cosine of 0.98 meet in a band with probability 0.9999, with 0 in 0.0004. */
const BITS = 16;
const BANDS = 24;
const MOST_COMPARED = 64;

/**
 * Joins records whose vectors have at least this cosine; a row of zeros is nobody's copy. Sums in float64 in a fixed
 * order, so that every machine finds the same. Errors: `clusters/invalid-vectors`.
 */
export function joinNearVectors(count: number, vectors: Vectors, sets: UnionFind): void {
  const { values, width, cosine } = vectors;
  if (values.length !== count * width || !(cosine > 0 && cosine <= 1)) {
    throw invalid(`There are ${values.length} values for ${count} rows of ${width}, and the least cosine is ${cosine}.`);
  }
  const square = Float64Array.from({ length: count }, (_, k) => dot(values, width, k, k));
  if (square.some((one) => !Number.isFinite(one))) throw invalid('A value is not finite, or too great.');
  const compare = (a: number, b: number) => {
    if (square[a]! > 0 && square[b]! > 0 && sets.find(a) !== sets.find(b) && dot(values, width, a, b) >= cosine * Math.sqrt(square[a]! * square[b]!)) sets.join(a, b);
  };
  if (count <= MOST_IN_PAIRS) {
    for (let b = 1; b < count; b++) for (let a = 0; a < b; a++) compare(a, b);
    return;
  }
  const keys = bandKeys(count, values, width);
  for (let band = 0; band < BANDS; band++) {
    const buckets = new Map<number, number[]>();
    for (let k = 0; k < count; k++) {
      if (!(square[k]! > 0)) continue;
      const bucket = buckets.get(keys[k * BANDS + band]!);
      if (!bucket) buckets.set(keys[k * BANDS + band]!, [k]);
      else {
        for (const other of bucket) compare(other, k);
        if (bucket.length < MOST_COMPARED) bucket.push(k);
      }
    }
  }
}

/**
 * For each row and band 16 bits: the signs of random projections (Charikar 2002), made by random signs and a Hadamard
 * transform, twice (Andoni et al. 2015), which takes n log n additions in place of dense random rows.
 */
function bandKeys(count: number, values: Float32Array, width: number): Uint16Array {
  const size = Math.max(BITS, 2 ** Math.ceil(Math.log2(Math.max(width, 1))));
  const keys = new Uint16Array(count * BANDS);
  const work = new Float64Array(size);
  for (let done = 0; done < BANDS; done += size / BITS) {
    const signs = Float64Array.from({ length: 2 * size }, (_, k) => (mix(k, 0x10001 + done) & 1 ? 1 : -1));
    for (let k = 0; k < count; k++) {
      work.fill(0);
      work.set(values.subarray(k * width, (k + 1) * width));
      turn(work, signs, 0);
      turn(work, signs, size);
      for (let i = 0; i < size && done + Math.floor(i / BITS) < BANDS; i++) {
        if (work[i]! > 0) keys[k * BANDS + done + Math.floor(i / BITS)]! |= 1 << i % BITS;
      }
    }
  }
  return keys;
}

/** In place: signs from `from` on, then the Hadamard transform. */
function turn(work: Float64Array, signs: Float64Array, from: number): void {
  for (let i = 0; i < work.length; i++) work[i]! *= signs[from + i]!;
  for (let half = 1; half < work.length; half *= 2) {
    for (let i = 0; i < work.length; i += 2 * half) {
      for (let j = i; j < i + half; j++) {
        const x = work[j]!;
        const y = work[j + half]!;
        work[j] = x + y;
        work[j + half] = x - y;
      }
    }
  }
}

function dot(values: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let i = 0, x = a * width, y = b * width; i < width; i++, x++, y++) sum += values[x]! * values[y]!;
  return sum;
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'clusters/invalid-vectors', what: 'The records cannot be compared by their gradients.', why, next: 'Build the ledger again.' });
}
