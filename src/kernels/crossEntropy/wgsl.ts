import { size } from '../operation.ts';
import { rowMax, rowSum } from '../webgpu/prelude.ts';
import { elementwise, type Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;

/** One workgroup for each row. */
export const crossEntropyWgsl: Wgsl = {
  uniforms: { columns: 'u32' },
  code: () => ({
    workgroup: SIZE,
    declarations:
      rowMax('greatest', 'row: u32', 'in0[row + k]', SIZE) +
      rowSum('exponentials', 'row: u32, top: f32', 'rf_exp(sub(in0[row + k], top))', SIZE),
    body: /* wgsl */ `
  let row = group * u.columns;
  let top = greatest(row, u.columns, local);
  let sum = exponentials(row, top, u.columns, local);
  if (local == 0u) {
    let id = in1[group];
    var target_logit = 0.0;
    if (id < u.columns) { target_logit = in0[row + id]; }
    emit0(group, sub(add(rf_log(sum), top), target_logit));
    emit1(2u * group, top);
    emit1(2u * group + 1u, rf_div(1.0, sum));
  }`,
  }),
  dispatch: ([logits]) => ({ uniforms: [logits![1]!], groups: logits![0]! }),
};

export const crossEntropyGradientWgsl = elementwise(
  { columns: 'u32' },
  /* wgsl */ `
  let row = i / u.columns;
  var p = mul(rf_exp(sub(in0[i], in2[2u * row])), in2[2u * row + 1u]);
  if (i % u.columns == in1[row]) { p = sub(p, 1.0); }
  emit0(i, mul(in3[row], p));`,
  ([logits]) => ({ count: size(logits!), uniforms: [logits![1]!] }),
);
