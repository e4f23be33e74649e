// Operands of matrix products in the order in which matmul.as.ts reads them, magnitudes below 2^-50 as 0.
import { operands, operandv } from './rf32.as';

/** Four rows' vectors at p0..p3, as columns: four operands of column 0 to `to`, of column 1 to `to + step`, and so on. */
// @ts-ignore: decorator
@inline export function transposeTile(p0: usize, p1: usize, p2: usize, p3: usize, to: usize, step: usize): void {
  const r0 = operandv(v128.load(p0));
  const r1 = operandv(v128.load(p1));
  const r2 = operandv(v128.load(p2));
  const r3 = operandv(v128.load(p3));
  const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(c, d, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(c, d, 2, 3, 6, 7));
}

/** Packs a left operand, quads of rows [ceil(N/4)][K][4]; element (i, k) is at from + 4·(i·si + k·sk). */
export function packRows(from: usize, to: usize, n: i32, k: i32, si: i32, sk: i32): void {
  const quad = <usize>k << 4;
  let i = 0;
  if (si == 1) {
    // Columns of a row-major matrix: a cache line of sixteen at a time.
    const step = <usize>sk << 2;
    for (; i + 16 <= n; i += 16, to += 4 * quad) {
      let source = from + (<usize>i << 2);
      let at = to;
      for (let t = 0; t < k; t++, source += step, at += 16) {
        v128.store(at, operandv(v128.load(source)));
        v128.store(at + quad, operandv(v128.load(source, 16)));
        v128.store(at + 2 * quad, operandv(v128.load(source, 32)));
        v128.store(at + 3 * quad, operandv(v128.load(source, 48)));
      }
    }
    for (; i + 4 <= n; i += 4, to += quad) {
      let source = from + (<usize>i << 2);
      for (let t = 0; t < k; t++, source += step) v128.store(to + (<usize>t << 4), operandv(v128.load(source)));
    }
  } else if (sk == 1) {
    const step = <usize>si << 2;
    for (; i + 4 <= n; i += 4, to += quad) {
      const row = from + <usize>i * step;
      let t = 0;
      for (; t + 4 <= k; t += 4) {
        const at = row + (<usize>t << 2);
        transposeTile(at, at + step, at + 2 * step, at + 3 * step, to + (<usize>t << 4), 16);
      }
      for (; t < k; t++) packRow(row + (<usize>t << 2), to + (<usize>t << 4), si, 4, 4);
    }
  }
  for (; i < n; i += 4, to += quad) {
    for (let t = 0; t < k; t++) packRow(from + (<usize>(i * si + t * sk) << 2), to + (<usize>t << 4), si, min(4, n - i), 4);
  }
}

/** `count` operands, `stride` apart, then zeros up to `width`. */
function packRow(from: usize, to: usize, stride: i32, count: i32, width: i32): void {
  for (let r = 0; r < width; r++) {
    store<u32>(to + (<usize>r << 2), r < count ? operands(load<u32>(from + (<usize>(r * stride) << 2))) : 0);
  }
}

/** Packs a right operand, panels of columns [ceil(M/8)][K][8]; element (j, k) is at from + 4·(j·sj + k·sk). */
export function packColumns(from: usize, to: usize, m: i32, k: i32, sj: i32, sk: i32): void {
  const panel = <usize>k << 5;
  let j = 0;
  if (sj == 1) {
    const step = <usize>sk << 2;
    for (; j + 16 <= m; j += 16, to += 2 * panel) {
      let source = from + (<usize>j << 2);
      let at = to;
      for (let t = 0; t < k; t++, source += step, at += 32) {
        v128.store(at, operandv(v128.load(source)));
        v128.store(at + 16, operandv(v128.load(source, 16)));
        v128.store(at + panel, operandv(v128.load(source, 32)));
        v128.store(at + panel + 16, operandv(v128.load(source, 48)));
      }
    }
    for (; j + 8 <= m; j += 8, to += panel) {
      let source = from + (<usize>j << 2);
      let at = to;
      for (let t = 0; t < k; t++, source += step, at += 32) {
        v128.store(at, operandv(v128.load(source)));
        v128.store(at, operandv(v128.load(source, 16)), 16);
      }
    }
  } else if (sk == 1) {
    const step = <usize>sj << 2;
    for (; j + 8 <= m; j += 8, to += panel) {
      const row = from + <usize>j * step;
      let t = 0;
      for (; t + 4 <= k; t += 4) {
        const at = row + (<usize>t << 2);
        const under = at + 4 * step;
        const out = to + (<usize>t << 5);
        transposeTile(at, at + step, at + 2 * step, at + 3 * step, out, 32);
        transposeTile(under, under + step, under + 2 * step, under + 3 * step, out + 16, 32);
      }
      for (; t < k; t++) packRow(row + (<usize>t << 2), to + (<usize>t << 5), sj, 8, 8);
    }
  }
  for (; j < m; j += 8, to += panel) {
    for (let t = 0; t < k; t++) packRow(from + (<usize>(j * sj + t * sk) << 2), to + (<usize>t << 5), sj, min(8, m - j), 8);
  }
}
