import { size } from '../operation.ts';
import { rowSum } from '../webgpu/prelude.ts';
import { elementwise, type Wgsl } from '../webgpu/wgsl.ts';

export const addTensorsWgsl = elementwise({}, 'emit0(i, add(in0[i], in1[i]));', ([a]) => ({ count: size(a!) }));

export const addScaledWgsl = elementwise({ scale: 'f32' }, 'emit0(i, add(in0[i], mul(in1[i], u.scale)));', ([a], { scale }) => ({
  count: size(a!),
  uniforms: [scale!],
}));

export const scaleTensorWgsl = elementwise({ scale: 'f32' }, 'emit0(i, mul(in0[i], u.scale));', ([a], { scale }) => ({
  count: size(a!),
  uniforms: [scale!],
}));

export const addBiasWgsl = elementwise({ columns: 'u32' }, 'emit0(i, add(in0[i], in1[i % u.columns]));', ([x]) => ({
  count: size(x!),
  uniforms: [x![1]!],
}));

/** One workgroup: the order of sums leaves one chain per block of 256. */
export const weightedSumWgsl: Wgsl = {
  uniforms: { count: 'u32' },
  code: () => ({
    workgroup: 256,
    declarations: rowSum('weighted_sum', 'row: u32', 'mul(in1[k], in0[k])', 256),
    body: 'let total = weighted_sum(0u, u.count, local);\nif (local == 0u) { emit0(0u, total); }',
  }),
  dispatch: ([x]) => ({ uniforms: [size(x!)], groups: 1 }),
};
