import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, input, tensor } from '../case.ts';
import { argmax } from './operation.ts';

function rows(n: number, v: number, seed: number, kind: Kind): Case {
  return { name: `argmax ${n}x${v} ${kind}`, operation: argmax, inputs: [tensor(kind, [n, v], seed)], params: {}, work: n * v };
}

/** Few different values, so that equals decide. */
function ties(n: number, v: number, seed: number): Case {
  const values = Float32Array.from({ length: n * v }, (_, i) => randomBelow(3, seed, 0, i) - 2);
  return { name: `argmax ${n}x${v} ties`, operation: argmax, inputs: [input([n, v], values)], params: {} };
}

export const argmaxCases: CaseList[] = [
  {
    operation: argmax,
    cases: [
      rows(1, 1, 1, 'normal'),
      rows(3, 2048, 2, 'normal'),
      rows(5, 63, 3, 'edge'),
      rows(5, 65, 4, 'normal'),
      ties(9, 257, 5),
      ties(4, 64, 6),
      ties(2, 9001, 7),
      { name: 'argmax all zero', operation: argmax, inputs: [input([2, 130], new Float32Array(260))], params: {} },
    ],
    random: (seed) =>
      seed % 3 ? rows(awkwardSize(seed, 1, 40), awkwardSize(seed, 2, 600), seed, anyKind(seed)) : ties(awkwardSize(seed, 1, 40), awkwardSize(seed, 2), seed),
    gradient: { none: 'an integer result' },
  },
];
