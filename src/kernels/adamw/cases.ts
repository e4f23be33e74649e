import { type Case, type CaseList, type Kind, anyKind, awkwardSize, tensor } from '../case.ts';
import { adamw } from './operation.ts';

function step(n: number, m: number, t: number, seed: number, kind: Kind, decay = 0.01): Case {
  const second = tensor(kind, [n, m], seed, 3, 8);
  return {
    name: `adamw ${n}x${m} step ${t} ${kind}`,
    operation: adamw,
    inputs: [tensor(kind, [n, m], seed), tensor(kind, [n, m], seed, 1), tensor(kind, [n, m], seed, 2), { shape: [n, m], values: second.values.map(Math.abs) }],
    params: {
      rate: 2e-3,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      decay,
      correction1: 1 / (1 - 0.9 ** t),
      correction2: 1 / (1 - 0.999 ** t),
    },
    work: n * m,
  };
}

export const adamwCases: CaseList[] = [
  {
    operation: adamw,
    cases: [step(1, 1, 1, 1, 'normal'), step(9, 33, 1, 2, 'small', 0), step(64, 128, 100, 3, 'small'), step(31, 65, 7, 4, 'edge')],
    random: (seed) => step(awkwardSize(seed, 1, 90), awkwardSize(seed, 2, 90), 1 + (seed % 50), seed, anyKind(seed)),
    gradient: { none: 'an update rule, not differentiated' },
  },
];
