// One decoding step of a row: what ../decode/ fuses for graphics processors, with the same bits. Rows of factors and
// keys are read as they lie, four dot products side by side, each in its own order.
import { addRows, lanesBelow, put } from './lanes.as';
import { mulv, operandv, storev } from './rf32.as';

const BLOCK: i32 = 256;

// @ts-ignore: decorator
@inline function magnitude(x: v128): v128 {
  return v128.and(x, i32x4.splat(0x7fffffff));
}

/** 1 where a lane is NaN, infinite or beyond 2^50. */
// @ts-ignore: decorator
@inline function outside(x: v128): i32 {
  return v128.any_true(i32x4.gt_s(x, i32x4.splat(0x58800000))) ? 1 : 0;
}

/** Four dot products over k of the row at x and rows r0 … r3: block sums in order, not flushed. */
// @ts-ignore: decorator
@inline function dots(x: usize, r0: usize, r1: usize, r2: usize, r3: usize, k: i32): v128 {
  let total = f32x4.splat(0);
  for (let start = 0; start < k; start += BLOCK) {
    const end = min(start + BLOCK, k);
    let sum = f32x4.splat(0);
    let t = start;
    for (; t + 4 <= end; t += 4) {
      const o = <usize>t << 2;
      const value = operandv(v128.load(x + o));
      sum = addRows(
        sum,
        f32x4.mul(value, operandv(v128.load(r0 + o))), f32x4.mul(value, operandv(v128.load(r1 + o))),
        f32x4.mul(value, operandv(v128.load(r2 + o))), f32x4.mul(value, operandv(v128.load(r3 + o))),
      );
    }
    if (t < end) {
      // What lies behind the rows is anything, so its products are masked.
      const o = <usize>t << 2;
      const keep = lanesBelow(end - t);
      const value = operandv(v128.load(x + o));
      sum = addRows(
        sum,
        v128.and(keep, f32x4.mul(value, operandv(v128.load(r0 + o)))), v128.and(keep, f32x4.mul(value, operandv(v128.load(r1 + o)))),
        v128.and(keep, f32x4.mul(value, operandv(v128.load(r2 + o)))), v128.and(keep, f32x4.mul(value, operandv(v128.load(r3 + o)))),
      );
    }
    total = f32x4.add(total, sum);
  }
  return total;
}

/** out[j] = x · rows[j] for `count` rows of k values, `pitch` values apart. */
export function dotRows(x: usize, rows: usize, out: usize, count: i32, k: i32, pitch: i32): void {
  const step = <usize>pitch << 2;
  for (let j = 0; j < count; j += 4) {
    const left = count - j;
    const r0 = rows + <usize>j * step;
    const r1 = left > 1 ? r0 + step : r0;
    const r2 = left > 2 ? r1 + step : r0;
    const r3 = left > 3 ? r2 + step : r0;
    put(out + (<usize>j << 2), storev(dots(x, r0, r1, r2, r3, k)), left);
  }
}

/** Four neighbouring columns of x · w: rows of w are `step` bytes apart. Block sums in order, not flushed. */
// @ts-ignore: decorator
@inline function columns(x: usize, w: usize, k: i32, step: usize): v128 {
  let total = f32x4.splat(0);
  for (let start = 0; start < k; start += BLOCK) {
    const end = min(start + BLOCK, k);
    let sum = f32x4.splat(0);
    for (let t = start; t < end; t++, w += step) {
      sum = f32x4.add(sum, f32x4.mul(operandv(v128.load32_splat(x + (<usize>t << 2))), operandv(v128.load(w))));
    }
    total = f32x4.add(total, sum);
  }
  return total;
}

/** out[c] = x · w[:, c] of w[k, count]: eight columns at a time. */
export function dotColumns(x: usize, w: usize, out: usize, count: i32, k: i32): void {
  const step = <usize>count << 2;
  let c = 0;
  for (; c + 8 <= count; c += 8) {
    let row = w + (<usize>c << 2);
    let t0 = f32x4.splat(0), t1 = f32x4.splat(0);
    for (let start = 0; start < k; start += BLOCK) {
      const end = min(start + BLOCK, k);
      let s0 = f32x4.splat(0), s1 = f32x4.splat(0);
      for (let t = start; t < end; t++, row += step) {
        const value = operandv(v128.load32_splat(x + (<usize>t << 2)));
        s0 = f32x4.add(s0, f32x4.mul(value, operandv(v128.load(row))));
        s1 = f32x4.add(s1, f32x4.mul(value, operandv(v128.load(row, 16))));
      }
      t0 = f32x4.add(t0, s0);
      t1 = f32x4.add(t1, s1);
    }
    v128.store(out + (<usize>c << 2), storev(t0));
    v128.store(out + (<usize>c << 2), storev(t1), 16);
  }
  for (; c < count; c += 4) put(out + (<usize>c << 2), storev(columns(x, w + (<usize>c << 2), k, step)), count - c);
}

/** Four columns of finishRow. Gives the magnitudes that must stay within the range. */
function finishFour(y: usize, bias: usize, total: v128, by: v128, out: usize): v128 {
  let value = v128.load(y);
  const up = storev(total);
  let widest = magnitude(up);
  if (bias) {
    value = storev(f32x4.add(value, v128.load(bias)));
    widest = i32x4.max_s(widest, magnitude(value));
  }
  value = storev(f32x4.add(value, mulv(up, by)));
  v128.store(out, value);
  return i32x4.max_s(widest, magnitude(value));
}

/**
 * out[j] = y[j] + bias[j] (where bias is not 0) + scale · (low · b[:, j]) (b[rank, count], where rank is not 0), each step stored as a tensor
 * would. 1 where something in between left the range.
 */
export function finishRow(y: usize, bias: usize, low: usize, b: usize, out: usize, count: i32, rank: i32, scale: f32): i32 {
  const step = <usize>count << 2;
  const by = f32x4.splat(scale);
  let widest = i32x4.splat(0);
  let j = 0;
  // Sixteen columns share what is read of low; rows of one block have one sum.
  if (rank && rank <= BLOCK) {
    const zero = f32x4.splat(0);
    for (; j + 16 <= count; j += 16) {
      const o = <usize>j << 2;
      let row = b + o;
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
      for (let r = 0; r < rank; r++, row += step) {
        const value = operandv(v128.load32_splat(low + (<usize>r << 2)));
        s0 = f32x4.add(s0, f32x4.mul(value, operandv(v128.load(row))));
        s1 = f32x4.add(s1, f32x4.mul(value, operandv(v128.load(row, 16))));
        s2 = f32x4.add(s2, f32x4.mul(value, operandv(v128.load(row, 32))));
        s3 = f32x4.add(s3, f32x4.mul(value, operandv(v128.load(row, 48))));
      }
      const at = bias ? bias + o : 0;
      widest = i32x4.max_s(widest, finishFour(y + o, at, s0, by, out + o));
      widest = i32x4.max_s(widest, finishFour(y + o + 16, at ? at + 16 : 0, s1, by, out + o + 16));
      widest = i32x4.max_s(widest, finishFour(y + o + 32, at ? at + 32 : 0, s2, by, out + o + 32));
      widest = i32x4.max_s(widest, finishFour(y + o + 48, at ? at + 48 : 0, s3, by, out + o + 48));
    }
  }
  for (; j < count; j += 4) {
    const o = <usize>j << 2;
    const left = count - j;
    const keep = lanesBelow(left);
    let value = v128.load(y + o);
    if (bias) {
      value = storev(f32x4.add(value, v128.load(bias + o)));
      widest = i32x4.max_s(widest, v128.and(keep, magnitude(value)));
    }
    if (rank) {
      const up = storev(columns(low, b + o, rank, step));
      widest = i32x4.max_s(widest, v128.and(keep, magnitude(up)));
      value = storev(f32x4.add(value, mulv(up, by)));
      widest = i32x4.max_s(widest, v128.and(keep, magnitude(value)));
    }
    put(out + o, value, left);
  }
  return outside(widest);
}

/** Operands in place: magnitudes below 2^-50 become 0. */
export function operandsInPlace(at: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) v128.store(at + (<usize>i << 2), operandv(v128.load(at + (<usize>i << 2))));
  if (i < count) put(at + (<usize>i << 2), operandv(v128.load(at + (<usize>i << 2))), count - i);
}

/** out[x] = Σ over `count` terms of p[c] · v[c][x], x < e; rows of v are `pitch` values apart; flushed. p holds operands. */
export function weighValues(p: usize, v: usize, out: usize, count: i32, e: i32, pitch: i32): void {
  const step = <usize>pitch << 2;
  const zero = f32x4.splat(0);
  for (let x = 0; x < e; x += 16) {
    const at = v + (<usize>x << 2);
    const room = e - x;
    let t0 = zero, t1 = zero, t2 = zero, t3 = zero;
    for (let start = 0; start < count; start += BLOCK) {
      const end = min(start + BLOCK, count);
      let row = at + <usize>start * step;
      let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
      for (let c = start; c < end; c++, row += step) {
        const weight = v128.load32_splat(p + (<usize>c << 2));
        s0 = f32x4.add(s0, f32x4.mul(weight, operandv(v128.load(row))));
        if (room > 4) s1 = f32x4.add(s1, f32x4.mul(weight, operandv(v128.load(row, 16))));
        if (room > 8) s2 = f32x4.add(s2, f32x4.mul(weight, operandv(v128.load(row, 32))));
        if (room > 12) s3 = f32x4.add(s3, f32x4.mul(weight, operandv(v128.load(row, 48))));
      }
      t0 = f32x4.add(t0, s0);
      t1 = f32x4.add(t1, s1);
      t2 = f32x4.add(t2, s2);
      t3 = f32x4.add(t3, s3);
    }
    const to = out + (<usize>x << 2);
    put(to, storev(t0), room);
    put(to + 16, storev(t1), room - 4);
    put(to + 32, storev(t2), room - 8);
    put(to + 48, storev(t3), room - 12);
  }
}

/** x[j] += y[j], stored. */
export function addRow(x: usize, y: usize, count: i32): void {
  for (let j = 0; j < count; j += 4) {
    const o = <usize>j << 2;
    put(x + o, storev(f32x4.add(v128.load(x + o), v128.load(y + o))), count - j);
  }
}
