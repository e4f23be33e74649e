import { size } from '../operation.ts';
import { rowwise } from '../webgpu/rowwise.ts';
import { elementwise } from '../webgpu/wgsl.ts';

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

export const scaleColumnsWgsl = elementwise({ columns: 'u32' }, 'emit0(i, mul(in0[i], in1[i % u.columns]));', ([x]) => ({
  count: size(x!),
  uniforms: [size(x!) / Math.max(x![0]!, 1)],
}));

/** One row. */
export const weightedSumWgsl = rowwise({
  uniforms: { columns: 'u32' },
  helpers: [{ what: 'sum', name: 'weighted_sum', args: 'row: u32', term: 'mul(in1[k], in0[k])' }],
  body: 'let total = weighted_sum(row, u.columns, lane);\nif (lane == 0u) { emit0(0u, total); }',
  dispatch: ([x]) => ({ rows: 1, columns: size(x!), uniforms: [size(x!)] }),
});
