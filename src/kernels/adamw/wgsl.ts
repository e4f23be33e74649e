import { size } from '../operation.ts';
import { elementwise } from '../webgpu/wgsl.ts';

/** w, m and v are overwritten: `out0`, `out1`, `out2`; the gradient is `in1`. */
export const adamwWgsl = elementwise(
  { rate: 'f32', beta1: 'f32', beta2: 'f32', eps: 'f32', decay: 'f32', correction1: 'f32', correction2: 'f32' },
  /* wgsl */ `
  let g = in1[i];
  let w = out0[i];
  let m = store(add(mul(u.beta1, out1[i]), mul(sub(1.0, u.beta1), g)));
  let v = store(add(mul(u.beta2, out2[i]), mul(sub(1.0, u.beta2), mul(g, g))));
  let step = rf_div(mul(m, u.correction1), add(rf_sqrt(mul(v, u.correction2)), u.eps));
  emit0(i, sub(w, mul(u.rate, add(step, mul(u.decay, w)))));
  emit1(i, m);
  emit2(i, v);`,
  ([w], p) => ({
    count: size(w!),
    uniforms: [p.rate!, p.beta1!, p.beta2!, p.eps!, p.decay!, p.correction1!, p.correction2!],
  }),
);
