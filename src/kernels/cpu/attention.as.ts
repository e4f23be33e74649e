// Attention over ragged ranges; letters as in ../attention/operation.ts. Key columns stand side by side for scores
// (keys transposed first), value columns for sums over keys or queries; every output keeps its own order of terms.
import { addRows, greatest, lanesBelow, put, splatLane0, splatLane1, splatLane2, splatLane3 } from './lanes.as';
import { transposeTile } from './pack.as';
import { divv, expUpTo35, mulv, operandv, storev } from './rf32.as';

const BLOCK: i32 = 256;

// @ts-ignore: decorator
@inline function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2));
}

/** 1 where every range lies in [0, keys] and is at most `width` wide. */
export function rangesFit(lo: usize, hi: usize, n: i32, keys: i32, width: i32): i32 {
  for (let i = 0; i < n; i++) {
    const a = <u32>word(lo, i);
    const b = <u32>word(hi, i);
    if (b > a && (b > <u32>keys || b - a > <u32>width)) return 0;
  }
  return 1;
}

/** 1 where every key row t has its queries among the n rows and its column t − lo[i] within their width. */
export function queriesFit(lo: usize, from: usize, until: usize, t: i32, n: i32, width: i32): i32 {
  for (let key = 0; key < t; key++) {
    const a = <u32>word(from, key);
    const b = <u32>word(until, key);
    if (b <= a) continue;
    if (b > <u32>n) return 0;
    for (let i = a; i < b; i++) if (<u32>(key - word(lo, i)) >= <u32>width) return 0;
  }
  return 1;
}

/** Operands of rows of `e` values, each row padded with zeros to `padded` (a multiple of 16). */
export function padOperands(from: usize, to: usize, rows: i32, e: i32, padded: i32): void {
  if (e == padded) {
    const bytes = <usize>(rows * e) << 2;
    for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, operandv(v128.load(from + i)));
    return;
  }
  for (let i = 0; i < rows; i++) {
    for (let x = 0; x < padded; x += 4) {
      v128.store(to + (<usize>x << 2), v128.and(lanesBelow(e - x), operandv(v128.load(from + (<usize>x << 2)))));
    }
    from += <usize>e << 2;
    to += <usize>padded << 2;
  }
}

/** to[x][t] = operand of from[t][x] for `rows` rows of d values; `pitch` (a multiple of 4, at least rows) columns. */
export function transposeOperands(from: usize, to: usize, rows: i32, d: i32, pitch: i32): void {
  const step = <usize>d << 2;
  const out = <usize>pitch << 2;
  for (let t = 0; t < rows; t += 4) {
    const left = rows - t;
    const p0 = from + <usize>t * step;
    // Rows past the end repeat the first; their columns are masked where they are used.
    const p1 = left > 1 ? p0 + step : p0;
    const p2 = left > 2 ? p1 + step : p0;
    const p3 = left > 3 ? p2 + step : p0;
    let at = to + (<usize>t << 2);
    let x = 0;
    for (; x + 4 <= d; x += 4) {
      const o = <usize>x << 2;
      transposeTile(p0 + o, p1 + o, p2 + o, p3 + o, at, out);
      at += 4 * out;
    }
    for (; x < d; x++) {
      const o = <usize>x << 2;
      const column = f32x4(load<f32>(p0 + o), load<f32>(p1 + o), load<f32>(p2 + o), load<f32>(p3 + o));
      v128.store(at, operandv(column));
      at += out;
    }
  }
}

/** One vector of a row's scores: earlier blocks' total added, flushed on the last, zero past `left` keys. */
// @ts-ignore: decorator
@inline function putScores(at: usize, sum: v128, left: i32, room: i32, first: bool, last: bool): void {
  if (room <= 0) return;
  if (!first) sum = f32x4.add(v128.load(at), sum);
  if (last) sum = storev(sum);
  put(at, v128.and(sum, lanesBelow(left)), room);
}

/** q: operands [N,H,E]; keys: transposed operands [G·E][pitch], column 0 being key `origin`. */
export function attentionScores(
  q: usize, keys: usize, lo: usize, hi: usize, out: usize,
  n: i32, heads: i32, groups: i32, e: i32, width: i32, pitch: i32, origin: i32,
): void {
  const perGroup = heads / groups;
  const zero = f32x4.splat(0);
  const step = <usize>pitch << 2;
  for (let i = 0; i < n; i++) {
    const start = word(lo, i);
    const count = max(0, word(hi, i) - start);
    for (let h = 0; h < heads; h++) {
      const query = q + (<usize>((i * heads + h) * e) << 2);
      const row = out + (<usize>((i * heads + h) * width) << 2);
      const group = keys + <usize>(h / perGroup * e) * step + (<usize>(start - origin) << 2);
      let c = 0;
      while (c < count) {
        const at = row + (<usize>c << 2);
        const wide = count - c > 16;
        for (let block = 0; block < e; block += BLOCK) {
          const end = min(block + BLOCK, e);
          let key = group + (<usize>c << 2) + <usize>block * step;
          let x = query + (<usize>block << 2);
          const stop = query + (<usize>end << 2);
          const first = block == 0;
          const last = end == e;
          let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
          if (wide) {
            let s4 = zero, s5 = zero, s6 = zero, s7 = zero;
            for (; x < stop; x += 4, key += step) {
              const value = v128.load32_splat(x);
              s0 = f32x4.add(s0, f32x4.mul(value, v128.load(key)));
              s1 = f32x4.add(s1, f32x4.mul(value, v128.load(key, 16)));
              s2 = f32x4.add(s2, f32x4.mul(value, v128.load(key, 32)));
              s3 = f32x4.add(s3, f32x4.mul(value, v128.load(key, 48)));
              s4 = f32x4.add(s4, f32x4.mul(value, v128.load(key, 64)));
              s5 = f32x4.add(s5, f32x4.mul(value, v128.load(key, 80)));
              s6 = f32x4.add(s6, f32x4.mul(value, v128.load(key, 96)));
              s7 = f32x4.add(s7, f32x4.mul(value, v128.load(key, 112)));
            }
            putScores(at + 64, s4, count - c - 16, width - c - 16, first, last);
            putScores(at + 80, s5, count - c - 20, width - c - 20, first, last);
            putScores(at + 96, s6, count - c - 24, width - c - 24, first, last);
            putScores(at + 112, s7, count - c - 28, width - c - 28, first, last);
          } else {
            for (; x < stop; x += 4, key += step) {
              const value = v128.load32_splat(x);
              s0 = f32x4.add(s0, f32x4.mul(value, v128.load(key)));
              s1 = f32x4.add(s1, f32x4.mul(value, v128.load(key, 16)));
              s2 = f32x4.add(s2, f32x4.mul(value, v128.load(key, 32)));
              s3 = f32x4.add(s3, f32x4.mul(value, v128.load(key, 48)));
            }
          }
          putScores(at, s0, count - c, width - c, first, last);
          putScores(at + 16, s1, count - c - 4, width - c - 4, first, last);
          putScores(at + 32, s2, count - c - 8, width - c - 8, first, last);
          putScores(at + 48, s3, count - c - 12, width - c - 12, first, last);
        }
        c += wide ? 32 : 16;
      }
      if (c < width) memory.fill(row + (<usize>c << 2), 0, <usize>(width - c) << 2);
    }
  }
}

// @ts-ignore: decorator
@inline function putSum(at: usize, sum: v128, room: i32, first: bool, last: bool): void {
  if (room <= 0) return;
  if (!first) sum = f32x4.add(v128.load(at), sum);
  if (last) sum = storev(sum);
  put(at, sum, room);
}

/**
 * out[e] += Σ over `count` terms of a value at p (stepping `pStep`) times a row of operands at v (stepping `vStep`);
 * rows are padded to `padded` values.
 */
// @ts-ignore: decorator
@inline function weighRows(
  p: usize, pStep: usize, v: usize, vStep: usize, count: i32, out: usize, e: i32, padded: i32, first: bool, last: bool,
): void {
  const zero = f32x4.splat(0);
  for (let x = 0; x < padded; ) {
    let weight = p;
    let row = v + (<usize>x << 2);
    const at = out + (<usize>x << 2);
    const room = e - x;
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    if (padded - x >= 32) {
      let s4 = zero, s5 = zero, s6 = zero, s7 = zero;
      for (let c = 0; c < count; c++, weight += pStep, row += vStep) {
        const value = v128.load32_splat(weight);
        s0 = f32x4.add(s0, f32x4.mul(value, v128.load(row)));
        s1 = f32x4.add(s1, f32x4.mul(value, v128.load(row, 16)));
        s2 = f32x4.add(s2, f32x4.mul(value, v128.load(row, 32)));
        s3 = f32x4.add(s3, f32x4.mul(value, v128.load(row, 48)));
        s4 = f32x4.add(s4, f32x4.mul(value, v128.load(row, 64)));
        s5 = f32x4.add(s5, f32x4.mul(value, v128.load(row, 80)));
        s6 = f32x4.add(s6, f32x4.mul(value, v128.load(row, 96)));
        s7 = f32x4.add(s7, f32x4.mul(value, v128.load(row, 112)));
      }
      putSum(at + 64, s4, room - 16, first, last);
      putSum(at + 80, s5, room - 20, first, last);
      putSum(at + 96, s6, room - 24, first, last);
      putSum(at + 112, s7, room - 28, first, last);
      x += 32;
    } else {
      for (let c = 0; c < count; c++, weight += pStep, row += vStep) {
        const value = v128.load32_splat(weight);
        s0 = f32x4.add(s0, f32x4.mul(value, v128.load(row)));
        s1 = f32x4.add(s1, f32x4.mul(value, v128.load(row, 16)));
        s2 = f32x4.add(s2, f32x4.mul(value, v128.load(row, 32)));
        s3 = f32x4.add(s3, f32x4.mul(value, v128.load(row, 48)));
      }
      x += 16;
    }
    putSum(at, s0, room, first, last);
    putSum(at + 16, s1, room - 4, first, last);
    putSum(at + 32, s2, room - 8, first, last);
    putSum(at + 48, s3, room - 12, first, last);
  }
}

/** p: operands [N,H,W]; v: padded operands [keys][G][padded], row 0 being key `origin`. */
export function attentionValues(
  p: usize, v: usize, lo: usize, hi: usize, out: usize,
  n: i32, heads: i32, groups: i32, e: i32, padded: i32, width: i32, origin: i32,
): void {
  const perGroup = heads / groups;
  const vStep = <usize>(groups * padded) << 2;
  for (let i = 0; i < n; i++) {
    const start = word(lo, i);
    const count = max(0, word(hi, i) - start);
    for (let h = 0; h < heads; h++) {
      const to = out + (<usize>((i * heads + h) * e) << 2);
      if (count == 0) {
        memory.fill(to, 0, <usize>e << 2);
        continue;
      }
      let weight = p + (<usize>((i * heads + h) * width) << 2);
      let row = v + (<usize>(((start - origin) * groups + h / perGroup) * padded) << 2);
      for (let c = 0; c < count; c += BLOCK) {
        const terms = min(BLOCK, count - c);
        weighRows(weight, 4, row, vStep, terms, to, e, padded, c == 0, c + terms == count);
        weight += <usize>terms << 2;
        row += <usize>terms * vStep;
      }
    }
  }
}

/** p: operands [N,H,W]; q: padded operands [N,H,padded]; `scratch` holds one block of values. */
export function attentionKeys(
  p: usize, q: usize, lo: usize, from: usize, until: usize, out: usize, scratch: usize,
  t: i32, heads: i32, groups: i32, e: i32, padded: i32, width: i32,
): void {
  const perGroup = heads / groups;
  for (let key = 0; key < t; key++) {
    const start = word(from, key);
    const terms = max(0, word(until, key) - start) * perGroup;
    for (let group = 0; group < groups; group++) {
      const to = out + (<usize>((key * groups + group) * e) << 2);
      if (terms == 0) {
        memory.fill(to, 0, <usize>e << 2);
        continue;
      }
      for (let begin = 0; begin < terms; begin += BLOCK) {
        const count = min(BLOCK, terms - begin);
        // The block's weights first, one after the other; with one head a group its rows are evenly spaced too.
        let i = start + begin / perGroup;
        let head = begin % perGroup;
        for (let c = 0; c < count; c++) {
          const row = i * heads + group * perGroup + head;
          store<i32>(scratch + (<usize>c << 2), word(p, row * width + key - word(lo, i)));
          if (++head == perGroup) { head = 0; i++; }
        }
        const first = begin == 0;
        const last = begin + count == terms;
        if (perGroup == 1) {
          const row = q + (<usize>(((start + begin) * heads + group) * padded) << 2);
          weighRows(scratch, 4, row, <usize>(heads * padded) << 2, count, to, e, padded, first, last);
        } else {
          weighGrouped(scratch, q, start * perGroup + begin, perGroup, heads, group, count, to, e, padded, first, last);
        }
      }
    }
  }
}

/** As weighRows for several heads a group: term number m is query m / perGroup, head m mod perGroup of the group. */
function weighGrouped(
  p: usize, q: usize, begin: i32, perGroup: i32, heads: i32, group: i32, count: i32,
  out: usize, e: i32, padded: i32, first: bool, last: bool,
): void {
  const zero = f32x4.splat(0);
  for (let x = 0; x < padded; x += 16) {
    let i = begin / perGroup;
    let head = begin % perGroup;
    let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    for (let c = 0; c < count; c++) {
      const row = q + (<usize>((i * heads + group * perGroup + head) * padded + x) << 2);
      const value = v128.load32_splat(p + (<usize>c << 2));
      s0 = f32x4.add(s0, f32x4.mul(value, v128.load(row)));
      s1 = f32x4.add(s1, f32x4.mul(value, v128.load(row, 16)));
      s2 = f32x4.add(s2, f32x4.mul(value, v128.load(row, 32)));
      s3 = f32x4.add(s3, f32x4.mul(value, v128.load(row, 48)));
      if (++head == perGroup) { head = 0; i++; }
    }
    const at = out + (<usize>x << 2);
    putSum(at, s0, e - x, first, last);
    putSum(at + 16, s1, e - x - 4, first, last);
    putSum(at + 32, s2, e - x - 8, first, last);
    putSum(at + 48, s3, e - x - 12, first, last);
  }
}

/** The greatest of `count` scaled scores; −infinity for none. */
// @ts-ignore: decorator
@inline function rowMaximum(row: usize, count: i32, scale: v128): f32 {
  let best = f32x4.splat(-Infinity);
  let c = 0;
  for (; c + 4 <= count; c += 4) best = f32x4.pmax(best, mulv(v128.load(row + (<usize>c << 2)), scale));
  if (c < count) {
    const rest = mulv(v128.load(row + (<usize>c << 2)), scale);
    best = f32x4.pmax(best, v128.bitselect(rest, best, lanesBelow(count - c)));
  }
  return greatest(best);
}

/** e^(scaled − max) for one vector of a row, zeros past `left`. */
// @ts-ignore: decorator
@inline function exponentials(from: usize, scale: v128, max: v128, left: i32): v128 {
  return v128.and(expUpTo35(f32x4.sub(mulv(v128.load(from), scale), max)), lanesBelow(left));
}

// @ts-ignore: decorator
@inline function scaleRow(at: usize, width: i32, count: i32, by: v128): void {
  const used = min(width, count);
  let c = 0;
  for (; c + 4 <= used; c += 4) v128.store(at + (<usize>c << 2), mulv(v128.load(at + (<usize>c << 2)), by));
  if (c < used) put(at + (<usize>c << 2), mulv(v128.load(at + (<usize>c << 2)), by), used - c);
}

// @ts-ignore: decorator
@inline function countOf(lo: usize, hi: usize, row: i32, heads: i32): i32 {
  const i = row / heads;
  return max(0, word(hi, i) - word(lo, i));
}

export function softmax(
  scores: usize, lo: usize, hi: usize, p: usize, n: i32, heads: i32, width: i32, factor: f32,
): void {
  const scale = f32x4.splat(factor);
  const pitch = <usize>width << 2;
  const all = n * heads;
  for (let row = 0; row < all; row += 4) {
    const rows = all - row;
    // Rows past the end repeat the first, which is then written again with the same values.
    const o0 = <usize>row * pitch;
    const o1 = rows > 1 ? o0 + pitch : o0;
    const o2 = rows > 2 ? o1 + pitch : o0;
    const o3 = rows > 3 ? o2 + pitch : o0;
    const n0 = countOf(lo, hi, row, heads);
    const n1 = rows > 1 ? countOf(lo, hi, row + 1, heads) : n0;
    const n2 = rows > 2 ? countOf(lo, hi, row + 2, heads) : n0;
    const n3 = rows > 3 ? countOf(lo, hi, row + 3, heads) : n0;
    const m0 = f32x4.splat(rowMaximum(scores + o0, n0, scale));
    const m1 = f32x4.splat(rowMaximum(scores + o1, n1, scale));
    const m2 = f32x4.splat(rowMaximum(scores + o2, n2, scale));
    const m3 = f32x4.splat(rowMaximum(scores + o3, n3, scale));
    const longest = max(max(n0, n1), max(n2, n3));
    let total = f32x4.splat(0);
    for (let start = 0; start < longest; start += BLOCK) {
      const end = min(start + BLOCK, longest);
      let sum = f32x4.splat(0);
      for (let c = start; c < end; c += 4) {
        const o = <usize>c << 2;
        const e0 = exponentials(scores + o0 + o, scale, m0, n0 - c);
        const e1 = exponentials(scores + o1 + o, scale, m1, n1 - c);
        const e2 = exponentials(scores + o2 + o, scale, m2, n2 - c);
        const e3 = exponentials(scores + o3 + o, scale, m3, n3 - c);
        sum = addRows(sum, e0, e1, e2, e3);
        const room = width - c;
        put(p + o0 + o, e0, room);
        put(p + o1 + o, e1, room);
        put(p + o2 + o, e2, room);
        put(p + o3 + o, e3, room);
      }
      total = f32x4.add(total, sum);
    }
    const inverse = divv(f32x4.splat(1), total);
    const written = min(width, (longest + 3) & ~3);
    const rest = <usize>(width - written) << 2;
    const tail = p + (<usize>written << 2);
    scaleRow(p + o0, width, n0, splatLane0(inverse));
    memory.fill(tail + o0, 0, rest);
    if (rows > 1) {
      scaleRow(p + o1, width, n1, splatLane1(inverse));
      memory.fill(tail + o1, 0, rest);
    }
    if (rows > 2) {
      scaleRow(p + o2, width, n2, splatLane2(inverse));
      memory.fill(tail + o2, 0, rest);
    }
    if (rows > 3) {
      scaleRow(p + o3, width, n3, splatLane3(inverse));
      memory.fill(tail + o3, 0, rest);
    }
  }
}

// @ts-ignore: decorator
@inline function products(p: usize, dp: usize, left: i32): v128 {
  return v128.and(mulv(v128.load(p), v128.load(dp)), lanesBelow(left));
}

// @ts-ignore: decorator
@inline function gradientRow(p: usize, dp: usize, ds: usize, count: i32, width: i32, t: v128, scale: v128): void {
  let c = 0;
  for (; c < count; c += 4) {
    const o = <usize>c << 2;
    const y = mulv(mulv(v128.load(p + o), f32x4.sub(v128.load(dp + o), t)), scale);
    put(ds + o, v128.and(y, lanesBelow(count - c)), width - c);
  }
  if (c < width) memory.fill(ds + (<usize>c << 2), 0, <usize>(width - c) << 2);
}

export function softmaxGradient(
  p: usize, dp: usize, lo: usize, hi: usize, ds: usize, n: i32, heads: i32, width: i32, factor: f32,
): void {
  const scale = f32x4.splat(factor);
  const pitch = <usize>width << 2;
  const all = n * heads;
  for (let row = 0; row < all; row += 4) {
    const rows = all - row;
    const o0 = <usize>row * pitch;
    const o1 = rows > 1 ? o0 + pitch : o0;
    const o2 = rows > 2 ? o1 + pitch : o0;
    const o3 = rows > 3 ? o2 + pitch : o0;
    const n0 = countOf(lo, hi, row, heads);
    const n1 = rows > 1 ? countOf(lo, hi, row + 1, heads) : n0;
    const n2 = rows > 2 ? countOf(lo, hi, row + 2, heads) : n0;
    const n3 = rows > 3 ? countOf(lo, hi, row + 3, heads) : n0;
    const longest = max(max(n0, n1), max(n2, n3));
    let total = f32x4.splat(0);
    for (let start = 0; start < longest; start += BLOCK) {
      const end = min(start + BLOCK, longest);
      let sum = f32x4.splat(0);
      for (let c = start; c < end; c += 4) {
        const o = <usize>c << 2;
        sum = addRows(
          sum,
          products(p + o0 + o, dp + o0 + o, n0 - c),
          products(p + o1 + o, dp + o1 + o, n1 - c),
          products(p + o2 + o, dp + o2 + o, n2 - c),
          products(p + o3 + o, dp + o3 + o, n3 - c),
        );
      }
      total = f32x4.add(total, sum);
    }
    gradientRow(p + o0, dp + o0, ds + o0, n0, width, splatLane0(total), scale);
    if (rows > 1) gradientRow(p + o1, dp + o1, ds + o1, n1, width, splatLane1(total), scale);
    if (rows > 2) gradientRow(p + o2, dp + o2, ds + o2, n2, width, splatLane2(total), scale);
    if (rows > 3) gradientRow(p + o3, dp + o3, ds + o3, n3, width, splatLane3(total), scale);
  }
}
