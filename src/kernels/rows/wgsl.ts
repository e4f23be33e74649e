import { size } from '../operation.ts';
import { elementwise } from '../webgpu/wgsl.ts';

/** `in0`, the cache, is `out0`. */
export const placeRowsWgsl = elementwise({ offset: 'u32' }, 'out0[u.offset + i] = in1[i];', ([cache, rows], { at }) => ({
  count: size(rows!),
  uniforms: [at! * cache![1]!],
}));
