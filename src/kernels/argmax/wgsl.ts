import { ceilDiv, type Wgsl } from '../webgpu/wgsl.ts';

const SIZE = 64;
const WIDE = 256;
const SHORT = 256;
const LONG = 8192;

/** The best of the columns first, first + stride, …: columns come in increasing order, so "greater" keeps the lowest among equals. */
const search = (first: string, stride: number) => /* wgsl */ `
  let at = row * u.columns;
  var best = 0u;
  for (var k = ${first}; k < u.columns; k += ${stride}u) {
    if (in0[at + k] > in0[at + best]) { best = k; }
  }`;

/** One invocation for a short row; one workgroup, wider for vocabularies, for a long one, whose invocations' bests are then compared. */
export const argmaxWgsl: Wgsl = {
  uniforms: { rows: 'u32', columns: 'u32' },
  code: ({ variant }) => {
    const lanes = variant === 'wide' ? WIDE : SIZE;
    if (variant !== 'invocation') {
      return {
        workgroup: lanes,
        declarations: `var<workgroup> bests: array<u32, ${lanes}>;`,
        body: /* wgsl */ `
  let row = group;
  ${search('local', lanes)}
  bests[local] = best;
  workgroupBarrier();
  if (local == 0u) {
    for (var part = 0u; part < ${lanes}u; part++) {
      let k = bests[part];
      if (in0[at + k] > in0[at + best] || (in0[at + k] == in0[at + best] && k < best)) { best = k; }
    }
    out0[row] = best;
  }`,
      };
    }
    return {
      workgroup: SIZE,
      body: /* wgsl */ `
  let row = group * ${SIZE}u + local;
  if (row >= u.rows) { return; }
  ${search('0u', 1)}
  out0[row] = best;`,
    };
  },
  dispatch: ([x], _, { software, invocations }) => {
    const [rows, columns] = x as [number, number];
    const alone = columns <= SHORT;
    const wide = columns >= LONG && !software && invocations >= WIDE;
    return { variant: alone ? 'invocation' : wide ? 'wide' : 'workgroup', uniforms: [rows, columns], groups: alone ? ceilDiv(rows, SIZE) : rows };
  },
};
