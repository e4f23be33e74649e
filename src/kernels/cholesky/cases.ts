import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, floats, input, tensor } from '../case.ts';
import type { Operation } from '../operation.ts';
import { PANEL, addDiagonal, choleskyBlock, choleskyPanel, choleskySolveBlock, choleskySolveUpdate, choleskyStart, choleskyUpdate } from './operation.ts';

const none = { none: 'not differentiated; compared with float64 in cholesky.test.ts' };

/** `shift` is no float32: each backend rounds it. */
function damp(m: number, seed: number, kind: Kind, shift = 0.7 / m): Case {
  return { name: `addDiagonal ${m} ${kind} ${shift}`, operation: addDiagonal, inputs: [tensor(kind, [m, m], seed)], params: { shift }, work: m };
}

function start(m: number, seed: number, kind: Kind): Case {
  return { name: `choleskyStart ${m} ${kind}`, operation: choleskyStart, inputs: [tensor(kind, [m, m], seed)], params: {}, work: m * m };
}

/** A lower triangle whose diagonal keeps quotients near 1; `holes` makes some diagonal elements 0. */
function triangle(m: number, seed: number, kind: Kind, holes = false): { shape: number[]; values: Float32Array } {
  const values = floats(kind, m * m, seed, 7, 2);
  for (let i = 0; i < m; i++) {
    values.fill(0, i * m + i + 1, (i + 1) * m);
    for (let j = 0; j < i; j++) values[i * m + j]! /= 16;
    values[i * m + i] = holes && i % 3 === 1 ? 0 : 1 + Math.min(1, Math.abs(values[i * m + i]!));
  }
  return { shape: [m, m], values: values.map((x) => (Math.abs(x) < 2 ** -100 ? 0 : x)) };
}

/** A diagonal block with positive pivots (diagonal raised by `raised`) and with those that count as 0. */
function block(m: number, at: number, seed: number, kind: Kind, raised: number): Case {
  const l = triangle(m, seed, kind);
  for (let i = 0; i < m; i++) l.values[i * m + i]! += raised;
  return { name: `choleskyBlock ${at} of ${m} ${kind} ${raised}`, operation: choleskyBlock, inputs: [l, input([m], Float32Array.from({ length: m }, (_, i) => (i % 5 === 2 ? 0.9 : 2 ** -4)))], params: { at } };
}

const inPlace = (operation: Operation, m: number, at: number, seed: number, kind: Kind, holes = false): Case => ({
  name: `${operation.name} ${at} of ${m} ${kind}`,
  operation,
  inputs: [triangle(m, seed, kind, holes)],
  params: { at },
  work: operation === choleskyUpdate ? ((m - at) * (m - at) * PANEL) / 2 : (m - at) * PANEL,
});

const solve = (operation: Operation, n: number, m: number, at: number, backward: number, seed: number, kind: Kind, holes = false): Case => ({
  name: `${operation.name} ${n} rows, ${at} of ${m}, backward ${backward}, ${kind}`,
  operation,
  inputs: [tensor(kind, [n, m], seed, 3, 4), triangle(m, seed, kind, holes)],
  params: { at, backward },
});

const randomPanel = (m: number, seed: number): number => PANEL * randomBelow(Math.ceil(m / PANEL), seed, 8, 0);

function randomInPlace(operation: Operation): (seed: number) => Case {
  return (seed) => {
    const m = awkwardSize(seed, 1, 260);
    return inPlace(operation, m, randomPanel(m, seed), seed, anyKind(seed));
  };
}

function randomSolve(operation: Operation): (seed: number) => Case {
  return (seed) => {
    const m = awkwardSize(seed, 1, 260);
    return solve(operation, awkwardSize(seed, 2, 70), m, randomPanel(m, seed), seed & 1, seed, anyKind(seed));
  };
}

export const choleskyCases: CaseList[] = [
  {
    operation: addDiagonal,
    cases: [
      damp(1, 1, 'normal'),
      damp(65, 2, 'normal'),
      damp(257, 3, 'edge'),
      // Sums below 2^-100 count as 0, and so do opposites.
      damp(100, 4, 'edge', 1.5 * 2 ** -100),
      { name: 'addDiagonal opposites', operation: addDiagonal, inputs: [input([2, 2], Float32Array.of(-0.5, 3, 3, 2 ** 49))], params: { shift: 0.5 } },
      { name: 'addDiagonal all zero', operation: addDiagonal, inputs: [input([9, 9], new Float32Array(81))], params: { shift: 0.1 } },
    ],
    random: (seed) => damp(awkwardSize(seed, 1), seed, anyKind(seed)),
    gradient: none,
  },
  {
    operation: choleskyStart,
    cases: [start(1, 1, 'normal'), start(65, 2, 'normal'), start(257, 3, 'edge')],
    random: (seed) => start(awkwardSize(seed, 1), seed, anyKind(seed)),
    gradient: none,
  },
  {
    operation: choleskyBlock,
    cases: [
      block(1, 0, 1, 'normal', 0),
      block(64, 0, 2, 'normal', 1),
      block(100, 64, 3, 'normal', 0),
      block(130, 64, 4, 'edge', 1),
      block(70, 0, 5, 'normal', -2),
      { name: 'choleskyBlock all zero', operation: choleskyBlock, inputs: [input([9, 9], new Float32Array(81)), input([9], new Float32Array(9))], params: { at: 0 } },
    ],
    random: (seed) => {
      const m = awkwardSize(seed, 1, 200);
      return block(m, randomPanel(m, seed), seed, anyKind(seed), (seed % 3) - 1);
    },
    gradient: none,
  },
  {
    operation: choleskyPanel,
    cases: [inPlace(choleskyPanel, 65, 0, 1, 'normal'), inPlace(choleskyPanel, 200, 64, 2, 'edge'), inPlace(choleskyPanel, 140, 0, 3, 'normal', true)],
    random: randomInPlace(choleskyPanel),
    gradient: none,
  },
  {
    operation: choleskyUpdate,
    cases: [
      inPlace(choleskyUpdate, 65, 0, 1, 'normal'),
      inPlace(choleskyUpdate, 200, 64, 2, 'edge'),
      inPlace(choleskyUpdate, 333, 0, 3, 'normal'),
      // Enough tiles for the large ones of a graphics processor.
      inPlace(choleskyUpdate, 580, 64, 4, 'normal'),
    ],
    random: randomInPlace(choleskyUpdate),
    gradient: none,
  },
  {
    operation: choleskySolveBlock,
    cases: [
      solve(choleskySolveBlock, 1, 1, 0, 0, 1, 'normal'),
      solve(choleskySolveBlock, 70, 100, 64, 0, 2, 'normal'),
      solve(choleskySolveBlock, 5, 130, 64, 1, 3, 'edge'),
      solve(choleskySolveBlock, 7, 100, 64, 1, 4, 'normal', true),
    ],
    random: randomSolve(choleskySolveBlock),
    gradient: none,
  },
  {
    operation: choleskySolveUpdate,
    cases: [
      solve(choleskySolveUpdate, 1, 65, 0, 0, 1, 'normal'),
      solve(choleskySolveUpdate, 70, 200, 64, 0, 2, 'normal'),
      solve(choleskySolveUpdate, 5, 130, 128, 1, 3, 'edge'),
      solve(choleskySolveUpdate, 9, 300, 128, 1, 4, 'normal'),
    ],
    random: randomSolve(choleskySolveUpdate),
    gradient: none,
  },
];

/** One small case for every operation of the folder, two panels each where it matters. */
export function choleskySelfTestCases(): Case[] {
  const named = (one: Case): Case => ({ ...one, name: one.operation.name });
  return [
    named(damp(9, 1, 'edge')),
    named(start(9, 2, 'edge')),
    named(block(70, 0, 3, 'normal', 0)),
    named(inPlace(choleskyPanel, 70, 0, 4, 'edge')),
    named(inPlace(choleskyUpdate, 80, 0, 5, 'edge')),
    named(solve(choleskySolveBlock, 3, 70, 0, 1, 6, 'edge')),
    named(solve(choleskySolveUpdate, 3, 80, 64, 1, 7, 'edge')),
  ];
}
