// Steps of the Cholesky factorisation (../cholesky/operation.ts).
import { muls, stores } from './rf32.as';

const BLOCK: i32 = 256;

/** y = k[m,m] with λ added on the diagonal; lambda[1] = factor · trace. */
export function dampDiagonal(k: usize, y: usize, lambda: usize, m: i32, factor: f32): void {
  const step = (<usize>m + 1) << 2;
  let total: f32 = 0;
  for (let start = 0; start < m; start += BLOCK) {
    const end = min(start + BLOCK, m);
    let sum: f32 = 0;
    for (let i = start; i < end; i++) sum += load<f32>(k + <usize>i * step);
    total += sum;
  }
  const added = muls(total, factor);
  store<f32>(lambda, added);
  memory.copy(y, k, (<usize>m * <usize>m) << 2);
  for (let i = 0; i < m; i++) store<f32>(y + <usize>i * step, stores(load<f32>(k + <usize>i * step) + added));
}
