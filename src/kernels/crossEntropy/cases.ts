import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, floats, input, tensor, words } from '../case.ts';
import { crossEntropy, crossEntropyGradient } from './operation.ts';

function logits(n: number, v: number, seed: number, kind: Kind): { shape: number[]; values: Float32Array } {
  const { values } = tensor(kind, [n, v], seed, 0, 6);
  return { shape: [n, v], values: kind === 'normal' ? values.map((x) => Math.fround(x * 8)) : values };
}

/** Targets up to v: one past the table counts as logit 0. */
function forward(n: number, v: number, seed: number, kind: Kind): Case {
  return {
    name: `crossEntropy ${n}x${v} ${kind}`,
    operation: crossEntropy,
    inputs: [logits(n, v, seed, kind), input([n], words(n, v + 1, seed))],
    params: {},
    work: n * v,
  };
}

function backward(n: number, v: number, seed: number, kind: Kind): Case {
  const x = logits(n, v, seed, kind);
  const stats = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    stats[2 * i] = x.values.subarray(i * v, (i + 1) * v).reduce((a, b) => Math.max(a, b));
    stats[2 * i + 1] = 1 / (1 + (i % 7));
  }
  return {
    name: `crossEntropyGradient ${n}x${v} ${kind}`,
    operation: crossEntropyGradient,
    inputs: [x, input([n], words(n, v + 1, seed)), input([n, 2], stats), tensor(kind, [n], seed, 3)],
    params: {},
    work: n * v,
  };
}

const [N, V] = [4, 11];
const targets = Uint32Array.from([3, 0, 10, 3]);
const weight = floats('normal', N, 52);
const check: GradientCheck = {
  name: 'crossEntropy: dLogits',
  at: [tensor('normal', [N, V], 51)],
  loss: ([x]) => {
    let sum = 0;
    for (let i = 0; i < N; i++) {
      const row = x!.subarray(i * V, (i + 1) * V);
      sum += weight[i]! * (Math.log(row.reduce((s, value) => s + Math.exp(value), 0)) - row[targets[i]!]!);
    }
    return sum;
  },
  gradients(run, [x]) {
    const ids = run.upload([N], targets);
    const stats = run(crossEntropy, [x!, ids])[1]!;
    return [run(crossEntropyGradient, [x!, ids, stats, run.upload([N], weight)])[0]];
  },
  tolerance: 3e-6,
};

export const crossEntropyCases: CaseList[] = [
  {
    operation: crossEntropy,
    cases: [
      forward(1, 1, 1, 'normal'),
      forward(5, 255, 2, 'normal'),
      forward(5, 256, 3, 'edge'),
      forward(5, 257, 4, 'normal'),
      forward(9, 2048, 5, 'normal'),
      forward(3, 2305, 6, 'edge'),
      forward(2, 70_001, 7, 'normal'),
    ],
    random: (seed) => forward(awkwardSize(seed, 1, 20), awkwardSize(seed, 2, 700), seed, anyKind(seed)),
    gradient: [check],
  },
  {
    operation: crossEntropyGradient,
    cases: [backward(1, 1, 11, 'normal'), backward(9, 2048, 12, 'normal'), backward(5, 257, 13, 'edge')],
    random: (seed) => backward(awkwardSize(seed, 1, 20), awkwardSize(seed, 2, 700), seed, anyKind(seed)),
    gradient: { none: 'it is the gradient of crossEntropy, checked there' },
  },
];
