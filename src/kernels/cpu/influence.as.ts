// The element-wise steps of DataInf (../influence/operation.ts).
import { put } from './lanes.as';
import { divv, muls, mulv, storev } from './rf32.as';

const BLOCK: i32 = 256;

/** λ: the trace of k[n,n], in blocks, times `factor`. */
function damping(k: usize, n: i32, factor: f32): f32 {
  let total: f32 = 0;
  for (let start = 0; start < n; start += BLOCK) {
    const end = min(start + BLOCK, n);
    let sum: f32 = 0;
    for (let i = start; i < end; i++) sum += load<f32>(k + (<usize>(i * n + i) << 2));
    total += sum;
  }
  return muls(total, factor);
}

/** w[Q,n] = b / (λ + diag k); `scratch` holds n values and a vector more. */
export function dataInfWeights(b: usize, k: usize, w: usize, scratch: usize, q: i32, n: i32, factor: f32): void {
  const lambda = damping(k, n, factor);
  if (lambda == 0) {
    memory.fill(w, 0, <usize>(q * n) << 2);
    return;
  }
  for (let j = 0; j < n; j++) {
    store<f32>(scratch + (<usize>j << 2), lambda + load<f32>(k + (<usize>(j * n + j) << 2)));
  }
  for (let i = 0; i < q; i++, b += <usize>n << 2, w += <usize>n << 2) {
    for (let j = 0; j < n; j += 4) {
      const o = <usize>j << 2;
      put(w + o, divv(v128.load(b + o), v128.load(scratch + o)), n - j);
    }
  }
}

/** y[Q,n] = (b − c/n) / λ. */
export function dataInfScores(
  b: usize, c: usize, k: usize, y: usize, q: i32, n: i32, factor: f32, inverse: f32,
): void {
  const lambda = damping(k, n, factor);
  const bytes = <usize>(q * n) << 2;
  if (lambda == 0) {
    memory.fill(y, 0, bytes);
    return;
  }
  const by = f32x4.splat(inverse);
  const divisor = f32x4.splat(lambda);
  for (let o: usize = 0; o < bytes; o += 16) {
    v128.store(y + o, divv(storev(f32x4.sub(v128.load(b + o), mulv(v128.load(c + o), by))), divisor));
  }
}
