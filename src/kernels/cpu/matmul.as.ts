// Matrix products of RF32 in AssemblyScript SIMD. Operands are packed, magnitudes below 2^-50 as 0:
//   left  operand: quads of rows,    [ceil(N/4)][K][4]
//   right operand: panels of columns, [ceil(M/8)][K][8]
// both padded with zeros. One 4×8 tile keeps its block sums in registers, k strictly increasing.
import { put } from './lanes.as';
import { operands, operandv, storev } from './rf32.as';

const BLOCK: i32 = 256;

/** Packs a left operand whose element (i, k) is at from + 4·(i·si + k·sk). */
export function packRows(from: usize, to: usize, n: i32, k: i32, si: i32, sk: i32): void {
  for (let i = 0; i < n; i += 4) {
    const left = min(4, n - i);
    for (let t = 0; t < k; t++) {
      const at = to + (<usize>t << 4);
      for (let r = 0; r < 4; r++) {
        const value = r < left ? operands(load<u32>(from + (<usize>((i + r) * si + t * sk) << 2))) : 0;
        store<u32>(at + (<usize>r << 2), value);
      }
    }
    to += <usize>k << 4;
  }
}

/** Packs a right operand whose element (j, k) is at from + 4·(j·sj + k·sk). */
export function packColumns(from: usize, to: usize, m: i32, k: i32, sj: i32, sk: i32): void {
  for (let j = 0; j < m; j += 8) {
    const left = min(8, m - j);
    if (sj == 1 && left == 8) {
      for (let t = 0; t < k; t++) {
        const source = from + (<usize>(j + t * sk) << 2);
        const at = to + (<usize>t << 5);
        v128.store(at, operandv(v128.load(source)));
        v128.store(at, operandv(v128.load(source, 16)), 16);
      }
    } else {
      for (let c = 0; c < 8; c++) {
        for (let t = 0; t < k; t++) {
          const value = c < left ? operands(load<u32>(from + (<usize>((j + c) * sj + t * sk) << 2))) : 0;
          store<u32>(to + (<usize>t << 5) + (<usize>c << 2), value);
        }
      }
    }
    to += <usize>k << 5;
  }
}

/** c[N,M] = packed left · packed right. */
export function multiply(a: usize, b: usize, c: usize, n: i32, m: i32, k: i32): void {
  if (n == 1) return multiplyRow(a, b, c, m, k);
  const zero = f32x4.splat(0);
  for (let j = 0; j < m; j += 8) {
    const columns = m - j;
    const panel = b + (<usize>(j >> 3) * k << 5);
    for (let i = 0; i < n; i += 4) {
      let left = a + (<usize>(i >> 2) * k << 4);
      let right = panel;
      let t00 = zero, t01 = zero, t10 = zero, t11 = zero, t20 = zero, t21 = zero, t30 = zero, t31 = zero;
      for (let start = 0; start < k; start += BLOCK) {
        const length = min(BLOCK, k - start);
        let s00 = zero, s01 = zero, s10 = zero, s11 = zero, s20 = zero, s21 = zero, s30 = zero, s31 = zero;
        const end = left + (<usize>length << 4);
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
        t00 = f32x4.add(t00, s00); t01 = f32x4.add(t01, s01);
        t10 = f32x4.add(t10, s10); t11 = f32x4.add(t11, s11);
        t20 = f32x4.add(t20, s20); t21 = f32x4.add(t21, s21);
        t30 = f32x4.add(t30, s30); t31 = f32x4.add(t31, s31);
      }
      const rows = n - i;
      let at = c + (<usize>(i * m + j) << 2);
      const pitch = <usize>m << 2;
      put(at, storev(t00), columns); put(at + 16, storev(t01), columns - 4);
      if (rows > 1) { at += pitch; put(at, storev(t10), columns); put(at + 16, storev(t11), columns - 4); }
      if (rows > 2) { at += pitch; put(at, storev(t20), columns); put(at + 16, storev(t21), columns - 4); }
      if (rows > 3) { at += pitch; put(at, storev(t30), columns); put(at + 16, storev(t31), columns - 4); }
    }
  }
}

/** One row against four panels at a time, so that enough independent sums are under way. */
function multiplyRow(a: usize, b: usize, c: usize, m: i32, k: i32): void {
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
        const x = v128.load32_splat(a + (<usize>t << 4));
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

/** Index of the first of n values that is NaN, infinite or beyond 2^50, or -1. */
export function firstOutOfRange(at: usize, n: i32): i32 {
  const limit = i32x4.splat(0x58800000);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const magnitude = v128.and(v128.load(at + (<usize>i << 2)), i32x4.splat(0x7fffffff));
    if (v128.any_true(i32x4.gt_s(magnitude, limit))) break;
  }
  for (; i < n; i++) if ((load<i32>(at + (<usize>i << 2)) & 0x7fffffff) > 0x58800000) return i;
  return -1;
}
