// Whole tensors, element by element. A heap block holds whole vectors, so the last vector may run into its padding.
import { divv, muls, mulv, sigmoidv, sqrtv, storev } from './rf32.as';

export function add(a: usize, b: usize, to: usize, n: i32): void {
  const bytes = <usize>n << 2;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, storev(f32x4.add(v128.load(a + i), v128.load(b + i))));
}

export function addScaled(a: usize, b: usize, to: usize, n: i32, factor: f32): void {
  const bytes = <usize>n << 2;
  const scale = f32x4.splat(factor);
  for (let i: usize = 0; i < bytes; i += 16) {
    v128.store(to + i, storev(f32x4.add(v128.load(a + i), mulv(v128.load(b + i), scale))));
  }
}

export function scale(a: usize, to: usize, n: i32, factor: f32): void {
  const bytes = <usize>n << 2;
  const by = f32x4.splat(factor);
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, mulv(v128.load(a + i), by));
}

/** y[N,M] = x[N,M] + b[M]. */
export function addBias(x: usize, b: usize, to: usize, n: i32, m: i32): void {
  for (let i = 0; i < n; i++) {
    const row = <usize>(i * m) << 2;
    let j = 0;
    for (; j + 4 <= m; j += 4) {
      const o = <usize>j << 2;
      v128.store(to + row + o, storev(f32x4.add(v128.load(x + row + o), v128.load(b + o))));
    }
    for (; j < m; j++) {
      const o = <usize>j << 2;
      const sum = storev(f32x4.splat(load<f32>(x + row + o) + load<f32>(b + o)));
      store<f32>(to + row + o, f32x4.extract_lane(sum, 0));
    }
  }
}

/** y[N,M] = x[N,M] · s[M], by columns. */
export function scaleColumns(x: usize, s: usize, to: usize, n: i32, m: i32): void {
  for (let i = 0; i < n; i++) {
    const row = <usize>(i * m) << 2;
    let j = 0;
    for (; j + 4 <= m; j += 4) {
      const o = <usize>j << 2;
      v128.store(to + row + o, mulv(v128.load(x + row + o), v128.load(s + o)));
    }
    for (; j < m; j++) {
      const o = <usize>j << 2;
      store<f32>(to + row + o, muls(load<f32>(x + row + o), load<f32>(s + o)));
    }
  }
}

// The long chains of exponentials and reciprocals leave a processor waiting: loops below have four vectors under way.

// @ts-ignore: decorator
@inline function gated(gate: usize, up: usize): v128 {
  const g = v128.load(gate);
  return mulv(mulv(g, sigmoidv(g)), v128.load(up));
}

/** h = gate · sigmoid(gate) · up. */
export function swiglu(gate: usize, up: usize, h: usize, n: i32): void {
  const bytes = <usize>n << 2;
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    const h0 = gated(gate + i, up + i);
    const h1 = gated(gate + i + 16, up + i + 16);
    const h2 = gated(gate + i + 32, up + i + 32);
    const h3 = gated(gate + i + 48, up + i + 48);
    v128.store(h + i, h0);
    v128.store(h + i, h1, 16);
    v128.store(h + i, h2, 32);
    v128.store(h + i, h3, 48);
  }
  for (; i < bytes; i += 16) v128.store(h + i, gated(gate + i, up + i));
}

/** The gate's gradient, given s = sigmoid(gate). */
// @ts-ignore: decorator
@inline function gateGradient(dh: v128, gate: v128, up: usize, s: v128): v128 {
  const one = f32x4.splat(1);
  const slope = mulv(s, f32x4.add(one, mulv(gate, f32x4.sub(one, s))));
  return mulv(mulv(dh, v128.load(up)), slope);
}

export function swigluGradient(dh: usize, gate: usize, up: usize, dGate: usize, dUp: usize, n: i32): void {
  const bytes = <usize>n << 2;
  let i: usize = 0;
  const zero = f32x4.splat(0);
  for (; i + 64 <= bytes; i += 64) {
    const d0 = v128.load(dh + i);
    const d1 = v128.load(dh + i, 16);
    const d2 = v128.load(dh + i, 32);
    const d3 = v128.load(dh + i, 48);
    // As in most rows of a record's last layer.
    if (!v128.any_true(v128.or(v128.or(d0, d1), v128.or(d2, d3)))) {
      v128.store(dUp + i, zero);
      v128.store(dUp + i, zero, 16);
      v128.store(dUp + i, zero, 32);
      v128.store(dUp + i, zero, 48);
      v128.store(dGate + i, zero);
      v128.store(dGate + i, zero, 16);
      v128.store(dGate + i, zero, 32);
      v128.store(dGate + i, zero, 48);
      continue;
    }
    const g0 = v128.load(gate + i);
    const g1 = v128.load(gate + i, 16);
    const g2 = v128.load(gate + i, 32);
    const g3 = v128.load(gate + i, 48);
    const s0 = sigmoidv(g0);
    const s1 = sigmoidv(g1);
    const s2 = sigmoidv(g2);
    const s3 = sigmoidv(g3);
    const y0 = gateGradient(d0, g0, up + i, s0);
    const y1 = gateGradient(d1, g1, up + i + 16, s1);
    const y2 = gateGradient(d2, g2, up + i + 32, s2);
    const y3 = gateGradient(d3, g3, up + i + 48, s3);
    v128.store(dUp + i, mulv(d0, mulv(g0, s0)));
    v128.store(dUp + i, mulv(d1, mulv(g1, s1)), 16);
    v128.store(dUp + i, mulv(d2, mulv(g2, s2)), 32);
    v128.store(dUp + i, mulv(d3, mulv(g3, s3)), 48);
    v128.store(dGate + i, y0);
    v128.store(dGate + i, y1, 16);
    v128.store(dGate + i, y2, 32);
    v128.store(dGate + i, y3, 48);
  }
  for (; i < bytes; i += 16) {
    const d = v128.load(dh + i);
    const g = v128.load(gate + i);
    const s = sigmoidv(g);
    v128.store(dUp + i, mulv(d, mulv(g, s)));
    v128.store(dGate + i, gateGradient(d, g, up + i, s));
  }
}

// @ts-ignore: decorator
@inline function firstMoment(m: usize, g: usize, keep: v128, take: v128): v128 {
  return storev(f32x4.add(mulv(keep, v128.load(m)), mulv(take, v128.load(g))));
}
// @ts-ignore: decorator
@inline function secondMoment(v: usize, g: usize, keep: v128, take: v128): v128 {
  const gradient = v128.load(g);
  return storev(f32x4.add(mulv(keep, v128.load(v)), mulv(take, mulv(gradient, gradient))));
}
// @ts-ignore: decorator
@inline function stepped(w: usize, m: v128, v: v128, rate: v128, eps: v128, decay: v128, c1: v128, c2: v128): v128 {
  const weight = v128.load(w);
  const step = divv(mulv(m, c1), f32x4.add(sqrtv(mulv(v, c2)), eps));
  return storev(f32x4.sub(weight, mulv(rate, f32x4.add(step, mulv(decay, weight)))));
}

/** One step of AdamW, in place on w, m, v. */
export function adamw(
  w: usize, g: usize, m: usize, v: usize, n: i32,
  rate: f32, beta1: f32, beta2: f32, eps: f32, decay: f32, correction1: f32, correction2: f32,
): void {
  const bytes = <usize>n << 2;
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const rest1 = f32x4.splat(1 - beta1);
  const rest2 = f32x4.splat(1 - beta2);
  const c1 = f32x4.splat(correction1);
  const c2 = f32x4.splat(correction2);
  const lr = f32x4.splat(rate);
  const e = f32x4.splat(eps);
  const shrink = f32x4.splat(decay);
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    const m0 = firstMoment(m + i, g + i, b1, rest1);
    const m1 = firstMoment(m + i + 16, g + i + 16, b1, rest1);
    const m2 = firstMoment(m + i + 32, g + i + 32, b1, rest1);
    const m3 = firstMoment(m + i + 48, g + i + 48, b1, rest1);
    const v0 = secondMoment(v + i, g + i, b2, rest2);
    const v1 = secondMoment(v + i + 16, g + i + 16, b2, rest2);
    const v2 = secondMoment(v + i + 32, g + i + 32, b2, rest2);
    const v3 = secondMoment(v + i + 48, g + i + 48, b2, rest2);
    const w0 = stepped(w + i, m0, v0, lr, e, shrink, c1, c2);
    const w1 = stepped(w + i + 16, m1, v1, lr, e, shrink, c1, c2);
    const w2 = stepped(w + i + 32, m2, v2, lr, e, shrink, c1, c2);
    const w3 = stepped(w + i + 48, m3, v3, lr, e, shrink, c1, c2);
    v128.store(m + i, m0);
    v128.store(m + i, m1, 16);
    v128.store(m + i, m2, 32);
    v128.store(m + i, m3, 48);
    v128.store(v + i, v0);
    v128.store(v + i, v1, 16);
    v128.store(v + i, v2, 32);
    v128.store(v + i, v3, 48);
    v128.store(w + i, w0);
    v128.store(w + i, w1, 16);
    v128.store(w + i, w2, 32);
    v128.store(w + i, w3, 48);
  }
  for (; i < bytes; i += 16) {
    const first = firstMoment(m + i, g + i, b1, rest1);
    const second = secondMoment(v + i, g + i, b2, rest2);
    v128.store(w + i, stepped(w + i, first, second, lr, e, shrink, c1, c2));
    v128.store(m + i, first);
    v128.store(v + i, second);
  }
}
