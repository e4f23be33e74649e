import { elementwise } from '../webgpu/wgsl.ts';

export const joinTurnsWgsl = elementwise(
  { half_size: 'u32' },
  /* wgsl */ `
  let j = i % (2u * u.half_size);
  let line = (i / (2u * u.half_size)) * u.half_size;
  if (j < u.half_size) { out0[i] = in0[line + j]; } else { out0[i] = in1[line + j - u.half_size]; }`,
  ([cos], { rows }) => ({ count: rows! * 2 * cos![1]!, uniforms: [cos![1]!] }),
);

export const copyRowsWgsl = elementwise({ to: 'u32', source: 'u32' }, 'out0[u.to + i] = in1[u.source + i];', ([to], { at, from, rows }) => ({
  count: rows! * to![1]!,
  uniforms: [at! * to![1]!, from! * to![1]!],
}));

/** One invocation for each padded value of A, then of B, then the scale. */
export const placeFactorsWgsl = elementwise(
  { base: 'u32', rank: 'u32', own: 'u32', a_count: 'u32', inputs: 'u32', outs: 'u32', a: 'u32', b: 'u32', scale_at: 'u32', scale: 'f32' },
  /* wgsl */ `
  if (i + 1u == u.count) {
    out0[u.base + u.scale_at] = u.scale;
  } else if (i < u.a_count) {
    var value = 0.0;
    if (i % u.rank < u.own) { value = in1[(i % u.rank) * u.inputs + i / u.rank]; }
    out0[u.base + u.a + i] = value;
  } else {
    let t = i - u.a_count;
    var value = 0.0;
    if (t / u.outs < u.own) { value = in2[(t % u.outs) * u.own + t / u.outs]; }
    out0[u.base + u.b + t] = value;
  }`,
  ([pool, a, b], { slot, rank, a: atA, b: atB, scaleAt, scale }) => ({
    count: rank! * (a![1]! + b![0]!) + 1,
    uniforms: [slot! * pool![1]!, rank!, a![0]!, rank! * a![1]!, a![1]!, b![0]!, atA!, atB!, scaleAt!, scale!],
  }),
);
