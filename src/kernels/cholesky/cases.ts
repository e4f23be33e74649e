import { type Case, type CaseList, type Kind, anyKind, awkwardSize, input, tensor } from '../case.ts';
import { dampDiagonal } from './operation.ts';

function damp(m: number, seed: number, kind: Kind): Case {
  return { name: `dampDiagonal ${m} ${kind}`, operation: dampDiagonal, inputs: [tensor(kind, [m, m], seed)], params: { factor: 0.7 / m }, work: m * m };
}

export const choleskyCases: CaseList[] = [
  {
    operation: dampDiagonal,
    cases: [
      damp(1, 1, 'normal'),
      damp(65, 2, 'normal'),
      damp(257, 3, 'edge'),
      { name: 'dampDiagonal all zero', operation: dampDiagonal, inputs: [input([9, 9], new Float32Array(81))], params: { factor: 0.1 } },
    ],
    random: (seed) => damp(awkwardSize(seed, 1), seed, anyKind(seed)),
    gradient: { none: 'not differentiated' },
  },
];
