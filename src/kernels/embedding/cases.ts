import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, awkwardSize, floats, input, tensor, words } from '../case.ts';
import { embedding, embeddingGradient } from './operation.ts';

/** Ids up to v + 1: some are outside the table. */
function lookup(v: number, d: number, n: number, seed: number, kind: Kind): Case {
  return {
    name: `embedding ${n} of ${v}x${d} ${kind}`,
    operation: embedding,
    inputs: [tensor(kind, [v, d], seed), input([n], words(n, v + 2, seed))],
    params: {},
    work: n * d,
  };
}

/** Where each id occurs, in increasing order. */
function places(ids: Uint32Array, v: number): { rows: Uint32Array; starts: Uint32Array } {
  const rows: number[] = [];
  const starts = [0];
  for (let id = 0; id < v; id++) {
    ids.forEach((found, row) => found === id && rows.push(row));
    starts.push(rows.length);
  }
  return { rows: Uint32Array.from(rows.length ? rows : [0]), starts: Uint32Array.from(starts) };
}

function gradient(v: number, d: number, n: number, seed: number, kind: Kind): Case {
  const { rows, starts } = places(words(n, v, seed), v);
  return {
    name: `embeddingGradient ${n} into ${v}x${d} ${kind}`,
    operation: embeddingGradient,
    inputs: [tensor(kind, [n, d], seed), input([rows.length], rows), input([starts.length], starts)],
    params: {},
    work: n * d,
  };
}

const ids = Uint32Array.from([2, 0, 2, 1, 2, 4]);
const check: GradientCheck = {
  name: 'embedding: dTable by embeddingGradient, one id unused, one used three times',
  at: [tensor('normal', [5, 3], 31)],
  loss: ([table]) => {
    const cotangent = floats('normal', 18, 32);
    let sum = 0;
    ids.forEach((id, i) => [0, 1, 2].forEach((j) => (sum += table![id * 3 + j]! * cotangent[i * 3 + j]!)));
    return sum;
  },
  gradients(run) {
    const { rows, starts } = places(ids, 5);
    const dy = run.upload([6, 3], floats('normal', 18, 32));
    return [run(embeddingGradient, [dy, run.upload([rows.length], rows), run.upload([starts.length], starts)])[0]];
  },
  tolerance: 1e-6,
};

export const embeddingCases: CaseList[] = [
  {
    operation: embedding,
    cases: [lookup(1, 1, 1, 1, 'normal'), lookup(300, 128, 64, 2, 'normal'), lookup(17, 33, 100, 3, 'edge')],
    random: (seed) => lookup(awkwardSize(seed, 1), awkwardSize(seed, 2, 140), awkwardSize(seed, 3, 90), seed, anyKind(seed)),
    gradient: [check],
  },
  {
    operation: embeddingGradient,
    // 600 places of at most 2 ids: sums over more than one block.
    cases: [gradient(1, 1, 1, 4, 'normal'), gradient(300, 64, 64, 5, 'normal'), gradient(2, 9, 600, 6, 'edge'), gradient(1, 5, 257, 7, 'normal')],
    random: (seed) => gradient(1 + randomBelow(40, seed, 8, 0), awkwardSize(seed, 2, 70), awkwardSize(seed, 3, 600), seed, anyKind(seed)),
    gradient: { none: 'it is the gradient of embedding, checked there' },
  },
];
