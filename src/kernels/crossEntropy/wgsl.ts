import { size } from '../operation.ts';
import { rowwise } from '../webgpu/rowwise.ts';
import { elementwise } from '../webgpu/wgsl.ts';

export const crossEntropyWgsl = rowwise({
  uniforms: { columns: 'u32' },
  helpers: [
    { what: 'max', name: 'greatest', args: 'at: u32', term: 'in0[at + k]' },
    { what: 'sum', name: 'exponentials', args: 'at: u32, top: f32', term: 'rf_exp(sub(in0[at + k], top))' },
  ],
  body: /* wgsl */ `
  let at = row * u.columns;
  let top = greatest(at, u.columns, lane);
  let sum = exponentials(at, top, u.columns, lane);
  if (lane == 0u) {
    let id = in1[row];
    var target_logit = 0.0;
    if (id < u.columns) { target_logit = in0[at + id]; }
    emit0(row, sub(add(rf_log(sum), top), target_logit));
    emit1(2u * row, top);
    emit1(2u * row + 1u, rf_div(1.0, sum));
  }`,
  dispatch: ([logits]) => ({ rows: logits![0]!, columns: logits![1]!, uniforms: [logits![1]!] }),
});

export const crossEntropyGradientWgsl = elementwise(
  { columns: 'u32' },
  /* wgsl */ `
  let row = i / u.columns;
  var p = mul(rf_exp(sub(in0[i], in2[2u * row])), in2[2u * row + 1u]);
  if (i % u.columns == in1[row]) { p = sub(p, 1.0); }
  emit0(i, mul(in3[row], p));`,
  ([logits]) => ({ count: size(logits!), uniforms: [logits![1]!] }),
);
