import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type GradientCheck, type Kind, anyKind, floats, input, tensor } from '../case.ts';
import type { Shape, Values } from '../operation.ts';
import { attentionKeys, attentionScores, attentionValues, softmax, softmaxGradient } from './operation.ts';

type Held = { shape: Shape; values: Values };

/** Query row i attends key rows lo[i] <= t < hi[i]; key row t is attended by rows from[t] <= i < to[t]. */
interface Ranges {
  name: string;
  lo: number[];
  hi: number[];
  from: number[];
  to: number[];
}

/** Packed sequences of the given lengths, causal, with a sliding window where one is given. */
function packed(lengths: number[], window = Infinity): Ranges {
  const out: Ranges = { name: `packed [${lengths}]${window < Infinity ? ` window ${window}` : ''}`, lo: [], hi: [], from: [], to: [] };
  let start = 0;
  for (const length of lengths) {
    for (let i = 0; i < length; i++) {
      out.lo.push(start + Math.max(0, i + 1 - window));
      out.hi.push(start + i + 1);
      out.from.push(start + i);
      out.to.push(start + Math.min(length, i + window));
    }
    start += length;
  }
  return out;
}

/** `rows` new rows after `before` cached ones, in a cache with spare room. */
function decoding(rows: number, before: number): Ranges {
  const hi = Array.from({ length: rows }, (_, i) => before + i + 1);
  const from = Array.from({ length: before + rows + 3 }, (_, t) => Math.min(rows, Math.max(0, t - before)));
  return { name: `decoding ${rows} after ${before}`, lo: hi.map(() => 0), hi, from, to: from.map(() => rows) };
}

/** One new row for each of several texts that share a cache, in slots of `room` keys: ranges that share nothing. */
function slots(texts: number, room: number): Ranges {
  const lo = Array.from({ length: texts }, (_, i) => i * room);
  const owner = Array.from({ length: texts * room }, (_, t) => Math.floor(t / room));
  return { name: `${texts} slots of ${room}`, lo, hi: lo.map((start, i) => start + room - 3 * i), from: owner, to: owner.map((i) => i + 1) };
}

/** Each key is attended by `each` rows of its own: sums over keys begin far from each other. */
function apart(keys: number, each: number): Ranges {
  const lo = Array.from({ length: keys * each }, (_, i) => Math.floor(i / each));
  const from = Array.from({ length: keys }, (_, t) => t * each);
  return { name: `${keys} keys with ${each} rows each`, lo, hi: lo.map((t) => t + 1), from, to: from.map((i) => i + each) };
}

const widest = ({ lo, hi }: Ranges) => Math.max(...hi.map((end, i) => end - lo[i]!));
const u32 = (values: number[]): Held => input([values.length], Uint32Array.from(values));

interface Heads {
  heads: number;
  groups: number;
  e: number;
}

/** p or dp: zeros outside the ranges, as the operations write them. */
function masked(ranges: Ranges, heads: number, width: number, kind: Kind, seed: number, stream: number): Held {
  const out = tensor(kind, [ranges.lo.length, heads, width], seed, stream, 4);
  ranges.lo.forEach((lo, i) => {
    for (let h = 0; h < heads; h++) out.values.fill(0, (i * heads + h) * width + ranges.hi[i]! - lo, (i * heads + h + 1) * width);
  });
  return out;
}

function cases(ranges: Ranges, { heads, groups, e }: Heads, seed: number, kind: Kind, spare = 0) {
  const n = ranges.lo.length;
  const t = ranges.from.length;
  const width = widest(ranges) + spare;
  const label = `${ranges.name}, ${heads}/${groups} heads of ${e}, ${kind}`;
  const lo = u32(ranges.lo);
  const hi = u32(ranges.hi);
  const scale = 1 / Math.sqrt(e);
  const p = () => masked(ranges, heads, width, kind, seed, 2);
  const work = n * heads * width;
  const make = (operation: Case['operation'], inputs: Held[], params: Case['params'], each: number): Case => ({
    name: `${operation.name} ${label}`,
    operation,
    inputs,
    params,
    work: work * each,
  });
  const q = () => tensor(kind, [n, heads * e], seed);
  const k = () => tensor(kind, [t, groups * e], seed, 1);
  return {
    scores: () => make(attentionScores, [q(), k(), lo, hi], { heads, groups, width }, e),
    softmax: () => make(softmax, [p(), lo, hi], { scale }, 1),
    softmaxGradient: () => make(softmaxGradient, [p(), masked(ranges, heads, width, kind, seed, 3), lo, hi], { scale }, 1),
    values: () => make(attentionValues, [p(), k(), lo, hi], { groups }, e),
    keys: () => make(attentionKeys, [p(), q(), lo, u32(ranges.from), u32(ranges.to)], { groups }, e),
  };
}

const DECLARED = [
  cases(packed([1]), { heads: 1, groups: 1, e: 1 }, 1, 'normal'),
  cases(packed([5, 1, 17, 9]), { heads: 4, groups: 2, e: 8 }, 2, 'normal', 3),
  cases(packed([33]), { heads: 6, groups: 1, e: 5 }, 3, 'edge'),
  cases(packed([300]), { heads: 2, groups: 1, e: 4 }, 4, 'normal'),
  cases(packed([257]), { heads: 2, groups: 2, e: 3 }, 5, 'edge'),
  cases(packed([40], 7), { heads: 4, groups: 4, e: 16 }, 6, 'normal'),
  cases(decoding(1, 255), { heads: 4, groups: 2, e: 32 }, 7, 'normal'),
  cases(decoding(3, 10), { heads: 4, groups: 2, e: 300 }, 8, 'edge'),
  cases(packed(Array.from({ length: 8 }, () => 32)), { heads: 4, groups: 4, e: 32 }, 9, 'normal'),
  cases(slots(6, 90), { heads: 8, groups: 2, e: 12 }, 10, 'edge'),
  cases(apart(33, 10), { heads: 2, groups: 2, e: 6 }, 11, 'normal', 1),
  cases(packed([290, 40], 270), { heads: 3, groups: 1, e: 33 }, 12, 'edge'),
  cases(decoding(1, 2600), { heads: 4, groups: 2, e: 40 }, 13, 'normal', 7),
  cases(decoding(20, 300), { heads: 2, groups: 1, e: 260 }, 14, 'edge', 2),
];

function random(seed: number) {
  const lengths = Array.from({ length: 1 + randomBelow(4, seed, 1, 0) }, (_, i) => 1 + randomBelow(i ? 20 : 120, seed, 2, i));
  const ranges =
    seed % 3 === 0
      ? decoding(1 + randomBelow(4, seed, 3, 0), randomBelow(300, seed, 3, 1))
      : packed(lengths, seed % 3 === 1 ? 1 + randomBelow(30, seed, 4, 0) : undefined);
  const groups = 1 + randomBelow(3, seed, 5, 0);
  const heads = groups * (1 + randomBelow(3, seed, 5, 1));
  return cases(ranges, { heads, groups, e: 1 + randomBelow(20, seed, 6, 0) }, seed, anyKind(seed), seed % 4);
}

// Gradient of the whole of attention: o = softmax(scale · q kᵀ) v over two packed sequences, 4 heads in 2 groups.
const ranges = packed([4, 3]);
const [N, HEADS, GROUPS, E, SCALE] = [7, 4, 2, 3, 0.6];
const cotangent = floats('normal', N * HEADS * E, 73);
const check: GradientCheck = {
  name: 'grouped-query attention: dq, dk, dv',
  at: [tensor('normal', [N, HEADS * E], 70), tensor('normal', [N, GROUPS * E], 71), tensor('normal', [N, GROUPS * E], 72)],
  loss: ([q, k, v]) => {
    let sum = 0;
    for (let i = 0; i < N; i++) {
      for (let h = 0; h < HEADS; h++) {
        const group = Math.floor((h * GROUPS) / HEADS);
        const weights: number[] = [];
        for (let t = ranges.lo[i]!; t < ranges.hi[i]!; t++) {
          let s = 0;
          for (let x = 0; x < E; x++) s += q![(i * HEADS + h) * E + x]! * k![(t * GROUPS + group) * E + x]!;
          weights.push(Math.exp(SCALE * s));
        }
        const total = weights.reduce((a, b) => a + b);
        weights.forEach((weight, c) => {
          for (let x = 0; x < E; x++) {
            sum += (weight / total) * v![((ranges.lo[i]! + c) * GROUPS + group) * E + x]! * cotangent[(i * HEADS + h) * E + x]!;
          }
        });
      }
    }
    return sum;
  },
  gradients(run, [q, k, v]) {
    const up = (values: number[]) => run.upload([values.length], Uint32Array.from(values));
    const [lo, hi, from, to] = [up(ranges.lo), up(ranges.hi), up(ranges.from), up(ranges.to)];
    const shape = { heads: HEADS, groups: GROUPS, width: 4 };
    const dOut = run.upload([N, HEADS * E], cotangent);
    const scores = run(attentionScores, [q!, k!, lo, hi], shape)[0]!;
    const p = run(softmax, [scores, lo, hi], { scale: SCALE })[0]!;
    const dp = run(attentionScores, [dOut, v!, lo, hi], shape)[0]!;
    const ds = run(softmaxGradient, [p, dp, lo, hi], { scale: SCALE })[0]!;
    return [
      run(attentionValues, [ds, k!, lo, hi], { groups: GROUPS })[0],
      run(attentionKeys, [ds, q!, lo, from, to], { groups: GROUPS })[0],
      run(attentionKeys, [p, dOut, lo, from, to], { groups: GROUPS })[0],
    ];
  },
  tolerance: 1e-5,
};

const checked = { none: 'checked with attentionScores: the gradient of attention as a whole' };

export const attentionCases: CaseList[] = [
  { operation: attentionScores, cases: DECLARED.map((one) => one.scores()), random: (seed) => random(seed).scores(), gradient: [check] },
  { operation: softmax, cases: DECLARED.map((one) => one.softmax()), random: (seed) => random(seed).softmax(), gradient: checked },
  { operation: softmaxGradient, cases: DECLARED.map((one) => one.softmaxGradient()), random: (seed) => random(seed).softmaxGradient(), gradient: checked },
  { operation: attentionValues, cases: DECLARED.map((one) => one.values()), random: (seed) => random(seed).values(), gradient: checked },
  { operation: attentionKeys, cases: DECLARED.map((one) => one.keys()), random: (seed) => random(seed).keys(), gradient: checked },
];
