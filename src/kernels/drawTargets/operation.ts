import { add, blockSum, BLOCK, exp, mul, sub } from '../../arithmetic/rf32.ts';
import { expectShape, type Operation } from '../operation.ts';

/**
 * y[M,S], tokens drawn from softmax(logits) by inverting its cumulative sum. Inputs logits[M,V], stats[M,2] as crossEntropy
 * gives them (only the row's maximum is read), uniforms[M,S] in [0,1).
 *   e_v = exp(logit_v − maximum); c_v = T_b + (the sum of e from the start of v's block b of 256 up to v, in order from +0),
 *   T_b the total of the blocks before (RF32's block sum), T = c of the last v, the block sum of all e.
 *   y = the first v with c_v > u · T, or with c_v = T, which decides only for a u of 1 or more.
 * c never decreases, and "greater" passes over tokens whose e is 0, also for u = 0.
 */
export const drawTargets: Operation = {
  name: 'drawTargets',
  usedFor: { curvature: true },
  inputs: ['f32', 'f32', 'f32'],
  outputs: ([logits, stats, uniforms]) => {
    expectShape('drawTargets logits', logits, logits![0]!, logits![1]!);
    expectShape('drawTargets stats', stats, logits![0]!, 2);
    expectShape('drawTargets uniforms', uniforms, logits![0]!, uniforms![1]!);
    return [{ shape: uniforms!, dtype: 'u32' }];
  },
  reference({ inputs: [logits, stats, uniforms], outputs: [y], shapes }) {
    const [m, v] = shapes[0] as [number, number];
    const s = shapes[2]![1]!;
    for (let i = 0; i < m; i++) {
      const term = (j: number) => exp(sub(logits![i * v + j]!, stats![2 * i]!));
      const total = blockSum(v, term);
      for (let draw = i * s; draw < (i + 1) * s; draw++) {
        const wanted = mul(uniforms![draw]!, total);
        let [before, sum] = [0, 0];
        for (let j = 0; j < v; j++) {
          if (j % BLOCK === 0) [before, sum] = [add(before, sum), 0];
          sum = add(sum, term(j));
          const cumulative = add(before, sum);
          if (cumulative > wanted || cumulative === total) {
            y![draw] = j;
            break;
          }
        }
      }
    }
  },
};
