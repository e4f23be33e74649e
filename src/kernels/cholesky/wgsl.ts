import { rowwise } from '../webgpu/rowwise.ts';

export const dampDiagonalWgsl = rowwise({
  uniforms: { m: 'u32', factor: 'f32' },
  helpers: [{ what: 'sum', name: 'trace', args: 'pitch: u32', term: 'in0[k * pitch]' }],
  body: /* wgsl */ `
  let lambda = mul(trace(u.m + 1u, u.m, lane), u.factor);
  if (row == 0u && lane == 0u) { emit1(0u, lambda); }
  for (var j = lane; j < u.m; j += LANES) {
    let at = row * u.m + j;
    if (j == row) { emit0(at, add(in0[at], lambda)); } else { out0[at] = in0[at]; }
  }`,
  dispatch: ([k], { factor }) => ({ rows: k![0]!, columns: k![0]!, uniforms: [k![0]!, factor!] }),
});
