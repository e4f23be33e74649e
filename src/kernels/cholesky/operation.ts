import { add, blockSum, mul, store } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation } from '../operation.ts';

/**
 * y[m,m] = K + λ I and λ[1] = factor · Σ diag K (RF32's block sum, then one multiply): with factor = c/m, λ is c times the
 * mean eigenvalue. Inputs K[m,m]; param `factor`.
 */
export const dampDiagonal: Operation = {
  name: 'dampDiagonal',
  inputs: ['f32'],
  outputs: ([k]) => {
    expectShape('dampDiagonal K', k, k![0]!, k![0]!);
    return [f32(...k!), f32(1)];
  },
  reference({ inputs: [k], outputs: [y, lambda], shapes, params }) {
    const m = shapes[0]![0]!;
    lambda![0] = mul(blockSum(m, (i) => k![i * m + i]!), Math.fround(params.factor!));
    y!.set(k!);
    for (let i = 0; i < m; i++) y![i * m + i] = store(add(k![i * m + i]!, lambda![0]!));
  },
};
