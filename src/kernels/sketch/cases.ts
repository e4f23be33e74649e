import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, input, tensor } from '../case.ts';
import { sketch } from './operation.ts';
import { sketchPlan } from './plan.ts';

/** n rows of p values into rows from `at` on of y[rows,d]; values in two dimensions, as gradients come. */
function into(rows: number, at: number, n: number, p: number, d: number, seed: number, kind: Kind): Case {
  const { starts, members } = sketchPlan(seed, 3, p, d);
  return {
    name: `sketch ${n}x${p} into ${d} at ${at} of ${rows} ${kind}`,
    operation: sketch,
    inputs: [tensor(kind, [rows, d], seed), tensor(kind, [n, 1, p], seed, 1), input([d + 1], starts), input([p], members)],
    params: { at },
    work: n * p,
  };
}

export const sketchCases: CaseList[] = [
  {
    operation: sketch,
    cases: [
      into(1, 0, 1, 1, 1, 1, 'normal'),
      into(9, 2, 5, 257, 1, 2, 'normal'),
      into(6, 1, 5, 1031, 2, 3, 'edge'),
      into(7, 0, 7, 33, 64, 4, 'edge'),
      into(24, 0, 24, 2048, 512, 5, 'normal'),
    ],
    random: (seed) => {
      const n = 1 + randomBelow(9, seed, 5, 0);
      const at = randomBelow(4, seed, 6, 0);
      return into(n + at + randomBelow(3, seed, 7, 0), at, n, awkwardSize(seed, 1, 300) * 3, awkwardSize(seed, 2, 70), seed, anyKind(seed));
    },
    gradient: { none: 'a fixed linear projection, not differentiated' },
  },
];
