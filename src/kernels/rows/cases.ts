import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, tensor } from '../case.ts';
import { placeRows } from './operation.ts';

function place(t: number, d: number, n: number, at: number, seed: number, kind: Kind): Case {
  return {
    name: `placeRows ${n} at ${at} of ${t}x${d} ${kind}`,
    operation: placeRows,
    inputs: [tensor(kind, [t, d], seed), tensor(kind, [n, d], seed, 1)],
    params: { at },
    work: n * d,
  };
}

export const rowsCases: CaseList[] = [
  {
    operation: placeRows,
    cases: [place(1, 1, 1, 0, 1, 'normal'), place(64, 128, 1, 63, 2, 'normal'), place(20, 33, 7, 5, 3, 'edge'), place(9, 5, 9, 0, 4, 'normal')],
    random: (seed) => {
      const t = awkwardSize(seed, 1, 90);
      const n = 1 + randomBelow(t, seed, 5, 0);
      return place(t, awkwardSize(seed, 2, 70), n, randomBelow(t - n + 1, seed, 6, 0), seed, anyKind(seed));
    },
    gradient: { none: 'only generation uses it' },
  },
];
