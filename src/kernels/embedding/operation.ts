import { blockSum, store } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

/**
 * y[N,D] = table[ids[N] − from, :] of table[V,D], `from` 0 unless the table is part of a longer one. An id outside gives
 * zeros. Also used to pick rows of activations.
 */
export const embedding: Operation = {
  name: 'embedding',
  copies: true,
  inputs: ['f32', 'u32'],
  outputs: ([table, ids]) => [f32(ids![0]!, table![1]!)],
  reference({ inputs: [table, ids], outputs: [y], shapes, params }) {
    const [v, d] = shapes[0] as [number, number];
    for (let i = 0; i < ids!.length; i++) {
      const row = ids![i]! - (params.from ?? 0);
      for (let j = 0; j < d; j++) y![i * d + j] = row >= 0 && row < v ? table![row * d + j]! : 0;
    }
  },
};

/**
 * dTable[V,D] with row v the sum of dy[rows[e],:] over e in [starts[v], starts[v+1]): `rows` lists the places
 * where each id occurs, in increasing order. Also the inverse of picking rows.
 */
export const embeddingGradient: Operation = {
  name: 'embeddingGradient',
  inputs: ['f32', 'u32', 'u32'],
  outputs: ([dy, , starts]) => {
    expectShape('embeddingGradient starts', starts, starts![0]!);
    return [f32(starts![0]! - 1, dy![1]!)];
  },
  reference({ inputs: [dy, rows, starts], outputs: [dTable], shapes }) {
    const d = shapes[0]![1]!;
    for (let v = 0; v + 1 < starts!.length; v++) {
      const first = starts![v]!;
      for (let j = 0; j < d; j++) {
        dTable![v * d + j] = store(blockSum(starts![v + 1]! - first, (e) => dy![rows![first + e]! * d + j]!));
      }
    }
  },
};
