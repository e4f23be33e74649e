/** Float64 matrices on the host, for the reference forms of the methods: plain loops, a few thousand rows at most. */
import { OpenLedgerError } from '../../../src/errors.ts';
import type { Rows } from './gradients.ts';

/** [a.count][b.count] inner products of rows over the columns [from, to), in float64. */
export function products(a: Rows, b: Rows, from = 0, to = a.width): Float64Array[] {
  if (a.width !== b.width) throw new RangeError(`rows of ${a.width} against rows of ${b.width}`);
  const out = Array.from({ length: a.count }, () => new Float64Array(b.count));
  const same = a === b;
  // Columns in pieces that stay in the cache; four rows of b share what is read of a.
  for (let first = from; first < to; first += 1024) {
    const end = Math.min(to, first + 1024);
    for (let i = 0; i < a.count; i++) {
      const x = a.values.subarray(i * a.width + first, i * a.width + end);
      const row = out[i]!;
      const most = same ? i + 1 : b.count;
      let j = 0;
      for (; j + 4 <= most; j += 4) {
        const y0 = b.values.subarray(j * b.width + first, j * b.width + end);
        const y1 = b.values.subarray((j + 1) * b.width + first, (j + 1) * b.width + end);
        const y2 = b.values.subarray((j + 2) * b.width + first, (j + 2) * b.width + end);
        const y3 = b.values.subarray((j + 3) * b.width + first, (j + 3) * b.width + end);
        let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (let t = 0; t < x.length; t++) {
          const value = x[t]!;
          s0 += value * y0[t]!;
          s1 += value * y1[t]!;
          s2 += value * y2[t]!;
          s3 += value * y3[t]!;
        }
        row[j]! += s0;
        row[j + 1]! += s1;
        row[j + 2]! += s2;
        row[j + 3]! += s3;
      }
      for (; j < most; j++) {
        const y = b.values.subarray(j * b.width + first, j * b.width + end);
        let sum = 0;
        for (let t = 0; t < x.length; t++) sum += x[t]! * y[t]!;
        row[j]! += sum;
      }
    }
  }
  if (same) for (let i = 0; i < a.count; i++) for (let j = 0; j < i; j++) out[j]![i] = out[i]![j]!;
  return out;
}

/** Lower factor L of a symmetric positive definite K = L Lᵀ; K's lower part is overwritten and returned. */
export function cholesky(k: Float64Array[]): Float64Array[] {
  const m = k.length;
  for (let i = 0; i < m; i++) {
    const row = k[i]!;
    for (let j = 0; j <= i; j++) {
      const other = k[j]!;
      let sum = row[j]!;
      for (let t = 0; t < j; t++) sum -= row[t]! * other[t]!;
      if (j < i) row[j] = sum / other[j]!;
      else if (sum > 0) row[i] = Math.sqrt(sum);
      else throw new OpenLedgerError({ code: 'eval/not-positive-definite', what: 'A matrix of the evaluation cannot be factored.', why: `Pivot ${i} of ${m} is ${sum}.`, next: 'Use more damping.' });
    }
  }
  return k;
}

/** x with L Lᵀ x = b. */
export function solve(l: readonly Float64Array[], b: ArrayLike<number>): Float64Array {
  const m = l.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < m; i++) {
    const row = l[i]!;
    let sum = x[i]!;
    for (let t = 0; t < i; t++) sum -= row[t]! * x[t]!;
    x[i] = sum / row[i]!;
  }
  for (let i = m - 1; i >= 0; i--) {
    const value = (x[i]! /= l[i]![i]!);
    const row = l[i]!;
    for (let t = 0; t < i; t++) x[t]! -= row[t]! * value;
  }
  return x;
}
