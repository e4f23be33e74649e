import { rowSum } from '../webgpu/prelude.ts';
import { elementwise, type Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;

/** One workgroup for each row. */
export const rmsNormWgsl: Wgsl = {
  uniforms: { columns: 'u32', reciprocal: 'f32', eps: 'f32' },
  code: () => ({
    workgroup: SIZE,
    declarations: rowSum('squares', 'row: u32', 'mul(in0[row + k], in0[row + k])', SIZE),
    body: /* wgsl */ `
  let row = group * u.columns;
  let scale = rf_rsqrt(add(mul(squares(row, u.columns, local), u.reciprocal), u.eps));
  if (local == 0u) { emit1(group, scale); }
  for (var k = local; k < u.columns; k += ${SIZE}u) { emit0(row + k, mul(mul(in0[row + k], scale), in1[k])); }`,
  }),
  dispatch: ([x], { eps }) => ({ uniforms: [x![1]!, 1 / x![1]!, eps!], groups: x![0]! }),
};

/** One workgroup for each row; in0 dy, in1 x, in2 w, in3 r. */
export const rmsNormGradientWgsl: Wgsl = {
  uniforms: { columns: 'u32', reciprocal: 'f32' },
  code: () => ({
    workgroup: SIZE,
    declarations: rowSum('inner', 'row: u32', 'mul(mul(in0[row + k], in2[k]), in1[row + k])', SIZE),
    body: /* wgsl */ `
  let row = group * u.columns;
  let t = inner(row, u.columns, local);
  let r = in3[group];
  let c = mul(mul(mul(r, r), mul(r, t)), u.reciprocal);
  for (var k = local; k < u.columns; k += ${SIZE}u) {
    emit0(row + k, sub(mul(r, mul(in0[row + k], in2[k])), mul(c, in1[row + k])));
  }`,
  }),
  dispatch: ([dy]) => ({ uniforms: [dy![1]!, 1 / dy![1]!], groups: dy![0]! }),
};

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
