import { add, blockSum, mul, rsqrt, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

const reciprocalOf = (d: number) => Math.fround(1 / d);

/** y[N,D] = x · r · w with r[N] = 1/sqrt(mean(x²) + eps) (Zhang & Sennrich 2019); r is kept for the gradient. */
export const rmsNorm: Operation = {
  name: 'rmsNorm',
  inputs: ['f32', 'f32'],
  outputs: ([x, w]) => {
    expectShape('rmsNorm w', w, x![1]!);
    return [f32(x![0]!, x![1]!), f32(x![0]!)];
  },
  reference({ inputs: [x, w], outputs: [y, r], shapes, params }) {
    const [n, d] = shapes[0] as [number, number];
    for (let i = 0; i < n; i++) {
      const squares = blockSum(d, (j) => mul(x![i * d + j]!, x![i * d + j]!));
      const scale = rsqrt(add(mul(squares, reciprocalOf(d)), Math.fround(params.eps!)));
      r![i] = scale;
      for (let j = 0; j < d; j++) y![i * d + j] = mul(mul(x![i * d + j]!, scale), w![j]!);
    }
  },
};

/** dx[N,D] = r (dy w) − x · r³/D · Σ_j dy_j w_j x_j. Inputs dy, x, w, r. */
export const rmsNormGradient: Operation = {
  name: 'rmsNormGradient',
  inputs: ['f32', 'f32', 'f32', 'f32'],
  outputs: ([dy, x, w, r]) => {
    expectShape('rmsNormGradient x', x, ...dy!);
    expectShape('rmsNormGradient w', w, dy![1]!);
    expectShape('rmsNormGradient r', r, dy![0]!);
    return [f32(...dy!)];
  },
  reference({ inputs: [dy, x, w, r], outputs: [dx], shapes }) {
    const [n, d] = shapes[0] as [number, number];
    for (let i = 0; i < n; i++) {
      const g = (j: number) => mul(dy![i * d + j]!, w![j]!);
      const t = blockSum(d, (j) => mul(g(j), x![i * d + j]!));
      const c = mul(mul(mul(r![i]!, r![i]!), mul(r![i]!, t)), reciprocalOf(d));
      for (let j = 0; j < d; j++) dx![i * d + j] = store(sub(mul(r![i]!, g(j)), mul(c, x![i * d + j]!)));
    }
  },
};

/** dw[D] = Σ over rows of dy · x · r. Inputs dy, x, r. */
export const rmsNormWeightGradient: Operation = {
  name: 'rmsNormWeightGradient',
  inputs: ['f32', 'f32', 'f32'],
  outputs: ([dy, x]) => {
    expectShape('rmsNormWeightGradient x', x, ...dy!);
    return [f32(dy![1]!)];
  },
  reference({ inputs: [dy, x, r], outputs: [dw], shapes }) {
    const [n, d] = shapes[0] as [number, number];
    for (let j = 0; j < d; j++) {
      dw![j] = store(blockSum(n, (i) => mul(dy![i * d + j]!, mul(x![i * d + j]!, r![i]!))));
    }
  },
};
