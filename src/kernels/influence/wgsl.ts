import type { Shape } from '../operation.ts';
import { rowwise } from '../webgpu/rowwise.ts';

/** λ from the diagonal of K, computed once for each row. */
const trace = (kernel: string) => ({ what: 'sum' as const, name: 'trace', args: 'n: u32', term: `${kernel}[k * n + k]` });

const rowsOf = ([q, n]: Shape, ...uniforms: number[]) => ({ rows: q!, columns: n!, uniforms: [n!, ...uniforms] });

export const dataInfWeightsWgsl = rowwise({
  uniforms: { n: 'u32', factor: 'f32' },
  helpers: [trace('in1')],
  body: /* wgsl */ `
  let lambda = mul(trace(u.n, u.n, lane), u.factor);
  for (var j = lane; j < u.n; j += LANES) {
    let at = row * u.n + j;
    if (lambda == 0.0) { out0[at] = 0.0; } else { emit0(at, rf_div(in0[at], add(lambda, in1[j * u.n + j]))); }
  }`,
  dispatch: ([b], { factor }) => rowsOf(b!, factor!),
});

export const dataInfScoresWgsl = rowwise({
  uniforms: { n: 'u32', factor: 'f32', reciprocal: 'f32' },
  helpers: [trace('in2')],
  body: /* wgsl */ `
  let lambda = mul(trace(u.n, u.n, lane), u.factor);
  for (var j = lane; j < u.n; j += LANES) {
    let at = row * u.n + j;
    if (lambda == 0.0) { out0[at] = 0.0; } else { emit0(at, rf_div(store(sub(in0[at], mul(in1[at], u.reciprocal))), lambda)); }
  }`,
  dispatch: ([b], { factor }) => rowsOf(b!, factor!, 1 / b![1]!),
});
