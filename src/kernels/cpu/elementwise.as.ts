// Whole tensors, element by element. A heap block holds whole vectors, so the last vector may run into its padding.
import { divv, mulv, sigmoidv, sqrtv, storev } from './rf32.as';

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

/** h = gate · sigmoid(gate) · up. */
export function swiglu(gate: usize, up: usize, h: usize, n: i32): void {
  const bytes = <usize>n << 2;
  for (let i: usize = 0; i < bytes; i += 16) {
    const g = v128.load(gate + i);
    v128.store(h + i, mulv(mulv(g, sigmoidv(g)), v128.load(up + i)));
  }
}

export function swigluGradient(dh: usize, gate: usize, up: usize, dGate: usize, dUp: usize, n: i32): void {
  const bytes = <usize>n << 2;
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const d = v128.load(dh + i);
    const g = v128.load(gate + i);
    const s = sigmoidv(g);
    v128.store(dUp + i, mulv(d, mulv(g, s)));
    const slope = mulv(s, f32x4.add(one, mulv(g, f32x4.sub(one, s))));
    v128.store(dGate + i, mulv(mulv(d, v128.load(up + i)), slope));
  }
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
  for (let i: usize = 0; i < bytes; i += 16) {
    const gradient = v128.load(g + i);
    const weight = v128.load(w + i);
    const first = storev(f32x4.add(mulv(b1, v128.load(m + i)), mulv(rest1, gradient)));
    const second = storev(f32x4.add(mulv(b2, v128.load(v + i)), mulv(rest2, mulv(gradient, gradient))));
    v128.store(m + i, first);
    v128.store(v + i, second);
    const step = divv(mulv(first, c1), f32x4.add(sqrtv(mulv(second, c2)), e));
    v128.store(w + i, storev(f32x4.sub(weight, mulv(lr, f32x4.add(step, mulv(shrink, weight))))));
  }
}
