import { blockSum, product, store } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

// Shape letters: N rows (tokens), K the summed dimension, M columns, S segments.
// All three forms follow rule 2 and 3 of RF32: operands below 2^-50 count as 0, unfused products, block sums over K.

/** y[N,M] = x[N,K] · w[M,K]ᵀ: a linear layer in Hugging Face's layout. */
export const matmulNT: Operation = {
  name: 'matmulNT',
  inputs: ['f32', 'f32'],
  outputs: ([x, w]) => {
    expectShape('matmulNT w', w, w![0]!, x![1]!);
    return [f32(x![0]!, w![0]!)];
  },
  reference({ inputs: [x, w], outputs: [y], shapes }) {
    const [n, k] = shapes[0] as [number, number];
    const m = shapes[1]![0]!;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        y![i * m + j] = store(blockSum(k, (t) => product(x![i * k + t]!, w![j * k + t]!)));
      }
    }
  },
};

/** y[N,M] = x[N,K] · w[K,M]: the gradient of a linear layer's input, among others. */
export const matmulNN: Operation = {
  name: 'matmulNN',
  inputs: ['f32', 'f32'],
  outputs: ([x, w]) => {
    expectShape('matmulNN w', w, x![1]!, w![1]!);
    return [f32(x![0]!, w![1]!)];
  },
  reference({ inputs: [x, w], outputs: [y], shapes }) {
    const [n, k] = shapes[0] as [number, number];
    const m = shapes[1]![1]!;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < m; j++) {
        y![i * m + j] = store(blockSum(k, (t) => product(x![i * k + t]!, w![t * m + j]!)));
      }
    }
  },
};

/**
 * y[S,M,K] with y[s] = Σ over rows i in [segments[s], segments[s+1]) of a[i,:]ᵀ b[i,:], for a[N,M], b[N,K]:
 * weight gradients, one per segment of rows (a record, or the whole batch).
 */
export const matmulTN: Operation = {
  name: 'matmulTN',
  inputs: ['f32', 'f32', 'u32'],
  outputs: ([a, b, segments]) => {
    expectShape('matmulTN b', b, a![0]!, b![1]!);
    return [f32(segments![0]! - 1, a![1]!, b![1]!)];
  },
  reference({ inputs: [a, b, segments], outputs: [y], shapes }) {
    const m = shapes[0]![1]!;
    const k = shapes[1]![1]!;
    for (let s = 0; s + 1 < segments!.length; s++) {
      const start = segments![s]!;
      const rows = segments![s + 1]! - start;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < k; j++) {
          y![(s * m + i) * k + j] = store(
            blockSum(rows, (t) => product(a![(start + t) * m + i]!, b![(start + t) * k + j]!)),
          );
        }
      }
    }
  },
};
