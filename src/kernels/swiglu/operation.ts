import { add, mul, sigmoid, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

/** h = silu(gate) · up, silu(x) = x · sigmoid(x) (Shazeer 2020). Same shapes. */
export const swiglu: Operation = {
  name: 'swiglu',
  inputs: ['f32', 'f32'],
  outputs: ([gate, up]) => {
    expectShape('swiglu up', up, ...gate!);
    return [f32(...gate!)];
  },
  reference({ inputs: [gate, up], outputs: [h] }) {
    for (let i = 0; i < h!.length; i++) h![i] = mul(mul(gate![i]!, sigmoid(gate![i]!)), up![i]!);
  },
};

/** Inputs dh, gate, up; outputs dGate = dh · up · s (1 + gate (1 − s)), dUp = dh · gate · s, with s = sigmoid(gate). */
export const swigluGradient: Operation = {
  name: 'swigluGradient',
  inputs: ['f32', 'f32', 'f32'],
  outputs: ([dh, gate, up]) => {
    expectShape('swigluGradient gate', gate, ...dh!);
    expectShape('swigluGradient up', up, ...dh!);
    return [f32(...dh!), f32(...dh!)];
  },
  reference({ inputs: [dh, gate, up], outputs: [dGate, dUp] }) {
    for (let i = 0; i < dh!.length; i++) {
      const s = sigmoid(gate![i]!);
      dUp![i] = mul(dh![i]!, mul(gate![i]!, s));
      dGate![i] = mul(mul(dh![i]!, up![i]!), mul(s, add(1, mul(gate![i]!, sub(1, s)))));
    }
  },
};
