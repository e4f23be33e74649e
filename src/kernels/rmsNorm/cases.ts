import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, floats, tensor } from '../case.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from './operation.ts';

const EPS = 1e-5;

function forward(n: number, d: number, seed: number, kind: Kind): Case {
  return {
    name: `rmsNorm ${n}x${d} ${kind}`,
    operation: rmsNorm,
    inputs: [tensor(kind, [n, d], seed), tensor(kind, [d], seed, 1)],
    params: { eps: EPS },
    work: n * d,
  };
}

function backward(n: number, d: number, seed: number, kind: Kind): Case {
  return {
    name: `rmsNormGradient ${n}x${d} ${kind}`,
    operation: rmsNormGradient,
    inputs: [tensor(kind, [n, d], seed), tensor(kind, [n, d], seed, 1, 6), tensor(kind, [d], seed, 2), tensor(kind, [n], seed, 3, 3)],
    params: {},
    work: n * d,
  };
}

function weight(n: number, d: number, seed: number, kind: Kind): Case {
  return {
    name: `rmsNormWeightGradient ${n}x${d} ${kind}`,
    operation: rmsNormWeightGradient,
    inputs: [tensor(kind, [n, d], seed), tensor(kind, [n, d], seed, 1), tensor(kind, [n], seed, 2)],
    params: {},
    work: n * d,
  };
}

const [N, D] = [3, 10];
const check: GradientCheck = {
  name: 'rmsNorm: dx and dw',
  at: [tensor('normal', [N, D], 41), tensor('normal', [D], 42)],
  loss: ([x, w]) => {
    const cotangent = floats('normal', N * D, 43);
    let sum = 0;
    for (let i = 0; i < N; i++) {
      const row = x!.subarray(i * D, (i + 1) * D);
      const r = 1 / Math.sqrt(row.reduce((s, value) => s + value * value, 0) / D + EPS);
      row.forEach((value, j) => (sum += value * r * w![j]! * cotangent[i * D + j]!));
    }
    return sum;
  },
  gradients(run, [x, w]) {
    const dy = run.upload([N, D], floats('normal', N * D, 43));
    const r = run(rmsNorm, [x!, w!], { eps: EPS })[1]!;
    return [run(rmsNormGradient, [dy, x!, w!, r])[0], run(rmsNormWeightGradient, [dy, x!, r])[0]];
  },
  tolerance: 3e-6,
};

const checkedThere = { none: 'it is a gradient of rmsNorm, checked there' };

export const rmsNormCases: CaseList[] = [
  {
    operation: rmsNorm,
    cases: [
      forward(1, 1, 1, 'normal'),
      forward(3, 255, 2, 'normal'),
      forward(3, 256, 3, 'edge'),
      forward(3, 257, 4, 'normal'),
      forward(33, 128, 5, 'normal'),
      forward(2, 2100, 6, 'edge'),
    ],
    random: (seed) => forward(awkwardSize(seed, 1, 40), awkwardSize(seed, 2), seed, anyKind(seed)),
    gradient: [check],
  },
  {
    operation: rmsNormGradient,
    cases: [backward(1, 1, 11, 'normal'), backward(3, 255, 12, 'normal'), backward(3, 257, 13, 'edge'), backward(33, 128, 14, 'normal')],
    random: (seed) => backward(awkwardSize(seed, 1, 40), awkwardSize(seed, 2), seed, anyKind(seed)),
    gradient: checkedThere,
  },
  {
    operation: rmsNormWeightGradient,
    cases: [weight(1, 1, 21, 'normal'), weight(255, 9, 22, 'normal'), weight(257, 33, 23, 'edge'), weight(512, 128, 24, 'normal')],
    random: (seed) => weight(awkwardSize(seed, 1, 520), awkwardSize(seed, 2, 140), seed, anyKind(seed)),
    gradient: checkedThere,
  },
];
