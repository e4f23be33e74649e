import { size } from '../operation.ts';
import { elementwise } from '../webgpu/wgsl.ts';

export const swigluWgsl = elementwise({}, 'emit0(i, mul(mul(in0[i], rf_sigmoid(in0[i])), in1[i]));', ([gate]) => ({ count: size(gate!) }));

export const swigluGradientWgsl = elementwise(
  {},
  /* wgsl */ `
  let dh = in0[i];
  let gate = in1[i];
  let s = rf_sigmoid(gate);
  emit0(i, mul(mul(dh, in2[i]), mul(s, add(1.0, mul(gate, sub(1.0, s))))));
  emit1(i, mul(dh, mul(gate, s)));`,
  ([dh]) => ({ count: size(dh!) }),
);
