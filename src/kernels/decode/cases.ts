import { randomBelow } from '../../arithmetic/random.ts';
import { operand } from '../../arithmetic/rf32.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, tensor } from '../case.ts';
import { encodeRows } from '../matrix/encode.ts';
import { type Format, codeWords, hasScales, scaleWords } from '../matrix/format.ts';
import type { Params, Shape, Values } from '../operation.ts';
import { attentionColumns, decodeAttention } from './attention.ts';
import { decodeNorm } from './norm.ts';
import { decodeProductForms, decodeProducts, productsAtOnce } from './products.ts';
import { NO_SLOT, NONE, rowParams } from './rows.ts';
import { decodeSwiglu } from './swiglu.ts';
import { copyRows, joinTurns, placeFactors } from './tables.ts';

const pick = (count: number, seed: number, stream: number, at = 0): number => randomBelow(count, seed, stream, at);

type Held = { shape: Shape; values: Values };

const FUSED = { none: 'decoding is never differentiated; its bits are those of the operations that it fuses' };
const MOVES = { none: 'it moves values' };

const operands = ({ shape, values }: Held): Held => ({ shape, values: (values as Float32Array).map(operand) });
/** Small values, so that a chain of products stays in range for every kind. */
const gentle = (kind: Kind, shape: Shape, seed: number, stream: number): Held => tensor(kind, shape, seed, stream, 4);

const SLOTS = [2, NO_SLOT, 0, 1, 2, 2, 3, 0];
const rowsWith = (rows: number, position: (i: number) => number = () => 0, base: (i: number) => number = () => 0): Params =>
  rowParams(Array.from({ length: rows }, (_, i) => ({ slot: SLOTS[i]!, position: position(i), base: base(i) })));

function products(format: Format, rows: number, terms: number, columns: number[], rank: number, seed: number, kind: Kind = 'normal', spare = 0): Case {
  const operation = decodeProducts(format, columns.length);
  const slots = 3;
  const factors = rank ? columns.length : 0;
  const perSlot = Math.max(1, factors * rank * terms + 3);
  const low = columns.reduce((sum, m) => sum + m, 0) + 1;
  const weights = columns.map((m, at) => encodeRows('case', format, tensor(kind, [m, terms], seed, 10 + at).values, terms));
  const params: Record<string, number> = { ...rowsWith(rows), terms, rank, factors, low };
  columns.forEach((_, m) => {
    params[`at${m}`] = columns.slice(0, m).reduce((sum, n) => sum + n, 0);
    params[`a${m}`] = m * rank * terms + 2;
  });
  return {
    name: `${operation.name} ${rows}x${terms} by ${columns} rank ${rank} ${kind}`,
    operation,
    inputs: [
      operands(tensor(kind, [rows + spare, terms + 3 * spare], seed, 1)),
      tensor(kind, [slots, perSlot], seed, 2),
      tensor('normal', [rows + spare, low + factors * rank], seed, 3),
      ...weights.map(({ codes }, m) => ({ shape: [columns[m]!, codeWords(format, terms)], values: codes })),
      ...(hasScales(format) ? weights.map(({ scales }, m) => ({ shape: [columns[m]!, scaleWords(format, terms)], values: scales! })) : []),
    ],
    params,
    work: rows * terms * columns.reduce((sum, m) => sum + m, 0),
  };
}

function productList(format: Format, count: number): CaseList {
  const columns = (...sizes: number[]) => sizes.slice(0, count);
  return {
    operation: decodeProducts(format, count),
    cases: [
      products(format, 1, 1, columns(1, 1, 1), 1, 1),
      products(format, 1, 160, columns(65, 64, 3), 8, 2),
      products(format, 3, 255, columns(33, 70, 64), 4, 3, 'edge'),
      products(format, 8, 257, columns(64, 5, 66), 3, 4, 'normal', 1),
      products(format, 2, 600, columns(40, 9, 70), 2, 5, 'edge', 2),
      products(format, 5, 1300, columns(17, 30, 2), 5, 6),
      products(format, 4, 2304, columns(10, 11, 12), 0, 7),
      products(format, 1, 511, columns(90, 1, 1), 0, 8),
    ],
    random: (seed) =>
      products(
        format, 1 + pick(8, seed, 0), awkwardSize(seed, 1, pick(2, seed, 9) ? 300 : 1400),
        columns(awkwardSize(seed, 2, 130), awkwardSize(seed, 3, 70), awkwardSize(seed, 4, 70)), pick(6, seed, 5), seed, anyKind(seed), pick(3, seed, 6),
      ),
    gradient: FUSED,
  };
}

function norm(rows: number, d: number, rank: number, seed: number, { kind = 'normal', finish = true, bias = true }: { kind?: Kind; finish?: boolean; bias?: boolean } = {}): Case {
  const perSlot = d * rank + 5;
  return {
    name: `decodeNorm ${rows}x${d} rank ${rank} ${kind}${finish ? '' : ' without a product'}${bias ? '' : ' without bias'}`,
    operation: decodeNorm,
    inputs: [
      gentle(kind, [rows, d], seed, 1), gentle('normal', [rows, d], seed, 2), gentle(kind, [rows + 1, d + rank + 2], seed, 3),
      gentle(kind, [3, perSlot], seed, 4), gentle(kind, [2 * d + 3], seed, 5),
    ],
    params: { ...rowsWith(rows), eps: 1e-5, norm: 3, finish: finish ? 1 : 0, bias: bias ? d + 3 : NONE, rank, low: d + 1, b: 2, scaleAt: 2 + d * rank },
  };
}

function swigluCase(rows: number, n: number, rank: number, seed: number, kind: Kind = 'normal', bias = false): Case {
  return {
    name: `decodeSwiglu ${rows}x${n} rank ${rank} ${kind}${bias ? ' biased' : ''}`,
    operation: decodeSwiglu,
    inputs: [
      gentle('normal', [rows + 1, n], seed, 1), gentle(kind, [rows, 2 * n + 2 * rank + 1], seed, 2), gentle(kind, [3, 2 * n * rank + 4], seed, 3),
      gentle(kind, [2 * n + 1], seed, 4),
    ],
    params: {
      ...rowsWith(rows), rank, low: 2 * n + 1, bGate: 2, bUp: 2 + n * rank, scaleAt: 2 + 2 * n * rank,
      ...(bias ? { biasGate: 1, biasUp: 1 + n } : {}),
    },
  };
}

interface Heads {
  heads: number;
  groups: number;
  e: number;
}

function attention(positions: number[], { heads, groups, e }: Heads, rank: number, seed: number, { kind = 'normal', window = 0, bias = false }: { kind?: Kind; window?: number; bias?: boolean } = {}): Case {
  const rows = positions.length;
  const longest = Math.max(...positions) + 1;
  const outs = (heads + 2 * groups) * e;
  const span = longest + 2;
  return {
    name: `decodeAttention at ${positions} of ${heads}/${groups} heads of ${e} rank ${rank} ${kind}${window ? ` window ${window}` : ''}${bias ? ' biased' : ''}`,
    operation: decodeAttention,
    inputs: [
      gentle(kind, [rows, outs + 3 * rank], seed, 1), gentle(kind, [3, outs * rank + 4], seed, 2), gentle(kind, [outs + 2], seed, 3),
      gentle('normal', [longest + 1, e], seed, 4),
      gentle(kind, [rows * span, groups * e], seed, 5), gentle(kind, [rows * span, groups * e], seed, 6),
      gentle('normal', [rows + 1, attentionColumns(heads, e, longest) + 1], seed, 7),
    ],
    params: {
      ...rowsWith(rows, (i) => positions[i]!, (i) => i * span + 1), heads, groups, scale: 1 / Math.sqrt(e), window, rank, low: outs,
      bQ: 1, bK: 1 + heads * e * rank, bV: 1 + (heads + groups) * e * rank, scaleAt: 1 + outs * rank,
      ...(bias ? { biasQ: 2, biasK: 2 + heads * e, biasV: 2 + (heads + groups) * e } : {}),
    },
  };
}

const attentionList: CaseList = {
  operation: decodeAttention,
  cases: [
    attention([0], { heads: 1, groups: 1, e: 2 }, 0, 1),
    attention([31], { heads: 5, groups: 5, e: 32 }, 8, 2),
    attention([7, 0, 70], { heads: 4, groups: 2, e: 6 }, 3, 3, { kind: 'edge' }),
    attention([255, 256], { heads: 4, groups: 2, e: 10 }, 2, 4, { bias: true }),
    attention([300, 3, 120, 40, 5, 6, 7, 8], { heads: 2, groups: 1, e: 8 }, 4, 5, { window: 64 }),
    attention([900, 530], { heads: 6, groups: 2, e: 18 }, 2, 6, { bias: true, window: 700 }),
    attention([1100], { heads: 8, groups: 1, e: 64 }, 1, 7),
    attention([10], { heads: 2, groups: 2, e: 260 }, 2, 8),
  ],
  random: (seed) => {
    const groups = 1 + pick(3, seed, 1);
    const positions = Array.from({ length: 1 + pick(8, seed, 2) }, (_, i) => pick(pick(3, seed, 3) ? 80 : 700, seed, 4, i));
    return attention(positions, { groups, heads: groups * (1 + pick(3, seed, 5)), e: 2 * (1 + pick(20, seed, 6)) }, pick(4, seed, 7), seed, {
      kind: anyKind(seed), window: pick(2, seed, 8) ? 0 : 1 + pick(100, seed, 9), bias: pick(2, seed, 10) > 0,
    });
  },
  gradient: FUSED,
};

function place(slot: number, own: number, rank: number, inputs: number, outs: number, seed: number, kind: Kind = 'normal'): Case {
  const values = rank * (inputs + outs);
  return {
    name: `placeFactors rank ${own} in ${rank} ${inputs} to ${outs} ${kind}`,
    operation: placeFactors,
    inputs: [tensor('normal', [3, values + 5], seed, 1), tensor(kind, [own, inputs], seed, 2), tensor(kind, [outs, own], seed, 3)],
    params: { slot, rank, a: 1, b: 2 + rank * inputs, scaleAt: values + 3, scale: 0.7 },
  };
}

function copy(source: number, to: number, d: number, from: number, at: number, rows: number, seed: number): Case {
  return {
    name: `copyRows ${rows} of ${d} from ${from} to ${at}`,
    operation: copyRows,
    inputs: [tensor('normal', [to, d], seed, 1), tensor('edge', [source, d], seed, 2)],
    params: { from, at, rows },
  };
}

function turns(positions: number, half: number, rows: number, seed: number): Case {
  return {
    name: `joinTurns ${rows} of ${positions}x${half}`,
    operation: joinTurns,
    inputs: [tensor('normal', [positions, half], seed, 1), tensor('normal', [positions, half], seed, 2)],
    params: { rows },
  };
}

export const decodeCases: CaseList[] = [
  ...decodeProductForms.map(({ format, count }) => productList(format, count)),
  {
    operation: decodeNorm,
    cases: [
      norm(1, 1, 1, 1), norm(1, 160, 8, 2, { bias: false }), norm(3, 255, 2, 3, { kind: 'edge' }), norm(8, 257, 3, 4), norm(2, 160, 0, 5, { finish: false }),
      norm(2, 1300, 4, 6), norm(1, 70, 260, 7), norm(1, 100, 0, 8),
    ],
    random: (seed) => norm(1 + pick(8, seed, 0), awkwardSize(seed, 1), pick(9, seed, 2), seed, { kind: anyKind(seed), bias: pick(2, seed, 3) > 0 }),
    gradient: FUSED,
  },
  {
    operation: decodeSwiglu,
    cases: [swigluCase(1, 1, 1, 1), swigluCase(1, 432, 8, 2), swigluCase(8, 65, 3, 3, 'edge', true), swigluCase(2, 300, 0, 4), swigluCase(3, 20, 257, 5)],
    random: (seed) => swigluCase(1 + pick(8, seed, 0), awkwardSize(seed, 1), pick(9, seed, 2), seed, anyKind(seed), pick(2, seed, 3) > 0),
    gradient: FUSED,
  },
  attentionList,
  {
    operation: joinTurns,
    cases: [turns(1, 1, 1, 1), turns(40, 16, 33, 2), turns(256, 5, 256, 3)],
    random: (seed) => turns(64, awkwardSize(seed, 1, 64), 1 + pick(64, seed, 2), seed),
    gradient: MOVES,
  },
  {
    operation: copyRows,
    cases: [copy(1, 1, 1, 0, 0, 1, 1), copy(40, 90, 33, 7, 50, 33, 2), copy(300, 300, 64, 0, 0, 300, 3)],
    random: (seed) => copy(30, 50, awkwardSize(seed, 1, 64), pick(10, seed, 2), pick(30, seed, 3), 1 + pick(20, seed, 4), seed),
    gradient: MOVES,
  },
  {
    operation: placeFactors,
    cases: [place(0, 1, 1, 1, 1, 1), place(2, 8, 8, 160, 432, 2), place(1, 3, 8, 33, 20, 3, 'edge')],
    random: (seed) => place(pick(3, seed, 1), 1 + pick(4, seed, 2), 4 + pick(3, seed, 3), awkwardSize(seed, 4, 70), awkwardSize(seed, 5, 70), seed, anyKind(seed)),
    gradient: MOVES,
  },
];

/** One small case of every operation, for the self-test: several blocks, several slots, the edges of RF32's ranges. */
export function decodeSelfTestCases(): Case[] {
  return [
    ...decodeProductForms.filter(({ format, count }) => count === productsAtOnce(format)).map(({ format, count }) => products(format, 3, 300, [9, 5, 4].slice(0, count), 3, 5, format === 'f16' ? 'normal' : 'edge')),
    norm(2, 300, 3, 6),
    swigluCase(2, 60, 3, 7, 'edge', true),
    attention([40, 300], { heads: 4, groups: 2, e: 6 }, 3, 8, { bias: true, window: 290 }),
    turns(5, 3, 4, 9),
    copy(5, 6, 7, 1, 2, 3, 10),
    place(1, 2, 3, 7, 5, 11, 'edge'),
  ];
}
