import { type Case, type CaseList, anyKind, awkwardSize, input, floats, tensor, type Kind } from '../case.ts';
import { dataInfScores, dataInfWeights } from './operation.ts';

/** K with a positive diagonal, as a Gram matrix has. */
function gram(n: number, seed: number, kind: Kind): Float32Array {
  const k = floats(kind, n * n, seed, 7);
  for (let i = 0; i < n; i++) k[i * n + i] = Math.abs(k[i * n + i]!);
  return k;
}

function weights(q: number, n: number, seed: number, kind: Kind): Case {
  return {
    name: `dataInfWeights ${q}x${n} ${kind}`,
    operation: dataInfWeights,
    inputs: [tensor(kind, [q, n], seed), input([n, n], gram(n, seed, kind))],
    params: { factor: 0.1 / (n * 1000) },
    work: q * n,
  };
}

/** Edge values would rightly leave the range when divided by a tiny damping, so scores take ordinary ones. */
function scores(q: number, n: number, seed: number): Case {
  return {
    name: `dataInfScores ${q}x${n}`,
    operation: dataInfScores,
    inputs: [tensor('normal', [q, n], seed), tensor('normal', [q, n], seed, 1), input([n, n], gram(n, seed, 'normal'))],
    params: { factor: 0.1 / (n * 1000) },
    work: q * n,
  };
}

function noGradient(operation: typeof dataInfWeights, inputs: number): Case {
  const zeros = (...shape: number[]) => input(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  return {
    name: `${operation.name} without any gradient`,
    operation,
    inputs: inputs === 2 ? [tensor('normal', [2, 9], 3), zeros(9, 9)] : [tensor('normal', [2, 9], 3), zeros(2, 9), zeros(9, 9)],
    params: { factor: 0.01 },
  };
}

export const influenceCases: CaseList[] = [
  {
    operation: dataInfWeights,
    cases: [weights(1, 1, 1, 'normal'), weights(3, 120, 2, 'normal'), weights(2, 257, 3, 'normal'), weights(5, 65, 5, 'small'), noGradient(dataInfWeights, 2)],
    random: (seed) => weights(awkwardSize(seed, 1, 9), awkwardSize(seed, 2), seed, anyKind(seed) === 'normal' ? 'normal' : 'small'),
    gradient: { none: 'not differentiated; compared with float64 in the fixtures of tests/' },
  },
  {
    operation: dataInfScores,
    cases: [scores(1, 1, 1), scores(3, 120, 2), scores(2, 257, 3), noGradient(dataInfScores, 3)],
    random: (seed) => scores(awkwardSize(seed, 1, 9), awkwardSize(seed, 2), seed),
    gradient: { none: 'not differentiated; compared with float64 in the fixtures of tests/' },
  },
];
