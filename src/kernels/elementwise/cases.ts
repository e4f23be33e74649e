import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, floats, tensor } from '../case.ts';
import { addBias, addScaled, addTensors, scaleColumns, scaleTensor, weightedSum } from './operation.ts';
import type { Operation, Params } from '../operation.ts';

function pair(operation: Operation, n: number, m: number, seed: number, kind: Kind, params: Params = {}): Case {
  return {
    name: `${operation.name} ${n}x${m} ${kind}`,
    operation,
    inputs: [tensor(kind, [n, m], seed), tensor(kind, [n, m], seed, 1)],
    params,
    work: n * m,
  };
}

function single(n: number, m: number, scale: number, seed: number, kind: Kind): Case {
  return { name: `scale ${n}x${m} ${kind}`, operation: scaleTensor, inputs: [tensor(kind, [n, m], seed)], params: { scale }, work: n * m };
}

function bias(n: number, m: number, seed: number, kind: Kind): Case {
  return {
    name: `addBias ${n}x${m} ${kind}`,
    operation: addBias,
    inputs: [tensor(kind, [n, m], seed), tensor(kind, [m], seed, 1)],
    params: {},
    work: n * m,
  };
}

function columns(n: number, m: number, seed: number, kind: Kind): Case {
  return { ...bias(n, m, seed, kind), name: `scaleColumns ${n}x${m} ${kind}`, operation: scaleColumns };
}

function weighted(n: number, seed: number, kind: Kind): Case {
  return {
    name: `weightedSum ${n} ${kind}`,
    operation: weightedSum,
    inputs: [tensor(kind, [n], seed), tensor(kind, [n], seed, 1)],
    params: {},
    work: n,
  };
}

const dot = (a: Float64Array, b: ArrayLike<number>) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** a + scale · b: the gradient of b is `scale` of the cotangent. */
const scaledGradient: GradientCheck = {
  name: 'addScaled: db by scale',
  at: [tensor('normal', [3, 5], 61), tensor('normal', [3, 5], 62)],
  loss: ([a, b]) =>
    dot(
      a!.map((value, i) => value + 0.375 * b![i]!),
      floats('normal', 15, 63),
    ),
  gradients(run) {
    const dy = run.upload([3, 5], floats('normal', 15, 63));
    return [dy, run(scaleTensor, [dy], { scale: 0.375 })[0]];
  },
  tolerance: 1e-6,
};

const small = (seed: number, stream: number) => awkwardSize(seed, stream, 90);

export const elementwiseCases: CaseList[] = [
  {
    operation: addTensors,
    cases: [pair(addTensors, 1, 1, 1, 'normal'), pair(addTensors, 13, 257, 2, 'edge'), pair(addTensors, 64, 128, 3, 'normal')],
    random: (seed) => pair(addTensors, small(seed, 1), small(seed, 2), seed, anyKind(seed)),
    gradient: { none: 'the gradient of a sum is the cotangent itself' },
  },
  {
    operation: addScaled,
    cases: [
      pair(addScaled, 1, 1, 4, 'normal', { scale: 2 }),
      pair(addScaled, 13, 257, 5, 'edge', { scale: 0.1 }),
      pair(addScaled, 64, 128, 6, 'normal', { scale: -1.7 }),
    ],
    random: (seed) => pair(addScaled, small(seed, 1), small(seed, 2), seed, anyKind(seed), { scale: (seed % 19) / 7 - 1 }),
    gradient: [scaledGradient],
  },
  {
    operation: scaleTensor,
    cases: [single(1, 1, 3, 7, 'normal'), single(13, 257, 2 ** -20, 8, 'edge'), single(13, 257, 1 / 3, 9, 'edge'), single(9, 9, 0, 10, 'normal')],
    random: (seed) => single(small(seed, 1), small(seed, 2), (seed % 23) / 9 - 1, seed, anyKind(seed)),
    gradient: { none: 'linear; it is its own gradient, checked with addScaled' },
  },
  {
    operation: addBias,
    cases: [bias(1, 1, 11, 'normal'), bias(17, 65, 12, 'edge'), bias(64, 128, 13, 'normal')],
    random: (seed) => bias(small(seed, 1), small(seed, 2), seed, anyKind(seed)),
    gradient: { none: 'the gradient is the cotangent, and its sum over rows by matmulTN with a column of ones' },
  },
  {
    operation: scaleColumns,
    cases: [columns(1, 1, 31, 'normal'), columns(17, 65, 32, 'edge'), columns(64, 128, 33, 'normal')],
    random: (seed) => columns(small(seed, 1), small(seed, 2), seed, anyKind(seed)),
    gradient: { none: 'linear; the gradient is the cotangent scaled alike' },
  },
  {
    operation: weightedSum,
    cases: [1, 2, 255, 256, 257, 2047, 2048, 2049, 5000].map((n, i) => weighted(n, 20 + i, i % 2 ? 'edge' : 'normal')),
    random: (seed) => weighted(awkwardSize(seed, 1, 6000), seed, anyKind(seed)),
    gradient: { none: 'linear; the gradient is the weights, which cross-entropy takes as input' },
  },
];
