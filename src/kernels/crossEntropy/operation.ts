import { add, blockSum, div, exp, log, mul, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation, type Shape, size } from '../operation.ts';

/** A list, or one column as drawTargets gives it. */
function expectTargets(name: string, targets: Shape, logits: Shape): void {
  if (size(targets) !== logits[0]) throw new RangeError(`${name}: targets [${targets}] for logits [${logits}]`);
}

/**
 * loss[N] = log Σ_v exp(logits[i,v]) − logits[i, target]; stats[N,2] holds each row's maximum and 1/Σ exp(logit − max)
 * for the gradient. A target of V or more counts as logit 0; the model never passes one.
 */
export const crossEntropy: Operation = {
  name: 'crossEntropy',
  inputs: ['f32', 'u32'],
  outputs: ([logits, targets]) => {
    expectTargets('crossEntropy', targets!, logits!);
    return [f32(logits![0]!), f32(logits![0]!, 2)];
  },
  reference({ inputs: [logits, targets], outputs: [loss, stats], shapes }) {
    const [n, v] = shapes[0] as [number, number];
    for (let i = 0; i < n; i++) {
      let max = logits![i * v]!;
      for (let j = 1; j < v; j++) max = Math.max(max, logits![i * v + j]!);
      const sum = blockSum(v, (j) => exp(sub(logits![i * v + j]!, max)));
      const target = targets![i]! < v ? logits![i * v + targets![i]!]! : 0;
      loss![i] = store(sub(add(log(sum), max), target));
      stats![2 * i] = store(max);
      stats![2 * i + 1] = div(1, sum);
    }
  },
};

/** dLogits[N,V] = weight[i] · (softmax − onehot(target)). Inputs logits, targets, stats, weight[N]. */
export const crossEntropyGradient: Operation = {
  name: 'crossEntropyGradient',
  inputs: ['f32', 'u32', 'f32', 'f32'],
  outputs: ([logits, targets, stats, weight]) => {
    expectTargets('crossEntropyGradient', targets!, logits!);
    expectShape('crossEntropyGradient stats', stats, logits![0]!, 2);
    expectShape('crossEntropyGradient weight', weight, logits![0]!);
    return [f32(...logits!)];
  },
  reference({ inputs: [logits, targets, stats, weight], outputs: [dLogits], shapes }) {
    const [n, v] = shapes[0] as [number, number];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < v; j++) {
        const p = mul(exp(sub(logits![i * v + j]!, stats![2 * i]!)), stats![2 * i + 1]!);
        dLogits![i * v + j] = mul(weight![i]!, j === targets![i]! ? sub(p, 1) : p);
      }
    }
  },
};
