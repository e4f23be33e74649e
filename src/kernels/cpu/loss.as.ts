// Cross-entropy over rows of logits, four rows at a time; argmax.
import { addRows, greatest, lanesBelow, put, splatLane0, splatLane1, splatLane2, splatLane3 } from './lanes.as';
import { divs, exps, expUpTo35, expv, divv, logv, muls, mulv, storev } from './rf32.as';

const BLOCK: i32 = 256;

function rowMaximum(row: usize, v: i32): f32 {
  if (v < 4) {
    let best = load<f32>(row);
    for (let j = 1; j < v; j++) best = Mathf.max(best, load<f32>(row + (<usize>j << 2)));
    return best;
  }
  // The last vector overlaps the one before it where 4 does not divide v.
  const last = row + (<usize>(v - 4) << 2);
  let a = v128.load(last);
  let b = a;
  let at = row;
  for (; at + 16 <= last; at += 32) {
    a = f32x4.pmax(a, v128.load(at));
    b = f32x4.pmax(b, v128.load(at, 16));
  }
  if (at < last) a = f32x4.pmax(a, v128.load(at));
  return greatest(f32x4.max(a, b));
}

export function crossEntropy(logits: usize, targets: usize, loss: usize, stats: usize, n: i32, v: i32): void {
  const pitch = <usize>v << 2;
  const one = f32x4.splat(1);
  for (let i = 0; i < n; i += 4) {
    const rows = n - i;
    // Rows past the end repeat the first; nothing of them is stored.
    const p0 = logits + <usize>i * pitch;
    const p1 = rows > 1 ? p0 + pitch : p0;
    const p2 = rows > 2 ? p1 + pitch : p0;
    const p3 = rows > 3 ? p2 + pitch : p0;
    const max = f32x4(rowMaximum(p0, v), rowMaximum(p1, v), rowMaximum(p2, v), rowMaximum(p3, v));
    const m0 = splatLane0(max);
    const m1 = splatLane1(max);
    const m2 = splatLane2(max);
    const m3 = splatLane3(max);
    let total = f32x4.splat(0);
    for (let start = 0; start < v; start += BLOCK) {
      const end = min(start + BLOCK, v);
      let sum = f32x4.splat(0);
      let j = start;
      for (; j + 4 <= end; j += 4) {
        const o = <usize>j << 2;
        sum = addRows(
          sum,
          expUpTo35(f32x4.sub(v128.load(p0 + o), m0)),
          expUpTo35(f32x4.sub(v128.load(p1 + o), m1)),
          expUpTo35(f32x4.sub(v128.load(p2 + o), m2)),
          expUpTo35(f32x4.sub(v128.load(p3 + o), m3)),
        );
      }
      if (j < end) {
        const o = <usize>j << 2;
        const keep = lanesBelow(end - j);
        sum = addRows(
          sum,
          v128.and(keep, expUpTo35(f32x4.sub(v128.load(p0 + o), m0))),
          v128.and(keep, expUpTo35(f32x4.sub(v128.load(p1 + o), m1))),
          v128.and(keep, expUpTo35(f32x4.sub(v128.load(p2 + o), m2))),
          v128.and(keep, expUpTo35(f32x4.sub(v128.load(p3 + o), m3))),
        );
      }
      total = f32x4.add(total, sum);
    }
    const inverse = divv(one, total);
    const known = f32x4(
      logitOf(p0, targets, i, v),
      rows > 1 ? logitOf(p1, targets, i + 1, v) : 0,
      rows > 2 ? logitOf(p2, targets, i + 2, v) : 0,
      rows > 3 ? logitOf(p3, targets, i + 3, v) : 0,
    );
    const at = <usize>i << 2;
    put(loss + at, storev(f32x4.sub(f32x4.add(logv(total), max), known)), rows);
    const stored = storev(max);
    put(stats + 2 * at, v128.shuffle<f32>(stored, inverse, 0, 4, 1, 5), 2 * rows);
    if (rows > 2) put(stats + 2 * at + 16, v128.shuffle<f32>(stored, inverse, 2, 6, 3, 7), 2 * rows - 4);
  }
}

// @ts-ignore: decorator
@inline function logitOf(row: usize, targets: usize, i: i32, v: i32): f32 {
  const target = load<u32>(targets + (<usize>i << 2));
  return target < <u32>v ? load<f32>(row + (<usize>target << 2)) : 0;
}

// @ts-ignore: decorator
@inline function weighted(logits: v128, max: v128, inverse: v128, weight: v128): v128 {
  return mulv(weight, mulv(expv(f32x4.sub(logits, max)), inverse));
}

export function crossEntropyGradient(
  logits: usize, targets: usize, stats: usize, weights: usize, to: usize, n: i32, v: i32,
): void {
  for (let i = 0; i < n; i++) {
    const row = logits + (<usize>i * v << 2);
    const out = to + (<usize>i * v << 2);
    const max = load<f32>(stats + (<usize>i << 3));
    const inverse = load<f32>(stats + (<usize>i << 3), 4);
    const weight = load<f32>(weights + (<usize>i << 2));
    if (weight == 0) {
      memory.fill(out, 0, <usize>v << 2);
      continue;
    }
    const m = f32x4.splat(max);
    const r = f32x4.splat(inverse);
    const w = f32x4.splat(weight);
    let j = 0;
    for (; j + 16 <= v; j += 16) {
      const at = row + (<usize>j << 2);
      const to = out + (<usize>j << 2);
      const y0 = weighted(v128.load(at), m, r, w);
      const y1 = weighted(v128.load(at, 16), m, r, w);
      const y2 = weighted(v128.load(at, 32), m, r, w);
      const y3 = weighted(v128.load(at, 48), m, r, w);
      v128.store(to, y0);
      v128.store(to, y1, 16);
      v128.store(to, y2, 32);
      v128.store(to, y3, 48);
    }
    for (; j < v; j += 4) put(out + (<usize>j << 2), weighted(v128.load(row + (<usize>j << 2)), m, r, w), v - j);
    const target = load<u32>(targets + (<usize>i << 2));
    if (target < <u32>v) {
      const o = <usize>target << 2;
      store<f32>(out + o, muls(weight, muls(exps(load<f32>(row + o) - max), inverse) - 1));
    }
  }
}

export function argmax(x: usize, to: usize, n: i32, v: i32): void {
  for (let i = 0; i < n; i++) {
    const row = x + (<usize>i * v << 2);
    const best = rowMaximum(row, v);
    let j = 0;
    const wanted = f32x4.splat(best);
    while (j + 4 <= v && !v128.any_true(f32x4.eq(v128.load(row + (<usize>j << 2)), wanted))) j += 4;
    while (j < v - 1 && load<f32>(row + (<usize>j << 2)) != best) j++;
    store<u32>(to + (<usize>i << 2), j);
  }
}
