import { rowwise } from '../webgpu/rowwise.ts';
import { elementwise } from '../webgpu/wgsl.ts';

export const rmsNormWgsl = rowwise({
  uniforms: { columns: 'u32', reciprocal: 'f32', eps: 'f32' },
  helpers: [{ what: 'sum', name: 'squares', args: 'at: u32', term: 'mul(in0[at + k], in0[at + k])' }],
  body: /* wgsl */ `
  let at = row * u.columns;
  let scale = rf_rsqrt(add(mul(squares(at, u.columns, lane), u.reciprocal), u.eps));
  if (lane == 0u) { emit1(row, scale); }
  for (var k = lane; k < u.columns; k += LANES) { emit0(at + k, mul(mul(in0[at + k], scale), in1[k])); }`,
  dispatch: ([x], { eps }) => ({ rows: x![0]!, columns: x![1]!, uniforms: [x![1]!, 1 / x![1]!, eps!] }),
});

/** in0 dy, in1 x, in2 w, in3 r. */
export const rmsNormGradientWgsl = rowwise({
  uniforms: { columns: 'u32', reciprocal: 'f32' },
  helpers: [{ what: 'sum', name: 'inner', args: 'at: u32', term: 'mul(mul(in0[at + k], in2[k]), in1[at + k])' }],
  body: /* wgsl */ `
  let at = row * u.columns;
  let t = inner(at, u.columns, lane);
  let r = in3[row];
  let c = mul(mul(mul(r, r), mul(r, t)), u.reciprocal);
  for (var k = lane; k < u.columns; k += LANES) {
    emit0(at + k, sub(mul(r, mul(in0[at + k], in2[k])), mul(c, in1[at + k])));
  }`,
  dispatch: ([dy]) => ({ rows: dy![0]!, columns: dy![1]!, uniforms: [dy![1]!, 1 / dy![1]!] }),
});

/** One invocation for each column. */
export const rmsNormWeightGradientWgsl = elementwise(
  { rows: 'u32' },
  /* wgsl */ `
  var total = 0.0;
  for (var first = 0u; first < u.rows; first += 256u) {
    var sum = 0.0;
    for (var row = first; row < min(first + 256u, u.rows); row++) {
      let at = row * u.count + i;
      sum = add(sum, mul(in0[at], mul(in1[at], in2[row])));
    }
    total = add(total, sum);
  }
  emit0(i, total);`,
  ([dy]) => ({ count: dy![1]!, uniforms: [dy![0]!] }),
);
