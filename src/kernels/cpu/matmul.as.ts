// Matrix products of RF32 in AssemblyScript SIMD. Operands are packed (pack.as.ts):
//   left  operand: quads of rows,    [ceil(N/4)][K][4]
//   right operand: panels of columns, [ceil(M/8)][K][8]
// both padded with zeros. One 4×8 tile keeps its block sums in registers, k strictly increasing.
import { put } from './lanes.as';
import { storev } from './rf32.as';

const BLOCK: i32 = 256;
/** Rows of a chunk: with one block of k, 128 KiB of the left operand. */
const ROWS: i32 = 128;
/** Values of a left operand that is kept near: 256 KiB. */
export const NEAR: i32 = 65536;

/** c[N,M] = packed left · packed right, in chunks of rows and blocks of k that stay in the near caches. */
export function multiply(a: usize, b: usize, c: usize, n: i32, m: i32, k: i32): void {
  if (k == 0) memory.fill(c, 0, <usize>(n * m) << 2);
  // A left operand that stays in a near cache whole: the right one is read from first to last, once.
  if (n <= ROWS && n * k <= NEAR) {
    const zeros = clearZeros(a, c, 0, n, m, k);
    for (let j = 0; j < m; j += 8) {
      const panel = b + (<usize>(j >> 3) * k << 5);
      for (let start = 0; start < k; start += BLOCK) multiplyQuads(a, panel + (<usize>start << 5), c, 0, n, n, m, k, j, start, min(BLOCK, k - start), zeros);
    }
    return;
  }
  for (let i = 0; i < n; i += ROWS) {
    const end = min(i + ROWS, n);
    const zeros = clearZeros(a, c, i, end, m, k);
    for (let start = 0; start < k; start += BLOCK) multiplyBlock(a, b, c, i, end, n, m, k, start, zeros);
  }
}

/**
 * Of a packed left operand's rows from..to, at most 128: bit q is set where the four rows from + 4·q on are all +0. Their
 * products are +0 whatever the right operand holds, and that is stored here: the gradient of a record's last layer is zero in
 * most rows.
 */
export function clearZeros(a: usize, c: usize, from: i32, to: i32, m: i32, k: i32): u32 {
  const quad = <usize>k << 4;
  let zeros: u32 = 0;
  let at = a + <usize>(from >> 2) * quad;
  for (let i = from, bit: u32 = 1; i < to; i += 4, bit <<= 1) {
    const next = at + quad;
    while (at < next && !v128.any_true(v128.load(at))) at += 16;
    if (at == next) {
      zeros |= bit;
      memory.fill(c + (<usize>(i * m) << 2), 0, <usize>(min(4, to - i) * m) << 2);
    }
    at = next;
  }
  return zeros;
}

/** multiplyPanel for those of the rows from..to, at most 128, that clearZeros has not done. */
export function multiplyQuads(a: usize, panel: usize, c: usize, from: i32, to: i32, n: i32, m: i32, k: i32, j: i32, start: i32, count: i32, zeros: u32): void {
  while (zeros) {
    const before = ctz(zeros);
    if (before) multiplyPanel(a, panel, c, from, from + (before << 2), n, m, k, j, start, count);
    zeros = zeros >> before;
    const run = ~zeros ? ctz(~zeros) : 32;
    zeros = run < 32 ? zeros >> run : 0;
    from += (before + run) << 2;
  }
  if (from < to) multiplyPanel(a, panel, c, from, to, n, m, k, j, start, count);
}

/** Rows from..to of c: one block of k, added to the blocks before it. */
function multiplyBlock(a: usize, b: usize, c: usize, from: i32, to: i32, n: i32, m: i32, k: i32, start: i32, zeros: u32): void {
  const count = min(BLOCK, k - start);
  for (let j = 0; j < m; j += 8) multiplyQuads(a, b + ((<usize>(j >> 3) * k + start) << 5), c, from, to, n, m, k, j, start, count, zeros);
}

/** Rows from..to and columns j..j+7 of c[n,m]: the block of `count` terms from `start` on, against a panel [count][8]. */
export function multiplyPanel(a: usize, panel: usize, c: usize, from: i32, to: i32, n: i32, m: i32, k: i32, j: i32, start: i32, count: i32): void {
  const zero = f32x4.splat(0);
  const pitch = <usize>m << 2;
  const length = <usize>count;
  const first = start == 0;
  const last = start + BLOCK >= k;
  const columns = m - j;
  for (let i = from; i < to; i += 4) {
    let left = a + ((<usize>(i >> 2) * k + start) << 4);
    let right = panel;
    let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
    const end = left + (length << 4);
    for (; left < end; left += 16, right += 32) {
      const b0 = v128.load(right);
      const b1 = v128.load(right, 16);
      const a0 = v128.load32_splat(left);
      s00 = f32x4.add(s00, f32x4.mul(a0, b0));
      s01 = f32x4.add(s01, f32x4.mul(a0, b1));
      const a1 = v128.load32_splat(left, 4);
      s10 = f32x4.add(s10, f32x4.mul(a1, b0));
      s11 = f32x4.add(s11, f32x4.mul(a1, b1));
      const a2 = v128.load32_splat(left, 8);
      s20 = f32x4.add(s20, f32x4.mul(a2, b0));
      s21 = f32x4.add(s21, f32x4.mul(a2, b1));
      const a3 = v128.load32_splat(left, 12);
      s30 = f32x4.add(s30, f32x4.mul(a3, b0));
      s31 = f32x4.add(s31, f32x4.mul(a3, b1));
    }
    const rows = n - i;
    let at = c + (<usize>(i * m + j) << 2);
    putTile(at, s00, s01, columns, first, last);
    if (rows > 1) putTile((at += pitch), s10, s11, columns, first, last);
    if (rows > 2) putTile((at += pitch), s20, s21, columns, first, last);
    if (rows > 3) putTile((at += pitch), s30, s31, columns, first, last);
  }
}

/** One row of a tile: added to the blocks before it, flushed after the last. */
// @ts-ignore: decorator
@inline function putTile(at: usize, left: v128, right: v128, columns: i32, first: bool, last: bool): void {
  if (!first) {
    left = f32x4.add(v128.load(at), left);
    right = f32x4.add(v128.load(at, 16), right);
  }
  if (last) {
    left = storev(left);
    right = storev(right);
  }
  put(at, left, columns);
  put(at + 16, right, columns - 4);
}

/** One row, its operands side by side, against four panels at a time, so that enough independent sums are under way. */
export function multiplyRow(a: usize, b: usize, c: usize, m: i32, k: i32): void {
  const zero = f32x4.splat(0);
  const panelBytes = <usize>k << 5;
  for (let j = 0; j < m; j += 32) {
    const p0 = b + <usize>(j >> 3) * panelBytes;
    // Panels past the end read the first one again; their sums are not stored.
    const p1 = j + 8 < m ? p0 + panelBytes : p0;
    const p2 = j + 16 < m ? p1 + panelBytes : p0;
    const p3 = j + 24 < m ? p2 + panelBytes : p0;
    let t0 = zero, t1 = zero, t2 = zero, t3 = zero, t4 = zero, t5 = zero, t6 = zero, t7 = zero;
    for (let start = 0; start < k; start += BLOCK) {
      const end = min(start + BLOCK, k);
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
      for (let t = start; t < end; t++) {
        const x = v128.load32_splat(a + (<usize>t << 2));
        const o = <usize>t << 5;
        s0 = f32x4.add(s0, f32x4.mul(x, v128.load(p0 + o)));
        s1 = f32x4.add(s1, f32x4.mul(x, v128.load(p0 + o, 16)));
        s2 = f32x4.add(s2, f32x4.mul(x, v128.load(p1 + o)));
        s3 = f32x4.add(s3, f32x4.mul(x, v128.load(p1 + o, 16)));
        s4 = f32x4.add(s4, f32x4.mul(x, v128.load(p2 + o)));
        s5 = f32x4.add(s5, f32x4.mul(x, v128.load(p2 + o, 16)));
        s6 = f32x4.add(s6, f32x4.mul(x, v128.load(p3 + o)));
        s7 = f32x4.add(s7, f32x4.mul(x, v128.load(p3 + o, 16)));
      }
      t0 = f32x4.add(t0, s0); t1 = f32x4.add(t1, s1); t2 = f32x4.add(t2, s2); t3 = f32x4.add(t3, s3);
      t4 = f32x4.add(t4, s4); t5 = f32x4.add(t5, s5); t6 = f32x4.add(t6, s6); t7 = f32x4.add(t7, s7);
    }
    const at = c + (<usize>j << 2);
    const columns = m - j;
    put(at, storev(t0), columns); put(at + 16, storev(t1), columns - 4);
    put(at + 32, storev(t2), columns - 8); put(at + 48, storev(t3), columns - 12);
    put(at + 64, storev(t4), columns - 16); put(at + 80, storev(t5), columns - 20);
    put(at + 96, storev(t6), columns - 24); put(at + 112, storev(t7), columns - 28);
  }
}

/** The block of `count` terms from `start` on of one row, its operands side by side, against a panel [count][8]. */
export function multiplyRowPanel(a: usize, panel: usize, c: usize, m: i32, k: i32, j: i32, start: i32, count: i32): void {
  let s0 = f32x4.splat(0), s1 = s0;
  let right = panel;
  for (let t = start; t < start + count; t++, right += 32) {
    const x = v128.load32_splat(a + (<usize>t << 2));
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(right)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(right, 16)));
  }
  putTile(c + (<usize>j << 2), s0, s1, m - j, start == 0, start + BLOCK >= k);
}

/** Index of the first of n values that is NaN, infinite or beyond 2^50, or -1. */
export function firstOutOfRange(at: usize, n: i32): i32 {
  const magnitude = i32x4.splat(0x7fffffff);
  const limit = i32x4.splat(0x58800000);
  let i = 0;
  for (; i + 16 <= n; i += 16) {
    const p = at + (<usize>i << 2);
    const a = i32x4.max_s(v128.and(v128.load(p), magnitude), v128.and(v128.load(p, 16), magnitude));
    const b = i32x4.max_s(v128.and(v128.load(p, 32), magnitude), v128.and(v128.load(p, 48), magnitude));
    if (v128.any_true(i32x4.gt_s(i32x4.max_s(a, b), limit))) break;
  }
  for (; i < n; i++) if ((load<i32>(at + (<usize>i << 2)) & 0x7fffffff) > 0x58800000) return i;
  return -1;
}
