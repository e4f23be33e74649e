import { size } from '../operation.ts';
import { elementwise } from '../webgpu/wgsl.ts';

/** One invocation for each pair of elements. */
export const ropeWgsl = elementwise(
  { half_size: 'u32', heads: 'u32', positions: 'u32', inverse: 'u32' },
  /* wgsl */ `
  let j = i % u.half_size;
  let at = (i / u.half_size) * 2u * u.half_size + j;
  let position = in1[i / (u.half_size * u.heads)];
  var c = 0.0;
  var s = 0.0;
  if (position < u.positions) {
    c = in2[position * u.half_size + j];
    s = in3[position * u.half_size + j];
  }
  if (u.inverse != 0u) { s = sub(0.0, s); }
  let a = in0[at];
  let b = in0[at + u.half_size];
  emit0(at, sub(mul(a, c), mul(b, s)));
  emit0(at + u.half_size, add(mul(b, c), mul(a, s)));`,
  ([x, , cos], { heads, inverse }) => ({
    count: size(x!) / 2,
    uniforms: [cos![1]!, heads!, cos![0]!, inverse ? 1 : 0],
  }),
);
