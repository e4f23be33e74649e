import { size } from '../operation.ts';
import { elementwise } from '../webgpu/wgsl.ts';

/** `in0`, the sketch, is `out0`. One invocation for each element: a bucket has few members. */
export const sketchWgsl = elementwise(
  { buckets: 'u32', values: 'u32', offset: 'u32' },
  /* wgsl */ `
  let row = (i / u.buckets) * u.values;
  let bucket = i % u.buckets;
  let end = in2[bucket + 1u];
  var total = 0.0;
  for (var first = in2[bucket]; first < end; first += 256u) {
    var sum = 0.0;
    for (var e = first; e < min(first + 256u, end); e++) {
      let member = in3[e];
      let bits = bitcast<u32>(in1[row + (member & 0x7fffffffu)]);
      sum = add(sum, bitcast<f32>(bits ^ (member & 0x80000000u)));
    }
    total = add(total, sum);
  }
  let place = u.offset + i;
  emit0(place, add(out0[place], total));`,
  ([y, x], { at }) => ({
    count: x![0]! * y![1]!,
    uniforms: [y![1]!, size(x!) / Math.max(x![0]!, 1), at! * y![1]!],
  }),
);
