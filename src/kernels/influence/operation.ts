import { add, blockSum, div, mul, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

// DataInf (Kwon et al. 2024) in matrix form, per LoRA tensor: K = GGᵀ [n,n], B = VGᵀ [Q,n],
//   λ = 0.1 · mean(g²) = 0.1 · trace(K) / (n·P),   influence = (B − (B ⊘ (λ + diag K)) K / n) / λ.
// K, B and the product with K are matmulNT and matmulNN; the two element-wise steps are here.

function damping(k: ArrayLike<number>, n: number, factor: number): number {
  return mul(blockSum(n, (i) => k[i * n + i]!), Math.fround(factor));
}

/** w[Q,n] = B / (λ + diag K). Inputs B, K; param factor = 0.1/(n·P). Zero where a tensor has no gradient (λ = 0). */
export const dataInfWeights: Operation = {
  name: 'dataInfWeights',
  inputs: ['f32', 'f32'],
  outputs: ([b, k]) => {
    expectShape('dataInfWeights K', k, b![1]!, b![1]!);
    return [f32(...b!)];
  },
  reference({ inputs: [b, k], outputs: [w], shapes, params }) {
    const [q, n] = shapes[0] as [number, number];
    const lambda = damping(k!, n, params.factor!);
    for (let i = 0; i < q; i++) {
      for (let j = 0; j < n; j++) w![i * n + j] = lambda === 0 ? 0 : div(b![i * n + j]!, add(lambda, k![j * n + j]!));
    }
  },
};

/** influence[Q,n] = (B − C/n) / λ. Inputs B, C = w·K, K; param factor. */
export const dataInfScores: Operation = {
  name: 'dataInfScores',
  inputs: ['f32', 'f32', 'f32'],
  outputs: ([b, c, k]) => {
    expectShape('dataInfScores C', c, ...b!);
    expectShape('dataInfScores K', k, b![1]!, b![1]!);
    return [f32(...b!)];
  },
  reference({ inputs: [b, c, k], outputs: [y], shapes, params }) {
    const [q, n] = shapes[0] as [number, number];
    const lambda = damping(k!, n, params.factor!);
    const inverse = Math.fround(1 / n);
    for (let i = 0; i < q * n; i++) {
      y![i] = lambda === 0 ? 0 : div(store(sub(b![i]!, mul(c![i]!, inverse))), lambda);
    }
  },
};
