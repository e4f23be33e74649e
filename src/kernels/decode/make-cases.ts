import { operand } from '../../arithmetic/rf32.ts';
import { type Case, type Kind, tensor } from '../case.ts';
import { encodeRows } from '../matrix/encode.ts';
import { FORMATS, type Format, codeWords, hasScales, scaleWords } from '../matrix/format.ts';
import type { Params, Shape, Values } from '../operation.ts';
import { attentionColumns, decodeAttention } from './attention.ts';
import { decodeNorm } from './norm.ts';
import { decodeProducts, productInputs, productsAtOnce } from './products.ts';
import { NO_SLOT, NONE, rowParams } from './rows.ts';
import { decodeSwiglu } from './swiglu.ts';
import { copyRows, joinTurns, placeFactors } from './tables.ts';

type Held = { shape: Shape; values: Values };

const operands = ({ shape, values }: Held): Held => ({ shape, values: (values as Float32Array).map(operand) });
/** Small values, so that a chain of products stays in range for every kind. */
const gentle = (kind: Kind, shape: Shape, seed: number, stream: number): Held => tensor(kind, shape, seed, stream, 4);

const SLOTS = [2, NO_SLOT, 0, 1, 2, 2, 3, 0];
const rowsWith = (rows: number, position: (i: number) => number = () => 0, base: (i: number) => number = () => 0): Params =>
  rowParams(Array.from({ length: rows }, (_, i) => ({ slot: SLOTS[i]!, position: position(i), base: base(i) })));

export function products(format: Format, rows: number, terms: number, columns: number[], rank: number, seed: number, kind: Kind = 'normal', spare = 0): Case {
  const operation = decodeProducts[format];
  const slots = 3;
  const factors = rank ? columns.length : 0;
  const perSlot = Math.max(1, factors * rank * terms + 3);
  // Inputs without a matrix hold the first again.
  const inputs = productInputs(format).codes.map((_, m) => (m < columns.length ? m : 0));
  const low = columns.reduce((sum, m) => sum + m, 0) + 1;
  const weights = columns.map((m, at) => encodeRows('case', format, tensor(kind, [m, terms], seed, 10 + at).values, terms));
  const params: Record<string, number> = { ...rowsWith(rows), terms, rank, factors, low, matrices: columns.length };
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
      ...inputs.map((m) => ({ shape: [columns[m]!, codeWords(format, terms)], values: weights[m]!.codes })),
      ...(hasScales(format) ? inputs.map((m) => ({ shape: [columns[m]!, scaleWords(format, terms)], values: weights[m]!.scales! })) : []),
    ],
    params,
    work: rows * terms * columns.reduce((sum, m) => sum + m, 0),
  };
}

export function norm(rows: number, d: number, rank: number, seed: number, { kind = 'normal', finish = true, bias = true }: { kind?: Kind; finish?: boolean; bias?: boolean } = {}): Case {
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

export function swigluCase(rows: number, n: number, rank: number, seed: number, kind: Kind = 'normal', bias = false): Case {
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

export function attention(positions: number[], { heads, groups, e }: Heads, rank: number, seed: number, { kind = 'normal', window = 0, bias = false }: { kind?: Kind; window?: number; bias?: boolean } = {}): Case {
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

export function place(slot: number, own: number, rank: number, inputs: number, outs: number, seed: number, kind: Kind = 'normal'): Case {
  const values = rank * (inputs + outs);
  return {
    name: `placeFactors rank ${own} in ${rank} ${inputs} to ${outs} ${kind}`,
    operation: placeFactors,
    inputs: [tensor('normal', [3, values + 5], seed, 1), tensor(kind, [own, inputs], seed, 2), tensor(kind, [outs, own], seed, 3)],
    params: { slot, rank, a: 1, b: 2 + rank * inputs, scaleAt: values + 3, scale: 0.7 },
  };
}

export function copy(source: number, to: number, d: number, from: number, at: number, rows: number, seed: number): Case {
  return {
    name: `copyRows ${rows} of ${d} from ${from} to ${at}`,
    operation: copyRows,
    inputs: [tensor('normal', [to, d], seed, 1), tensor('edge', [source, d], seed, 2)],
    params: { from, at, rows },
  };
}

export function turns(positions: number, half: number, rows: number, seed: number): Case {
  return {
    name: `joinTurns ${rows} of ${positions}x${half}`,
    operation: joinTurns,
    inputs: [tensor('normal', [positions, half], seed, 1), tensor('normal', [positions, half], seed, 2)],
    params: { rows },
  };
}

/** One small case of every operation, for the self-test: several blocks, several slots, the edges of RF32's ranges. */
export function decodeSelfTestCases(): Case[] {
  return [
    ...FORMATS.map((format) => products(format, 3, 300, [9, 5, 4].slice(0, productsAtOnce(format)), 3, 5, 'edge')),
    norm(2, 300, 3, 6),
    swigluCase(2, 60, 3, 7, 'edge', true),
    attention([40, 300], { heads: 4, groups: 2, e: 6 }, 3, 8, { bias: true, window: 290 }),
    turns(5, 3, 4, 9),
    copy(5, 6, 7, 1, 2, 3, 10),
    place(1, 2, 3, 7, 5, 11, 'edge'),
  ];
}
