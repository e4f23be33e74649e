import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, input, tensor } from '../case.ts';
import { gatheredLow, gatheredUp } from './operation.ts';

const pick = (count: number, seed: number, stream: number, at = 0): number => randomBelow(count, seed, stream, at);

const FUSED = { none: 'adapters are trained one at a time, by matmulTN' };

/** Slots of rows in turn; 3 and 2^32 − 1 are not there. */
const slots = (rows: number) => input([rows], Uint32Array.from({ length: rows }, (_, i) => [1, 0xffffffff, 0, 2, 3][i % 5]!));

function low(n: number, k: number, rank: number, factors: number, seed: number, kind: Kind = 'normal'): Case {
  const offsets = Object.fromEntries(Array.from({ length: factors }, (_, f) => [`a${f}`, 1 + f * rank * k]));
  return {
    name: `gatheredLow ${n}x${k} ${factors} of rank ${rank} ${kind}`,
    operation: gatheredLow,
    inputs: [tensor(kind, [n, k], seed, 1), tensor(kind, [3, 2 + factors * rank * k], seed, 2), slots(n)],
    params: { rank, factors, ...offsets },
    work: n * k * rank * factors,
  };
}

function up(n: number, m: number, rank: number, at: number, seed: number, kind: Kind = 'normal'): Case {
  return {
    name: `gatheredUp ${n}x${m} of rank ${rank} ${kind}`,
    operation: gatheredUp,
    inputs: [tensor(kind, [n, m], seed, 1), tensor(kind, [n, at + rank + 1], seed, 2), tensor(kind, [3, m * rank + 4], seed, 3, 6), slots(n)],
    params: { rank, at, b: 2, scaleAt: 1 },
    work: n * m * rank,
  };
}

export const gatheredCases: CaseList[] = [
  {
    operation: gatheredLow,
    cases: [low(1, 1, 1, 1, 1), low(5, 160, 8, 3, 2), low(7, 257, 3, 2, 3, 'edge'), low(2, 600, 4, 1, 4)],
    random: (seed) => low(1 + pick(9, seed, 1), awkwardSize(seed, 2), 1 + pick(9, seed, 3), 1 + pick(3, seed, 4), seed, anyKind(seed)),
    gradient: FUSED,
  },
  {
    operation: gatheredUp,
    cases: [up(1, 1, 1, 0, 1), up(5, 160, 8, 8, 2), up(7, 65, 3, 2, 3, 'edge'), up(3, 20, 300, 1, 4)],
    random: (seed) => up(1 + pick(9, seed, 1), awkwardSize(seed, 2), 1 + pick(9, seed, 3), pick(5, seed, 4), seed, anyKind(seed)),
    gradient: FUSED,
  },
];

export function gatheredSelfTestCases(): Case[] {
  return [low(5, 300, 3, 2, 5, 'edge'), up(5, 20, 3, 1, 6, 'edge')];
}
