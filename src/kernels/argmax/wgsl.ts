import { ceilDiv, type Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;

/** The best of the columns first, first + stride, …: columns come in increasing order, so "greater" keeps the lowest among equals. */
const search = (first: string, stride: number) => /* wgsl */ `
  let at = row * u.columns;
  var best = 0u;
  for (var k = ${first}; k < u.columns; k += ${stride}u) {
    if (in0[at + k] > in0[at + best]) { best = k; }
  }`;

/** One invocation for a short row; one workgroup for a long one, whose invocations' bests are then compared. */
export const argmaxWgsl: Wgsl = {
  uniforms: { rows: 'u32', columns: 'u32' },
  code: ({ variant }) => ({
    workgroup: SIZE,
    declarations: variant === 'workgroup' ? `var<workgroup> bests: array<u32, ${SIZE}>;` : '',
    body:
      variant === 'workgroup'
        ? /* wgsl */ `
  let row = group;
  ${search('local', SIZE)}
  bests[local] = best;
  workgroupBarrier();
  if (local == 0u) {
    for (var part = 0u; part < ${SIZE}u; part++) {
      let k = bests[part];
      if (in0[at + k] > in0[at + best] || (in0[at + k] == in0[at + best] && k < best)) { best = k; }
    }
    out0[row] = best;
  }`
        : /* wgsl */ `
  let row = group * ${SIZE}u + local;
  if (row >= u.rows) { return; }
  ${search('0u', 1)}
  out0[row] = best;`,
  }),
  dispatch: ([x]) => {
    const [rows, columns] = x as [number, number];
    const alone = columns <= 256;
    return { variant: alone ? 'invocation' : 'workgroup', uniforms: [rows, columns], groups: alone ? ceilDiv(rows, SIZE) : rows };
  },
};
