import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, input, tensor } from '../case.ts';
import { matmulNN, matmulNT, matmulTN } from './operation.ts';

function nt(n: number, k: number, m: number, seed: number, kind: Kind = 'normal'): Case {
  return {
    name: `matmulNT ${n}x${k} by ${m}x${k} ${kind}`,
    operation: matmulNT,
    inputs: [tensor(kind, [n, k], seed), tensor(kind, [m, k], seed, 1)],
    params: {},
    work: n * k * m,
  };
}

function nn(n: number, k: number, m: number, seed: number, kind: Kind = 'normal'): Case {
  return {
    name: `matmulNN ${n}x${k} by ${k}x${m} ${kind}`,
    operation: matmulNN,
    inputs: [tensor(kind, [n, k], seed), tensor(kind, [k, m], seed, 1)],
    params: {},
    work: n * k * m,
  };
}

function tn(segments: number[], m: number, k: number, seed: number, kind: Kind = 'normal'): Case {
  const n = segments[segments.length - 1]!;
  return {
    name: `matmulTN segments ${segments.length > 8 ? segments.length - 1 : `[${segments}]`} of ${n}, ${m}x${k} ${kind}`,
    operation: matmulTN,
    inputs: [tensor(kind, [n, m], seed), tensor(kind, [n, k], seed, 1), input([segments.length], Uint32Array.from(segments))],
    params: {},
    work: n * k * m,
  };
}

/** Starts of random segments, some empty, over n rows. */
function randomSegments(n: number, seed: number): number[] {
  const inner = Array.from({ length: randomBelow(5, seed, 90, 0) }, (_, i) => randomBelow(n + 1, seed, 91, i));
  return [0, ...inner.sort((a, b) => a - b), n];
}

const plainNT = (x: Float64Array, w: Float64Array, n: number, k: number, m: number, cotangent: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) for (let t = 0; t < k; t++) sum += x[i * k + t]! * w[j * k + t]! * cotangent[i * m + j]!;
  return sum;
};

function linearGradient(n: number, k: number, m: number, seed: number): GradientCheck {
  const cotangent = tensor('normal', [n, m], seed, 9);
  return {
    name: `linear layer ${n}x${k} to ${m}: dx by matmulNN, dw by matmulTN`,
    at: [tensor('normal', [n, k], seed), tensor('normal', [m, k], seed, 1)],
    loss: ([x, w]) => plainNT(x!, w!, n, k, m, cotangent.values),
    gradients(run, [x, w]) {
      const dy = run.upload(cotangent.shape, cotangent.values);
      const all = run.upload([2], Uint32Array.from([0, n]));
      return [run(matmulNN, [dy, w!])[0], run(matmulTN, [dy, x!, all])[0]];
    },
    tolerance: 1e-5,
  };
}

export const matmulCases: CaseList[] = [
  {
    operation: matmulNT,
    cases: [
      nt(1, 1, 1, 1),
      nt(1, 128, 2048, 2),
      nt(4, 257, 65, 3),
      nt(5, 255, 33, 4),
      nt(33, 256, 31, 5),
      nt(64, 257, 64, 6),
      nt(3, 513, 7, 7),
      nt(17, 19, 130, 8),
      nt(2, 600, 70, 9, 'edge'),
      nt(40, 300, 40, 10, 'edge'),
      nt(512, 16, 513, 11),
      nt(128, 128, 352, 12),
      nt(16, 128, 128, 13, 'small'),
      nt(131, 530, 21, 14),
    ],
    random: (seed) => nt(awkwardSize(seed, 1, 130), awkwardSize(seed, 2, 520), awkwardSize(seed, 3, 130), seed, anyKind(seed)),
    gradient: [linearGradient(5, 11, 7, 20), linearGradient(2, 33, 65, 21)],
  },
  {
    operation: matmulNN,
    cases: [
      nn(1, 1, 1, 31),
      nn(1, 2048, 128, 32),
      nn(4, 257, 65, 33),
      nn(5, 255, 33, 34),
      nn(33, 256, 31, 35),
      nn(64, 257, 64, 36),
      nn(3, 513, 7, 37),
      nn(2, 600, 70, 39, 'edge'),
      nn(40, 300, 40, 40, 'edge'),
      nn(512, 16, 513, 41),
      nn(128, 352, 128, 42),
      nn(131, 530, 21, 43),
    ],
    random: (seed) => nn(awkwardSize(seed, 1, 130), awkwardSize(seed, 2, 520), awkwardSize(seed, 3, 130), seed, anyKind(seed)),
    gradient: { none: 'it is the gradient of matmulNT, checked there' },
  },
  {
    operation: matmulTN,
    cases: [
      tn([0, 1], 1, 1, 51),
      tn([0, 0], 3, 5, 52),
      tn([0, 255, 255, 511, 768], 9, 33, 53),
      tn([0, 257], 65, 64, 54),
      tn([0, 3, 3, 10, 17], 4, 70, 55),
      tn([0, 300, 600], 33, 17, 56, 'edge'),
      tn([0, 512], 128, 352, 57),
      tn(
        Array.from({ length: 41 }, (_, s) => s * 13),
        8,
        128,
        58,
      ),
    ],
    random: (seed) => {
      const n = awkwardSize(seed, 1, 520);
      return tn(randomSegments(n, seed), awkwardSize(seed, 2, 70), awkwardSize(seed, 3, 70), seed, anyKind(seed));
    },
    gradient: { none: 'it is the gradient of matmulNT, checked there' },
  },
];
