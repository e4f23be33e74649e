// RMSNorm, its gradients: four rows at a time where sums run along rows, columns side by side where they run down.
import { addRows, lanesBelow, put, splatLane0, splatLane1, splatLane2, splatLane3 } from './lanes.as';
import { mulv, rsqrtv, storev } from './rf32.as';

const BLOCK: i32 = 256;

// @ts-ignore: decorator
@inline function square(at: usize): v128 {
  const x = v128.load(at);
  return mulv(x, x);
}

// @ts-ignore: decorator
@inline function normRow(x: usize, w: usize, y: usize, d: i32, scale: v128): void {
  let j = 0;
  for (; j + 4 <= d; j += 4) {
    const o = <usize>j << 2;
    v128.store(y + o, mulv(mulv(v128.load(x + o), scale), v128.load(w + o)));
  }
  if (j < d) {
    const o = <usize>j << 2;
    put(y + o, mulv(mulv(v128.load(x + o), scale), v128.load(w + o)), d - j);
  }
}

export function rmsNorm(x: usize, w: usize, y: usize, r: usize, n: i32, d: i32, eps: f32): void {
  const pitch = <usize>d << 2;
  const reciprocal = f32x4.splat((1.0 / <f64>d) as f32);
  for (let i = 0; i < n; i += 4) {
    const rows = n - i;
    const p0 = x + <usize>i * pitch;
    const p1 = rows > 1 ? p0 + pitch : p0;
    const p2 = rows > 2 ? p1 + pitch : p0;
    const p3 = rows > 3 ? p2 + pitch : p0;
    let total = f32x4.splat(0);
    for (let start = 0; start < d; start += BLOCK) {
      const end = min(start + BLOCK, d);
      let sum = f32x4.splat(0);
      let j = start;
      for (; j + 4 <= end; j += 4) {
        const o = <usize>j << 2;
        sum = addRows(sum, square(p0 + o), square(p1 + o), square(p2 + o), square(p3 + o));
      }
      if (j < end) {
        const o = <usize>j << 2;
        const keep = lanesBelow(end - j);
        sum = addRows(
          sum,
          v128.and(keep, square(p0 + o)),
          v128.and(keep, square(p1 + o)),
          v128.and(keep, square(p2 + o)),
          v128.and(keep, square(p3 + o)),
        );
      }
      total = f32x4.add(total, sum);
    }
    const scale = rsqrtv(f32x4.add(mulv(total, reciprocal), f32x4.splat(eps)));
    put(r + (<usize>i << 2), scale, rows);
    let to = y + <usize>i * pitch;
    normRow(p0, w, to, d, splatLane0(scale));
    if (rows > 1) normRow(p1, w, (to += pitch), d, splatLane1(scale));
    if (rows > 2) normRow(p2, w, (to += pitch), d, splatLane2(scale));
    if (rows > 3) normRow(p3, w, (to += pitch), d, splatLane3(scale));
  }
}

// @ts-ignore: decorator
@inline function term(dy: usize, w: v128, x: usize): v128 {
  return mulv(mulv(v128.load(dy), w), v128.load(x));
}

// @ts-ignore: decorator
@inline function gradientVector(dy: usize, x: usize, w: usize, r: v128, c: v128): v128 {
  return storev(f32x4.sub(mulv(r, mulv(v128.load(dy), v128.load(w))), mulv(c, v128.load(x))));
}

// @ts-ignore: decorator
@inline function gradientRow(dy: usize, x: usize, w: usize, dx: usize, d: i32, r: v128, c: v128): void {
  let j = 0;
  for (; j + 4 <= d; j += 4) {
    const o = <usize>j << 2;
    v128.store(dx + o, gradientVector(dy + o, x + o, w + o, r, c));
  }
  if (j < d) {
    const o = <usize>j << 2;
    put(dx + o, gradientVector(dy + o, x + o, w + o, r, c), d - j);
  }
}

export function rmsNormGradient(dy: usize, x: usize, w: usize, r: usize, dx: usize, n: i32, d: i32): void {
  const pitch = <usize>d << 2;
  const reciprocal = f32x4.splat((1.0 / <f64>d) as f32);
  for (let i = 0; i < n; i += 4) {
    const rows = n - i;
    const o0 = <usize>i * pitch;
    const o1 = rows > 1 ? o0 + pitch : o0;
    const o2 = rows > 2 ? o1 + pitch : o0;
    const o3 = rows > 3 ? o2 + pitch : o0;
    let total = f32x4.splat(0);
    for (let start = 0; start < d; start += BLOCK) {
      const end = min(start + BLOCK, d);
      let sum = f32x4.splat(0);
      let j = start;
      for (; j + 4 <= end; j += 4) {
        const o = <usize>j << 2;
        const ww = v128.load(w + o);
        sum = addRows(
          sum,
          term(dy + o0 + o, ww, x + o0 + o),
          term(dy + o1 + o, ww, x + o1 + o),
          term(dy + o2 + o, ww, x + o2 + o),
          term(dy + o3 + o, ww, x + o3 + o),
        );
      }
      if (j < end) {
        const o = <usize>j << 2;
        const keep = lanesBelow(end - j);
        const ww = v128.load(w + o);
        sum = addRows(
          sum,
          v128.and(keep, term(dy + o0 + o, ww, x + o0 + o)),
          v128.and(keep, term(dy + o1 + o, ww, x + o1 + o)),
          v128.and(keep, term(dy + o2 + o, ww, x + o2 + o)),
          v128.and(keep, term(dy + o3 + o, ww, x + o3 + o)),
        );
      }
      total = f32x4.add(total, sum);
    }
    const scale = v128.load(r + (<usize>i << 2));
    const c = mulv(mulv(mulv(scale, scale), mulv(scale, total)), reciprocal);
    gradientRow(dy + o0, x + o0, w, dx + o0, d, splatLane0(scale), splatLane0(c));
    if (rows > 1) gradientRow(dy + o1, x + o1, w, dx + o1, d, splatLane1(scale), splatLane1(c));
    if (rows > 2) gradientRow(dy + o2, x + o2, w, dx + o2, d, splatLane2(scale), splatLane2(c));
    if (rows > 3) gradientRow(dy + o3, x + o3, w, dx + o3, d, splatLane3(scale), splatLane3(c));
  }
}

// @ts-ignore: decorator
@inline function weightTerm(dy: usize, x: usize, r: v128): v128 {
  return mulv(v128.load(dy), mulv(v128.load(x), r));
}

/** dw[D]: sixteen columns at a time, down the rows. */
export function rmsNormWeightGradient(dy: usize, x: usize, r: usize, dw: usize, n: i32, d: i32): void {
  const pitch = <usize>d << 2;
  for (let j = 0; j < d; j += 16) {
    const columns = d - j;
    let t0 = f32x4.splat(0);
    let t1 = t0, t2 = t0, t3 = t0;
    for (let start = 0; start < n; start += BLOCK) {
      const end = min(start + BLOCK, n);
      let s0 = f32x4.splat(0);
      let s1 = s0, s2 = s0, s3 = s0;
      for (let i = start; i < end; i++) {
        const o = <usize>i * pitch + (<usize>j << 2);
        const scale = v128.load32_splat(r + (<usize>i << 2));
        s0 = f32x4.add(s0, weightTerm(dy + o, x + o, scale));
        s1 = f32x4.add(s1, weightTerm(dy + o + 16, x + o + 16, scale));
        s2 = f32x4.add(s2, weightTerm(dy + o + 32, x + o + 32, scale));
        s3 = f32x4.add(s3, weightTerm(dy + o + 48, x + o + 48, scale));
      }
      t0 = f32x4.add(t0, s0);
      t1 = f32x4.add(t1, s1);
      t2 = f32x4.add(t2, s2);
      t3 = f32x4.add(t3, s3);
    }
    const at = dw + (<usize>j << 2);
    put(at, storev(t0), columns);
    put(at + 16, storev(t1), columns - 4);
    put(at + 32, storev(t2), columns - 8);
    put(at + 48, storev(t3), columns - 12);
  }
}
