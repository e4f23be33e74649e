// Matrices in packed formats (matrix/format.ts), decoded a panel at a time: no float32 copy of a matrix is kept.
//
// For these kernels the rows of a matrix are interleaved in groups of eight, in place: the words of a group lie
// [word][row], so that a vector holds the same columns of four rows. A last group of h < 8 rows is [word][h].
import { NEAR, clearZeros, multiplyQuads, multiplyRowPanel } from './matmul.as';
import { put } from './lanes.as';
import { operandv, storev } from './rf32.as';

const BLOCK: i32 = 256;
const ROWS: i32 = 128;
/** Rows of an interleaved group, and columns that share a scale. */
const GROUP: i32 = 8;

// Formats by number, as forms/matrix.ts gives them.
const F16: i32 = 0;
const BF16: i32 = 1;
const Q8: i32 = 2;
const Q4: i32 = 3;

/** Interleaves (or, `back`, takes apart) the rows of codes or scales; `scratch` has room for eight rows. */
export function interleave(at: usize, scratch: usize, rows: i32, words: i32, back: i32): void {
  for (let row = 0; row < rows; row += GROUP) {
    const height = min(GROUP, rows - row);
    const group = at + (<usize>row * words << 2);
    memory.copy(scratch, group, <usize>height * words << 2);
    for (let r = 0; r < height; r++) {
      for (let w = 0; w < words; w++) {
        const apart = <usize>(r * words + w) << 2;
        const together = <usize>(w * height + r) << 2;
        if (back) store<u32>(group + apart, load<u32>(scratch + together));
        else store<u32>(group + together, load<u32>(scratch + apart));
      }
    }
  }
}

/** x as operands, then zeros up to `padded`, side by side: the left operand of a product of one row. */
export function padOperandRow(from: usize, to: usize, k: i32, padded: i32): void {
  let t = 0;
  for (; t + 4 <= k; t += 4) v128.store(to + (<usize>t << 2), operandv(v128.load(from + (<usize>t << 2))));
  if (t < k) put(to + (<usize>t << 2), operandv(v128.load(from + (<usize>t << 2))), k - t);
  for (t = k; t < padded; t++) store<f32>(to + (<usize>t << 2), 0);
}

// @ts-ignore: decorator
@inline function halfValues(bits: v128): v128 {
  // Sign, exponent and significand of a float16 in the upper half, moved to float32's places; exact also below 2^-14.
  return f32x4.mul(v128.and(i32x4.shr_s(bits, 3), i32x4.splat(0x8fffe000)), f32x4.splat(reinterpret<f32>(0x77800000)));
}

// @ts-ignore: decorator
@inline function scaleOf(at: usize, odd: i32): v128 {
  const both = v128.load(at);
  return odd ? v128.and(both, i32x4.splat(0xffff0000)) : i32x4.shl(both, 16);
}

/** Four rows' value of column `e` of their words. */
// @ts-ignore: decorator
@inline function valueOf(format: i32, words: v128, scales: v128, e: i32): v128 {
  if (format == F16) return halfValues(e == 0 ? i32x4.shl(words, 16) : words);
  if (format == BF16) return operandv(e == 0 ? i32x4.shl(words, 16) : v128.and(words, i32x4.splat(0xffff0000)));
  const code = format == Q8 ? i32x4.shr_s(i32x4.shl(words, 24 - 8 * e), 24) : i32x4.shr_s(i32x4.shl(words, 28 - 4 * e), 28);
  return f32x4.mul(f32x4.convert_i32x4_s(code), scales);
}

// @ts-ignore: decorator
@inline function perWord(format: i32): i32 {
  return format == Q4 ? 8 : format == Q8 ? 4 : 2;
}

/** Words of codes that share a scale; for formats without scales as many. */
// @ts-ignore: decorator
@inline function wordsInStep(format: i32): i32 {
  return format == Q4 ? 4 : format == Q8 ? 8 : 16;
}

/** y[m] at `c` = x · Wᵀ for whole groups of eight rows: two vectors of sums, each in increasing k. */
// @ts-ignore: decorator
@inline function rowTimes(format: i32, x: usize, codes: usize, scales: usize, c: usize, m: i32, words: i32, scaleWords: i32): void {
  const zero = f32x4.splat(0);
  const columns = perWord(format);
  const step = wordsInStep(format);
  const blockWords = BLOCK / columns;
  for (let j = 0; j + GROUP <= m; j += GROUP) {
    const line = codes + (<usize>j * words << 2);
    const scaleLine = scales + (<usize>j * scaleWords << 2);
    let t0 = zero, t1 = zero;
    for (let start = 0; start < words; start += blockWords) {
      const stop = min(start + blockWords, words);
      let s0 = zero, s1 = zero;
      for (let first = start; first < stop; first += step) {
        let scale0 = zero, scale1 = zero;
        if (format >= Q8) {
          const g = first / step;
          const at = scaleLine + (<usize>(g >> 1) << 5);
          scale0 = scaleOf(at, g & 1);
          scale1 = scaleOf(at + 16, g & 1);
        }
        const end = min(first + step, stop);
        let from = line + (<usize>first << 5);
        let at = x + (<usize>(first * columns) << 2);
        for (let w = first; w < end; w++, from += 32, at += <usize>columns << 2) {
          const w0 = v128.load(from);
          const w1 = v128.load(from, 16);
          let v = v128.load32_splat(at);
          s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 0)));
          s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 0)));
          v = v128.load32_splat(at, 4);
          s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 1)));
          s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 1)));
          if (format >= Q8) {
            v = v128.load32_splat(at, 8);
            s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 2)));
            s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 2)));
            v = v128.load32_splat(at, 12);
            s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 3)));
            s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 3)));
          }
          if (format == Q4) {
            v = v128.load32_splat(at, 16);
            s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 4)));
            s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 4)));
            v = v128.load32_splat(at, 20);
            s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 5)));
            s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 5)));
            v = v128.load32_splat(at, 24);
            s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 6)));
            s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 6)));
            v = v128.load32_splat(at, 28);
            s0 = f32x4.add(s0, f32x4.mul(v, valueOf(format, w0, scale0, 7)));
            s1 = f32x4.add(s1, f32x4.mul(v, valueOf(format, w1, scale1, 7)));
          }
        }
      }
      t0 = f32x4.add(t0, s0);
      t1 = f32x4.add(t1, s1);
    }
    v128.store(c + (<usize>j << 2), storev(t0));
    v128.store(c + (<usize>j << 2), storev(t1), 16);
  }
}

/** The value of column `e` of a word as a scalar. */
function scalarValue(format: i32, word: u32, scale: f32, e: i32): f32 {
  return f32x4.extract_lane(valueOfAny(format, i32x4.splat(word), f32x4.splat(scale), e), 0);
}

function valueOfAny(format: i32, words: v128, scales: v128, e: i32): v128 {
  return valueOf(format, words, scales, e);
}

// @ts-ignore: decorator
@inline function scalarScale(at: usize, odd: i32): f32 {
  const both = load<u32>(at);
  return reinterpret<f32>(odd ? both & 0xffff0000 : both << 16);
}

/** Eight rows from `row` on, terms start..start+count-1, as a panel [count][8]; rows that are not there are zeros. */
// @ts-ignore: decorator
@inline function panelOfRows(format: i32, codes: usize, scales: usize, to: usize, rows: i32, words: i32, scaleWords: i32, row: i32, start: i32, count: i32): void {
  const columns = perWord(format);
  const step = wordsInStep(format);
  const line = codes + (<usize>row * words << 2);
  const scaleLine = scales + (<usize>row * scaleWords << 2);
  const firstWord = start / columns;
  const stop = min(firstWord + (count + columns - 1) / columns, words);
  const height = min(GROUP, rows - row);
  for (let w = firstWord; w < stop; w++) {
    const g = w / step;
    if (height == GROUP) {
      let scale0 = f32x4.splat(0), scale1 = scale0;
      if (format >= Q8) {
        const at = scaleLine + (<usize>(g >> 1) << 5);
        scale0 = scaleOf(at, g & 1);
        scale1 = scaleOf(at + 16, g & 1);
      }
      const w0 = v128.load(line + (<usize>w << 5));
      const w1 = v128.load(line + (<usize>w << 5), 16);
      for (let e = 0; e < columns; e++, to += 32) {
        v128.store(to, valueOf(format, w0, scale0, e));
        v128.store(to, valueOf(format, w1, scale1, e), 16);
      }
    } else {
      for (let e = 0; e < columns; e++, to += 32) {
        for (let r = 0; r < GROUP; r++) {
          let value: f32 = 0;
          if (r < height) {
            const scale = format >= Q8 ? scalarScale(scaleLine + (<usize>((g >> 1) * height + r) << 2), g & 1) : 0;
            value = scalarValue(format, load<u32>(line + (<usize>(w * height + r) << 2)), scale, e);
          }
          store<f32>(to + (<usize>r << 2), value);
        }
      }
    }
  }
}

/** Eight columns from `column` on, rows start..start+count-1, as a panel [count][8]; columns past the last are anything. */
// @ts-ignore: decorator
@inline function panelOfColumns(format: i32, codes: usize, scales: usize, to: usize, rows: i32, words: i32, scaleWords: i32, column: i32, start: i32, count: i32): void {
  const first = column / perWord(format);
  const g = column >> 5;
  for (let row = start; row < start + count; row++, to += 32) {
    const own = row & (GROUP - 1);
    const height = min(GROUP, rows - (row - own));
    const line = codes + (<usize>((row - own) * words + first * height + own) << 2);
    const next = <usize>height << 2;
    if (format >= Q8) {
      const scale = f32x4.splat(scalarScale(scales + (<usize>((row - own) * scaleWords + (g >> 1) * height + own) << 2), g & 1));
      if (format == Q4) {
        const word = v128.load32_splat(line);
        const left = i32x4.shr_s(i32x4.mul(word, i32x4(1 << 28, 1 << 24, 1 << 20, 1 << 16)), 28);
        const right = i32x4.shr_s(i32x4.mul(word, i32x4(1 << 12, 1 << 8, 1 << 4, 1)), 28);
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(left), scale));
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(right), scale), 16);
      } else {
        const places = i32x4(1 << 24, 1 << 16, 1 << 8, 1);
        const left = i32x4.shr_s(i32x4.mul(v128.load32_splat(line), places), 24);
        const right = i32x4.shr_s(i32x4.mul(v128.load32_splat(line + next), places), 24);
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(left), scale));
        v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(right), scale), 16);
      }
    } else {
      // A row's last panel may have fewer than four words; those that are not there are not read.
      const w0 = load<u32>(line);
      const w1 = first + 1 < words ? load<u32>(line + next) : 0;
      const w2 = first + 2 < words ? load<u32>(line + 2 * next) : 0;
      const w3 = first + 3 < words ? load<u32>(line + 3 * next) : 0;
      const left = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(w1), 0, w0 << 16), 1, w0), 2, w1 << 16);
      const right = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(w3), 0, w2 << 16), 1, w2), 2, w3 << 16);
      if (format == F16) {
        v128.store(to, halfValues(left));
        v128.store(to, halfValues(right), 16);
      } else {
        const high = i32x4.splat(0xffff0000);
        v128.store(to, operandv(v128.and(left, high)));
        v128.store(to, operandv(v128.and(right, high)), 16);
      }
    }
  }
}

/** y[n,m] = packed left · Wᵀ, W[m,k] interleaved. `panel` has room for 256 × 8 values. One row: `a` is padOperandRow's. */
// @ts-ignore: decorator
@inline function timesRows(format: i32, a: usize, codes: usize, scales: usize, c: usize, n: i32, m: i32, k: i32, words: i32, scaleWords: i32, panel: usize): void {
  if (n == 1) {
    rowTimes(format, a, codes, scales, c, m, words, scaleWords);
    const j = m & ~7;
    for (let start = 0; start < k && j < m; start += BLOCK) {
      const count = min(BLOCK, k - start);
      panelOfRows(format, codes, scales, panel, m, words, scaleWords, j, start, count);
      multiplyRowPanel(a, panel, c, m, k, j, start, count);
    }
    return;
  }
  if (n <= ROWS && n * k <= NEAR) {
    // See multiply: the matrix is read from first to last, once.
    const zeros = clearZeros(a, c, 0, n, m, k);
    for (let j = 0; j < m; j += GROUP) {
      for (let start = 0; start < k; start += BLOCK) {
        const count = min(BLOCK, k - start);
        panelOfRows(format, codes, scales, panel, m, words, scaleWords, j, start, count);
        multiplyQuads(a, panel, c, 0, n, n, m, k, j, start, count, zeros);
      }
    }
    return;
  }
  for (let i = 0; i < n; i += ROWS) {
    const end = min(i + ROWS, n);
    const zeros = clearZeros(a, c, i, end, m, k);
    for (let start = 0; start < k; start += BLOCK) {
      const count = min(BLOCK, k - start);
      for (let j = 0; j < m; j += GROUP) {
        panelOfRows(format, codes, scales, panel, m, words, scaleWords, j, start, count);
        multiplyQuads(a, panel, c, i, end, n, m, k, j, start, count, zeros);
      }
    }
  }
}

// @ts-ignore: decorator
@inline function timesColumns(format: i32, a: usize, codes: usize, scales: usize, c: usize, n: i32, m: i32, k: i32, words: i32, scaleWords: i32, panel: usize): void {
  if (n == 1) {
    for (let start = 0; start < k; start += BLOCK) {
      const count = min(BLOCK, k - start);
      for (let j = 0; j < m; j += GROUP) {
        panelOfColumns(format, codes, scales, panel, k, words, scaleWords, j, start, count);
        multiplyRowPanel(a, panel, c, m, k, j, start, count);
      }
    }
    return;
  }
  for (let i = 0; i < n; i += ROWS) {
    const end = min(i + ROWS, n);
    const zeros = clearZeros(a, c, i, end, m, k);
    for (let start = 0; start < k; start += BLOCK) {
      const count = min(BLOCK, k - start);
      for (let j = 0; j < m; j += GROUP) {
        panelOfColumns(format, codes, scales, panel, k, words, scaleWords, j, start, count);
        multiplyQuads(a, panel, c, i, end, n, m, k, j, start, count, zeros);
      }
    }
  }
}

/** y[n,m] = left · Wᵀ for W[m,k]; see timesRows. */
export function multiplyRowsOf(format: i32, a: usize, codes: usize, scales: usize, c: usize, n: i32, m: i32, k: i32, words: i32, scaleWords: i32, panel: usize): void {
  if (k == 0) memory.fill(c, 0, <usize>(n * m) << 2);
  else if (format == F16) timesRows(F16, a, codes, scales, c, n, m, k, words, scaleWords, panel);
  else if (format == BF16) timesRows(BF16, a, codes, scales, c, n, m, k, words, scaleWords, panel);
  else if (format == Q8) timesRows(Q8, a, codes, scales, c, n, m, k, words, scaleWords, panel);
  else timesRows(Q4, a, codes, scales, c, n, m, k, words, scaleWords, panel);
}

/** y[n,m] = left · W for W[k,m]; see timesRows for the left operand. */
export function multiplyColumnsOf(format: i32, a: usize, codes: usize, scales: usize, c: usize, n: i32, m: i32, k: i32, words: i32, scaleWords: i32, panel: usize): void {
  if (k == 0) memory.fill(c, 0, <usize>(n * m) << 2);
  else if (format == F16) timesColumns(F16, a, codes, scales, c, n, m, k, words, scaleWords, panel);
  else if (format == BF16) timesColumns(BF16, a, codes, scales, c, n, m, k, words, scaleWords, panel);
  else if (format == Q8) timesColumns(Q8, a, codes, scales, c, n, m, k, words, scaleWords, panel);
  else timesColumns(Q4, a, codes, scales, c, n, m, k, words, scaleWords, panel);
}

/** Rows of an interleaved matrix by their ids, zeros for ids outside, as stored values (no −0). */
export function gatherPacked(format: i32, codes: usize, scales: usize, ids: usize, y: usize, n: i32, rows: i32, columns: i32, words: i32, scaleWords: i32, first: u32): void {
  const each = perWord(format);
  const step = wordsInStep(format);
  for (let i = 0; i < n; i++, y += <usize>columns << 2) {
    const row = load<u32>(ids + (<usize>i << 2)) - first;
    if (row >= <u32>rows) {
      memory.fill(y, 0, <usize>columns << 2);
      continue;
    }
    const own = row & (GROUP - 1);
    const height = min(GROUP, rows - (row - own));
    const line = codes + (<usize>((row - own) * words + own) << 2);
    const scaleLine = scales + (<usize>((row - own) * scaleWords + own) << 2);
    for (let column = 0; column < columns; column++) {
      const w = column / each;
      const g = w / step;
      const word = load<u32>(line + (<usize>(w * height) << 2));
      let value: f32;
      if (format == BF16) value = reinterpret<f32>((column & 1) != 0 ? word & 0xffff0000 : word << 16);
      else value = scalarValue(format, word, format >= Q8 ? scalarScale(scaleLine + (<usize>((g >> 1) * height) << 2), g & 1) : 0, column % each);
      store<f32>(y + (<usize>column << 2), value == 0 ? 0 : value);
    }
  }
}
