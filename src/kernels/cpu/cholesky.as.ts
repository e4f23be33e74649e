// Steps of the Cholesky factorisation (../cholesky/operation.ts).
import { put } from './lanes.as';
import { firstOutOfRange, multiplyPanel } from './matmul.as';
import { divs, divv, muls, operands, operandv, sqrtv, stores, storev } from './rf32.as';

/** `shift` added on the diagonal of k[m,m]. */
export function addDiagonal(k: usize, m: i32, shift: f32): void {
  const step = (<usize>m + 1) << 2;
  for (let i = 0; i < m; i++, k += step) store<f32>(k, stores(load<f32>(k) + shift));
}

export function choleskyStart(k: usize, l: usize, floors: usize, m: i32, part: f32): void {
  const pitch = <usize>m << 2;
  for (let i = 0; i < m; i++, k += pitch, l += pitch) {
    const kept = (<usize>i + 1) << 2;
    memory.copy(l, k, kept);
    memory.fill(l + kept, 0, pitch - kept);
    store<f32>(floors + kept - 4, muls(max<f32>(0, load<f32>(k + kept - 4)), part));
  }
}

/** Σ of `count` products of what lies side by side at a and b. */
// @ts-ignore: decorator
@inline function products(a: usize, b: usize, count: i32): f32 {
  let sum: f32 = 0;
  for (let k = 0; k < count; k++, a += 4, b += 4) {
    sum += reinterpret<f32>(operands(load<u32>(a))) * reinterpret<f32>(operands(load<u32>(b)));
  }
  return sum;
}

/** The block of `count` at l, its rows `pitch` bytes apart; `floors` of its first row on. */
export function choleskyBlock(l: usize, floors: usize, count: i32, pitch: usize): void {
  for (let j = 0; j < count; j++) {
    const row = l + <usize>j * pitch;
    const at = row + (<usize>j << 2);
    const rest = stores(load<f32>(at) - products(row, row, j));
    const pivot: f32 = rest > load<f32>(floors + (<usize>j << 2)) ? f32x4.extract_lane(sqrtv(f32x4.splat(rest)), 0) : 0;
    store<f32>(at, pivot);
    for (let i = j + 1; i < count; i++) {
      const other = l + <usize>i * pitch;
      const to = other + (<usize>j << 2);
      store<f32>(to, pivot == 0 ? 0 : divs(stores(load<f32>(to) - products(other, row, j)), pivot));
    }
  }
}

/**
 * Substitution in n rows at x, `xRow` bytes apart, elements `xStep` apart, four rows at a time; l(j,k) is at
 * l + j·lRow + k·lStep. Steps may be negative. `scratch` holds 64·64 and 64·4 values.
 */
export function substituteRows(
  x: usize, l: usize, scratch: usize, n: i32, count: i32, xRow: usize, xStep: usize, lRow: usize, lStep: usize,
): void {
  for (let j = 0; j < count; j++) {
    for (let k = 0; k < j; k++) {
      store<u32>(scratch + (<usize>((j << 6) + k) << 2), operands(load<u32>(l + <usize>j * lRow + <usize>k * lStep)));
    }
  }
  const lanes = scratch + (64 * 64 << 2);
  for (let i = 0; i < n; i += 4, x += 4 * xRow) {
    const rows = n - i;
    // Rows past the end repeat the first; nothing of them is stored.
    const o1 = rows > 1 ? xRow : 0;
    const o2 = rows > 2 ? 2 * xRow : 0;
    const o3 = rows > 3 ? 3 * xRow : 0;
    for (let j = 0; j < count; j++) {
      let sum = f32x4.splat(0);
      let factor = scratch + (<usize>j << 8);
      const end = factor + (<usize>j << 2);
      for (let at = lanes; factor < end; factor += 4, at += 16) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(at), v128.load32_splat(factor)));
      }
      const at = x + <usize>j * xStep;
      const pivot = load<f32>(l + <usize>j * (lRow + lStep));
      const b = f32x4(load<f32>(at), load<f32>(at + o1), load<f32>(at + o2), load<f32>(at + o3));
      const y = pivot == 0 ? f32x4.splat(0) : divv(storev(f32x4.sub(b, sum)), f32x4.splat(pivot));
      v128.store(lanes + (<usize>j << 4), operandv(y));
      store<f32>(at, f32x4.extract_lane(y, 0));
      if (rows > 1) store<f32>(at + o1, f32x4.extract_lane(y, 1));
      if (rows > 2) store<f32>(at + o2, f32x4.extract_lane(y, 2));
      if (rows > 3) store<f32>(at + o3, f32x4.extract_lane(y, 3));
    }
  }
}

/** Rows of a chunk: with 64 terms, 32 KiB of the left operand. */
const ROWS: i32 = 128;

/**
 * c −= packed left[n,k] · packed right[m,k], k ≤ 256, c's rows `pitch` bytes apart; where `lower`, only elements whose column is
 * not greater than their row. `scratch` holds 128·8 values.
 */
export function subtractProduct(a: usize, b: usize, c: usize, pitch: usize, scratch: usize, n: i32, m: i32, k: i32, lower: i32): void {
  for (let first = 0; first < n; first += ROWS, a += <usize>(ROWS >> 2) * k << 4, c += ROWS * pitch) {
    const rows = min(ROWS, n - first);
    const columns = lower ? min(m, first + rows) : m;
    for (let j = 0; j < columns; j += 8) {
      const from = lower ? max(0, j - first) : 0;
      multiplyPanel(a, b + (<usize>(j >> 3) * k << 5), scratch, from, rows, rows, 8, k, 0, 0, k);
      for (let i = from; i < rows; i++) {
        const at = c + <usize>i * pitch + (<usize>j << 2);
        const sums = scratch + (<usize>i << 5);
        const count = lower ? min(m - j, first + i - j + 1) : m - j;
        put(at, storev(f32x4.sub(v128.load(at), v128.load(sums))), count);
        put(at + 16, storev(f32x4.sub(v128.load(at, 16), v128.load(sums, 16))), count - 4);
      }
    }
  }
}

/** 1 where n rows of `count` values, `pitch` bytes apart, are within RF32's range. */
export function rowsInRange(at: usize, pitch: usize, n: i32, count: i32): i32 {
  for (let i = 0; i < n; i++, at += pitch) if (firstOutOfRange(at, count) >= 0) return 0;
  return 1;
}
