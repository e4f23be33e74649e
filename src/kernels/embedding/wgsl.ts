import { size } from '../operation.ts';
import { elementwise } from '../webgpu/wgsl.ts';

export const embeddingWgsl = elementwise(
  { columns: 'u32', rows: 'u32', first: 'u32' },
  /* wgsl */ `
  let id = in1[i / u.columns] - u.first; // wraps to what is outside
  if (id < u.rows) { out0[i] = in0[id * u.columns + i % u.columns]; } else { out0[i] = 0.0; }`,
  ([table, ids], { from = 0 }) => ({ count: ids![0]! * table![1]!, uniforms: [table![1]!, table![0]!, from] }),
);

/** One invocation for each element of the table: the places of an id are few. */
export const embeddingGradientWgsl = elementwise(
  { columns: 'u32' },
  /* wgsl */ `
  let v = i / u.columns;
  let column = i % u.columns;
  let end = in2[v + 1u];
  var total = 0.0;
  for (var first = in2[v]; first < end; first += 256u) {
    var sum = 0.0;
    for (var e = first; e < min(first + 256u, end); e++) { sum = add(sum, in0[in1[e] * u.columns + column]); }
    total = add(total, sum);
  }
  emit0(i, total);`,
  ([dy, , starts]) => ({ count: size([starts![0]! - 1, dy![1]!]), uniforms: [dy![1]!] }),
);
