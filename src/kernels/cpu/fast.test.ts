import { beforeAll, describe, expect, it } from 'vitest';
import { randomNormal, randomUnit, randomWord } from '../../arithmetic/random.ts';
import { bitsOf, div, exp, fromBits, log, rsqrt, sigmoid, sqrt, store } from '../../arithmetic/rf32.ts';
import type { Params, Shape, Values } from '../operation.ts';
import { scaleTensor } from '../elementwise/operation.ts';
import { size } from '../operation.ts';
import { operations } from '../operations.ts';
import { ReferenceBackend } from '../reference/backend.ts';
import { CpuBackend } from './backend.ts';
import { fastForms } from './fast.ts';

let cpu: CpuBackend;
const reference = new ReferenceBackend();
beforeAll(async () => {
  cpu = await CpuBackend.create();
});

let stream = 0;
/** Storable values: mostly of ordinary size, some zeros, some of every magnitude, some at the edges. */
function mixed(shape: Shape, scale = 1, wild = 0.05): Float32Array {
  stream++;
  return Float32Array.from({ length: size(shape) }, (_, i) => {
    const kind = randomUnit(7, stream, 3 * i);
    const sign = randomWord(7, stream, 3 * i + 1) & 1 ? -1 : 1;
    if (kind < wild / 2) return 0;
    if (kind < wild) {
      const e = Math.floor(randomUnit(7, stream, 3 * i + 2) * 148) - 99;
      return Math.fround(sign * 2 ** e * (1 + randomUnit(8, stream, i)));
    }
    return store(Math.fround(randomNormal(9, stream, i) * scale));
  });
}
const positive = (shape: Shape) => mixed(shape).map((x) => Math.abs(x));
const ids = (n: number, below: number) => Uint32Array.from({ length: n }, (_, i) => Math.floor(randomUnit(5, ++stream, i) * below));

type Given = [Shape, Values];

/** Runs one operation on both backends and compares every output's bits; both may refuse, then both must. */
async function same(name: string, given: Given[], params: Params = {}): Promise<boolean> {
  const operation = operations.find((o) => o.name === name)!;
  const results: (Uint32Array[] | string)[] = [];
  for (const backend of [reference, cpu]) {
    const inputs = given.map(([shape, values], i) => backend.upload(`in${i}`, shape, values));
    try {
      const outputs = backend.run(operation, name, inputs, params);
      const read = await Promise.all(outputs.map((output) => backend.read(output)));
      results.push(read.map((values) => new Uint32Array(values.buffer, values.byteOffset, values.length)));
    } catch (error) {
      results.push((error as { code?: string }).code ?? String(error));
    }
  }
  const [wanted, got] = results;
  if (typeof wanted === 'string' || typeof got === 'string') {
    expect(got).toEqual(wanted);
    return false;
  }
  wanted!.forEach((values, k) => {
    const at = values.findIndex((bits, i) => bits !== got![k]![i]);
    if (at >= 0) {
      const where = `${name} output ${k} of ${JSON.stringify(given.map(([shape]) => shape))} at ${at}`;
      expect.fail(`${where}: ${fromBits(got![k]![at]!)} instead of ${fromBits(values[at]!)}`);
    }
    expect(got![k]!.length).toBe(values.length);
  });
  return true;
}

describe('lane functions equal the scalar reference', () => {
  const count = 1 << 18;
  const edges = [
    0, 1, -1, 2, 0.5, 34, -34, 35, -35, 69, -69, 70, -70, 2 ** 50, -(2 ** 50), 2 ** -100, -(2 ** -100), Math.SQRT1_2,
    Math.SQRT2, Math.LN2, Math.LN2 / 2, 1 + 2 ** -23, 1 - 2 ** -24, 2 ** -24, 3.9999998, 0.34657359, -0.34657359,
  ].flatMap((x) => [-2, -1, 0, 1, 2].map((d) => (x === 0 ? 0 : fromBits(bitsOf(x) + d))));

  function values(range: 'unit' | 'exp' | 'all' | 'positive', from: number): Float32Array {
    return Float32Array.from({ length: count }, (_, i) => {
      if (i < edges.length) return range === 'positive' ? Math.abs(edges[i]!) : edges[i]!;
      if (range === 'exp') return Math.fround(randomUnit(1, from, i) * 112 - 73);
      if (range === 'unit') return Math.fround(1 + randomUnit(1, from, i));
      const e = Math.floor(randomUnit(2, from, i) * 150) - 100;
      const x = Math.fround(2 ** e * (1 + randomUnit(3, from, i)));
      return range === 'all' && randomWord(4, from, i) & 1 ? -x : x;
    });
  }

  function compare(kernel: 'mapExp' | 'mapLog' | 'mapRsqrt' | 'mapSqrt' | 'mapSigmoid', f: (x: number) => number, xs: Float32Array) {
    const at = cpu.heap.allocate(2 * 4 * xs.length);
    new Float32Array(cpu.heap.memory.buffer, at, xs.length).set(xs);
    cpu.kernels[kernel](at, at + 4 * xs.length, xs.length);
    const got = new Uint32Array(cpu.heap.memory.buffer, at + 4 * xs.length, xs.length);
    const wrong = xs.findIndex((x, i) => bitsOf(f(x)) !== got[i]);
    cpu.heap.free(at, 2 * 4 * xs.length);
    if (wrong >= 0) expect.fail(`${kernel}(${xs[wrong]}): ${fromBits(got[wrong]!)} instead of ${f(xs[wrong]!)}`);
  }

  it('exp', () => {
    compare('mapExp', exp, values('exp', 1));
    compare('mapExp', exp, values('all', 2));
  });
  it('sigmoid', () => {
    compare('mapSigmoid', sigmoid, values('exp', 3));
    compare('mapSigmoid', sigmoid, values('all', 4));
  });
  it('log', () => {
    compare('mapLog', log, values('all', 5));
    compare('mapLog', log, values('unit', 6));
    compare('mapLog', log, values('positive', 7));
  });
  it('rsqrt', () => {
    compare('mapRsqrt', rsqrt, values('all', 8));
    compare('mapRsqrt', rsqrt, values('unit', 9));
  });
  it('sqrt', () => compare('mapSqrt', sqrt, values('positive', 10)));
  it('div', () => {
    const a = values('all', 11);
    const b = values('all', 12);
    for (let i = 1; i < edges.length; i++) b[i] = edges[(i * 7) % edges.length]!;
    const at = cpu.heap.allocate(3 * 4 * count);
    new Float32Array(cpu.heap.memory.buffer, at, count).set(a);
    new Float32Array(cpu.heap.memory.buffer, at + 4 * count, count).set(b);
    cpu.kernels.mapDiv(at, at + 4 * count, at + 8 * count, count);
    const got = new Uint32Array(cpu.heap.memory.buffer, at + 8 * count, count);
    const wrong = a.findIndex((x, i) => bitsOf(div(x, b[i]!)) !== got[i]);
    if (wrong >= 0) expect.fail(`${a[wrong]} / ${b[wrong]}: ${fromBits(got[wrong]!)} instead of ${div(a[wrong]!, b[wrong]!)}`);
  });
});

const widths = [1, 2, 3, 5, 255, 256, 257, 514];

describe('fast forms equal the references', () => {
  it('names only operations that exist', () => {
    for (const name of Object.keys(fastForms)) expect(operations.map((o) => o.name)).toContain(name);
  });

  it('elementwise', async () => {
    for (const n of [1, 3, 4, 257]) {
      const s = [n];
      await same('add', [[s, mixed(s)], [s, mixed(s)]]);
      await same('addScaled', [[s, mixed(s)], [s, mixed(s)]], { scale: 0.3 });
      await same('scale', [[s, mixed(s)]], { scale: -1.7 });
      await same('addBias', [[[3, n], mixed([3, n])], [s, mixed(s)]]);
      await same('scaleColumns', [[[3, n], mixed([3, n])], [s, mixed(s)]]);
      expect(await same('scaleColumns', [[[3, n, 2], mixed([3, n, 2], 1, 0)], [[2 * n], mixed([2 * n], 1, 0)]])).toBe(true);
    }
    // A product below 2^-100 counts as 0 even where the sum would show it.
    const least = Float32Array.of(2 ** -100, 2 ** -99, 1);
    await same('addScaled', [[[3], least.map((x) => 1.5 * x)], [[3], least]], { scale: 0.75 });
    // Cancellation to something below 2^-100 becomes +0.
    const tiny = Float32Array.of(2 ** -100, 1, 1.5 * 2 ** -100);
    await same('add', [[[3], tiny], [[3], Float32Array.of(-(1 + 2 ** -23) * 2 ** -100, -1, -(2 ** -100))]]);
  });

  it('swiglu', async () => {
    for (const scale of [1, 8, 40]) {
      const s = [7, 33];
      await same('swiglu', [[s, mixed(s, scale, 0)], [s, mixed(s, 1, 0.2)]]);
      await same('swigluGradient', [[s, mixed(s, 1, 0)], [s, mixed(s, scale, 0)], [s, mixed(s, 1, 0.01)]]);
    }
    // Rows without a gradient, whole and in part.
    const rows = [9, 50];
    const dh = mixed(rows, 1, 0).map((x, i) => (i % 100 < 70 ? 0 : x));
    expect(await same('swigluGradient', [[rows, dh], [rows, mixed(rows, 8, 0)], [rows, mixed(rows, 1, 0)]])).toBe(true);
    const wild = [64];
    await same('swiglu', [[wild, mixed(wild, 1, 0.5)], [wild, mixed(wild, 1, 0)]]);
  });

  it('adamw', async () => {
    const s = [5, 51];
    const params = { rate: 2e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, decay: 0.01, correction1: 3.7, correction2: 25.3 };
    expect(await same('adamw', [[s, mixed(s)], [s, mixed(s, 1e-3, 0)], [s, mixed(s, 1e-3)], [s, mixed(s, 1e-6, 0).map(Math.abs)]], params)).toBe(true);
    // No gradient yet: moments of zero, and an eps of zero divides by zero (out of range on both).
    const zero = new Float32Array(255);
    expect(await same('adamw', [[s, mixed(s)], [s, zero], [s, zero], [s, zero]], params)).toBe(true);
    expect(await same('adamw', [[s, mixed(s)], [s, mixed(s, 1e-20, 0)], [s, zero], [s, zero]], { ...params, eps: 0 })).toBe(true);
  });

  it('rmsNorm and its gradients', async () => {
    for (const d of widths) {
      for (const n of [1, 3, 6]) {
        const s = [n, d];
        const x = mixed(s, 1, 0.02).map((v) => (Math.abs(v) > 2 ** 20 ? 1 : v));
        const dy = mixed(s, 0.1, 0);
        const w = mixed([d], 1, 0);
        const r = positive([n]).map((v) => Math.min(v, 4));
        expect(await same('rmsNorm', [[s, x], [[d], w]], { eps: 1e-5 })).toBe(true);
        expect(await same('rmsNormGradient', [[s, dy], [s, x], [[d], w], [[n], r]])).toBe(true);
      }
    }
    for (const n of widths) {
      const s = [n, 19];
      expect(await same('rmsNormWeightGradient', [[s, mixed(s, 1, 0)], [s, mixed(s, 1, 0)], [[n], mixed([n], 1, 0)]])).toBe(true);
    }
  });

  it('crossEntropy, its gradient, argmax', async () => {
    for (const v of widths) {
      for (const n of [1, 3, 6]) {
        const s = [n, v];
        const logits = mixed(s, 12, 0.01);
        const targets = ids(n, v + 1);
        const stats = mixed([n, 2], 10, 0).map((x, i) => (i % 2 ? Math.abs(x / 100) : x));
        expect(await same('crossEntropy', [[s, logits], [[n], targets]])).toBe(true);
        await same('crossEntropyGradient', [[s, logits], [[n], targets], [[n, 2], stats], [[n], mixed([n], 0.1, 0.3)]]);
        const ties = logits.map((x) => Math.round(x / 8) * 8);
        await same('argmax', [[s, ties]]);
      }
    }
  });

  // [queries, keys, heads, groups, values per head, widest range]
  const attentionShapes = [
    [1, 1, 1, 1, 1, 1], [3, 3, 2, 1, 3, 3], [6, 9, 4, 4, 32, 7], [9, 40, 6, 2, 20, 40], [5, 70, 5, 5, 32, 64],
    [4, 300, 2, 2, 16, 257], [300, 300, 4, 2, 5, 256], [3, 20, 1, 1, 257, 18], [2, 600, 3, 1, 48, 514],
  ] as const;
  for (const [n, keys, heads, groups, e, width] of attentionShapes) {
    it(`attention of ${[n, keys, heads, groups, e, width]}`, async () => {
      // Ranges that slide over the keys; some are empty.
      const lo = Uint32Array.from({ length: n }, (_, i) => Math.floor((i * Math.max(0, keys - width)) / n));
      const hi = lo.map((start, i) => (i % 7 === 5 ? start : Math.min(keys, start + 1 + ((i * 37 + width - 1) % width))));
      const ranges: Given[] = [[[n], lo], [[n], hi]];
      const q = mixed([n, heads * e]);
      const k = mixed([keys, groups * e], 1, 0.01);
      const tame = (values: Float32Array) => values.map((x) => (Math.abs(x) > 2 ** 15 ? 1 : x));
      const at: Shape = [n, heads, width];
      const scores = tame(mixed(at, 5));
      const p = tame(mixed(at, 0.3));
      const queries: Given = [[n, heads * e], tame(q)];
      const rowsOfKeys: Given = [[keys, groups * e], tame(k)];
      expect(await same('attentionScores', [queries, rowsOfKeys, ...ranges], { heads, groups, width })).toBe(true);
      expect(await same('softmax', [[at, scores], ...ranges], { scale: 0.17 })).toBe(true);
      expect(await same('softmaxGradient', [[at, p], [at, scores], ...ranges], { scale: 0.17 })).toBe(true);
      expect(await same('attentionValues', [[at, p], [[keys, groups * e], tame(k)], ...ranges], { groups })).toBe(true);
      // Causal windows give each key a run of queries.
      const start = Uint32Array.from({ length: n }, (_, i) => Math.max(0, i + 1 - width));
      const from = Uint32Array.from({ length: n }, (_, t) => t);
      const to = Uint32Array.from({ length: n }, (_, t) => (t % 11 === 3 ? t : Math.min(n, t + width)));
      const rows: Given[] = [[[n], start], [[n], from], [[n], to]];
      expect(await same('attentionKeys', [[at, p], [[n, heads * e], tame(q)], ...rows], { groups })).toBe(true);
    });
  }

  it('refuses attention ranges that leave the keys', () => {
    const given: Given[] = [[[1, 4], mixed([1, 4])], [[2, 4], mixed([2, 4])], [[1], Uint32Array.of(1)], [[1], Uint32Array.of(3)]];
    const inputs = given.map(([shape, values]) => cpu.upload('in', shape, values));
    const operation = operations.find((o) => o.name === 'attentionScores')!;
    expect(() => cpu.run(operation, 'scores', inputs, { heads: 1, groups: 1, width: 2 })).toThrow(RangeError);
  });

  it('rope', async () => {
    for (const half of [1, 3, 16, 17]) {
      const [n, heads, table] = [5, 3, 9];
      const angles: Given[] = [[[table, half], mixed([table, half], 0.5, 0)], [[table, half], mixed([table, half], 0.5, 0.1)]];
      for (const inverse of [0, 1]) {
        const x: Given = [[n, heads * 2 * half], mixed([n, heads * 2 * half], 1, 0)];
        await same('rope', [x, [[n], ids(n, table + 2)], ...angles], { heads, inverse });
      }
    }
  });

  it('embedding and its gradient', async () => {
    for (const d of [1, 3, 16, 21, 33]) {
      const [v, n] = [7, 600];
      // One id is absent, one fills more than a block.
      const tokens = ids(n, v + 1).map((id) => (id === 3 || id > 4 ? 2 : id));
      tokens[0] = v;
      expect(await same('embedding', [[[v, d], mixed([v, d])], [[n], tokens]])).toBe(true);
      const places: number[] = [];
      const starts = [0];
      for (let id = 0; id < v; id++) {
        tokens.forEach((token, i) => token === id && places.push(i));
        starts.push(places.length);
      }
      const lists: Given[] = [[[places.length], Uint32Array.from(places)], [[v + 1], Uint32Array.from(starts)]];
      expect(await same('embeddingGradient', [[[n, d], mixed([n, d], 1, 0)], ...lists])).toBe(true);
    }
  });

  it('influence', async () => {
    for (const n of widths) {
      const s = [3, n];
      const k = mixed([n, n], 1, 0).map(Math.abs);
      const factor = 0.1 / (n * 64);
      expect(await same('dataInfWeights', [[s, mixed(s, 1, 0)], [[n, n], k]], { factor })).toBe(true);
      expect(await same('dataInfScores', [[s, mixed(s, 1, 0)], [s, mixed(s, 1, 0)], [[n, n], k]], { factor })).toBe(true);
      expect(await same('dataInfWeights', [[s, mixed(s, 1, 0)], [[n, n], new Float32Array(n * n)]], { factor })).toBe(true);
    }
  });

  it('sketch', async () => {
    // Buckets: two of nothing, one of more than a block, nothing, two members, nothing.
    const many = Array.from({ length: 300 }, (_, i) => (i % 3 ? i : i + 0x80000000));
    const members = Uint32Array.from([...many, 1, 0x80000002]);
    const starts = Uint32Array.of(0, 0, 0, 300, 300, 302, 302);
    for (const n of [1, 3, 4, 9]) {
      const given: Given[] = [[[n + 2, 6], mixed([n + 2, 6], 1, 0.3)], [[n, 310], mixed([n, 310], 1, 0)], [[7], starts], [[302], members]];
      expect(await same('sketch', given.map((one, i) => (i ? one : [one[0], one[1].map((x) => (Math.abs(x) > 2 ** 40 ? 1 : x))])), { at: 1 })).toBe(true);
    }
    // What leaves the range does so in the last row of four, in the last bucket with members; a cancelled sum is +0.
    const rows = new Float32Array(4 * 310).fill(1);
    const sums = new Float32Array(4 * 6).fill(-0.25);
    rows[3 * 310 + 1] = 2 ** 50;
    const given = (y: Float32Array): Given[] => [[[4, 6], y], [[4, 310], rows], [[7], starts], [[302], members]];
    expect(await same('sketch', given(sums), { at: 0 })).toBe(true);
    sums[3 * 6 + 4] = 2 ** 49;
    expect(await same('sketch', given(sums), { at: 0 })).toBe(false);
    for (const [plan, listed] of [[[0, 2, 1], [0, 1]], [[0, 1, 3], [0, 1]], [[0, 1, 2], [0, 0x80000003]]] as const) {
      const wrong = [cpu.upload('y', [1, 2], new Float32Array(2)), cpu.upload('x', [1, 3], new Float32Array(3)), cpu.upload('s', [3], Uint32Array.from(plan)), cpu.upload('m', [2], Uint32Array.from(listed))];
      expect(() => cpu.run(operations.find((o) => o.name === 'sketch')!, 'wrong', wrong, { at: 0 })).toThrow(RangeError);
    }
  });

  it('operands below 2^-50 count as 0 in every position of a product', async () => {
    const [n, m, k] = [6, 19, 7];
    const small = (shape: Shape) => mixed(shape, 1, 0).map((x, i) => (i % 3 === 1 ? x * 2 ** -52 : x * 2 ** -48));
    const large = (shape: Shape) => mixed(shape, 2 ** 20, 0);
    for (const [left, right] of [[small, large], [large, small]] as const) {
      expect(await same('matmulNT', [[[n, k], left([n, k])], [[m, k], right([m, k])]])).toBe(true);
      expect(await same('matmulNN', [[[n, k], left([n, k])], [[k, m], right([k, m])]])).toBe(true);
      const given: Given[] = [[[k, 21], left([k, 21])], [[k, m], right([k, m])], [[2], Uint32Array.of(0, k)]];
      expect(await same('matmulTN', given)).toBe(true);
      const at: Given = [[n, 3, 5], left([n, 3, 5])];
      const ranges: Given[] = [[[n], new Uint32Array(n)], [[n], new Uint32Array(n).fill(5)]];
      const heads = { heads: 3, groups: 3, width: 5 };
      expect(await same('attentionScores', [[[n, 33], left([n, 33])], [[5, 33], right([5, 33])], ...ranges], heads)).toBe(true);
      expect(await same('attentionValues', [at, [[5, 33], right([5, 33])], ...ranges], heads)).toBe(true);
      const rows: Given[] = [[[n], new Uint32Array(n)], [[5], new Uint32Array(5)], [[5], new Uint32Array(5).fill(n)]];
      expect(await same('attentionKeys', [at, [[n, 33], right([n, 33])], ...rows], heads)).toBe(true);
    }
  });

  it('matrix products of rows that are zero', async () => {
    // Quads of rows: none, first, last, in between, a last one in part, all; more rows and terms than one chunk holds.
    const zeros: ((row: number, n: number) => boolean)[] = [
      () => false, (row) => row < 9, (row, n) => row >= n - 7, (row) => row % 12 > 3, (row) => row % 64 < 62, () => true,
    ];
    for (const [n, k] of [[6, 5], [128, 300], [131, 513]] as const) {
      for (const isZero of zeros) {
        const x = mixed([n, k], 1, 0).map((value, i) => (isZero(Math.floor(i / k), n) ? 0 : value));
        expect(await same('matmulNT', [[[n, k], x], [[11, k], mixed([11, k], 1, 0)]])).toBe(true);
        expect(await same('matmulNN', [[[n, k], x], [[k, 11], mixed([k, 11], 1, 0)]])).toBe(true);
      }
    }
  });

  it('matrix products', async () => {
    for (const k of widths) {
      const [n, m] = [5, 11];
      const tame = (shape: Shape) => mixed(shape).map((x) => (Math.abs(x) > 2 ** 15 ? 1 : x));
      for (const rows of [1, n]) {
        expect(await same('matmulNT', [[[rows, k], tame([rows, k])], [[m, k], tame([m, k])]])).toBe(true);
        expect(await same('matmulNN', [[[rows, k], tame([rows, k])], [[k, m], tame([k, m])]])).toBe(true);
      }
      const segments = Uint32Array.of(0, Math.floor(k / 2), k);
      expect(await same('matmulTN', [[[k, n], tame([k, n])], [[k, m], tame([k, m])], [[3], segments]])).toBe(true);
    }
  });
});

it('what is refused leaves no memory taken', () => {
  const x = cpu.upload('x', [64], new Float32Array(64).fill(2 ** 49));
  const before = cpu.memory().bytes;
  expect(() => cpu.run(scaleTensor, 'y', [x], { scale: 1024 })).toThrow(expect.objectContaining({ code: 'rf32/out-of-range' }));
  expect(cpu.memory().bytes).toBe(before);
  cpu.free(x);
});
