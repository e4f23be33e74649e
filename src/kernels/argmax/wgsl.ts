import type { Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;

/** One workgroup for each row: every invocation takes the best of its columns, then all take the best of the bests. */
export const argmaxWgsl: Wgsl = {
  uniforms: { columns: 'u32' },
  code: () => ({
    workgroup: SIZE,
    declarations: `var<workgroup> bests: array<u32, ${SIZE}>;`,
    body: /* wgsl */ `
  let row = group * u.columns;
  var best = 0u;
  for (var k = local; k < u.columns; k += ${SIZE}u) {
    // Columns come in increasing order, so "greater" alone keeps the lowest among equals.
    if (in0[row + k] > in0[row + best]) { best = k; }
  }
  bests[local] = best;
  workgroupBarrier();
  if (local == 0u) {
    for (var part = 0u; part < ${SIZE}u; part++) {
      let k = bests[part];
      if (in0[row + k] > in0[row + best] || (in0[row + k] == in0[row + best] && k < best)) { best = k; }
    }
    out0[group] = best;
  }`,
  }),
  dispatch: ([x]) => ({ uniforms: [x![1]!], groups: x![0]! }),
};
