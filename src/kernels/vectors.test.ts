/** One million shared vectors: AssemblyScript and WGSL on two drivers give the bits of plain TypeScript. */
import { describe, expect, it } from 'vitest';
import { add, bitsOf, blockSum, fromBits, isStorable, mul, product, store } from '../arithmetic/rf32.ts';
import { type Pairs, blockPairs, scalarFunctions, scalarPairs } from '../arithmetic/vectors.ts';
import { CpuBackend } from './cpu/backend.ts';
import { runCase } from './case.ts';
import { matmulNT } from './matmul/operation.ts';
import { spawnVectors } from './webgpu/spawn-vectors.node.ts';

const COUNT = 1_000_000;
const cpu = await CpuBackend.create();
const pairs = scalarPairs(COUNT, 1);

/** Runs a kernel over two columns in WebAssembly's memory. */
function inWasm({ a, b }: Pairs, run: (a: number, b: number, to: number, n: number) => void): Uint32Array {
  const bytes = 4 * a.length;
  const at = cpu.heap.allocate(3 * bytes);
  new Float32Array(cpu.heap.memory.buffer, at, a.length).set(a);
  new Float32Array(cpu.heap.memory.buffer, at + bytes, a.length).set(b);
  run(at, at + bytes, at + 2 * bytes, a.length);
  const out = new Uint32Array(cpu.heap.memory.buffer, at + 2 * bytes, a.length).slice();
  cpu.heap.free(at, 3 * bytes);
  return out;
}

function expectBits(name: string, got: Uint32Array, expected: (a: number, b: number) => number) {
  const wrong = got.findIndex((bits, i) => bits !== bitsOf(expected(pairs.a[i]!, pairs.b[i]!)));
  if (wrong < 0) return;
  const [x, y] = [pairs.a[wrong]!, pairs.b[wrong]!];
  expect.fail(`${name}(${x}, ${y}): ${fromBits(got[wrong]!)} instead of ${expected(x, y)}`);
}

describe('the shared vectors', () => {
  it('may be stored and reach what they are made for', () => {
    const reached = { tie: 0, productTie: 0, cancels: 0, flushed: 0, operandFlushed: 0, zero: 0 };
    for (let i = 0; i < 100_000; i++) {
      const [a, b] = [pairs.a[i]!, pairs.b[i]!];
      if (!isStorable(a) || !isStorable(b)) expect.fail(`pair ${i}: ${a}, ${b}`);
      // Exactly between two neighbours: the float64 is exact, and so is twice its distance from the float32 below.
      reached.tie += Number(isTie(a + b, a, b));
      reached.productTie += Number(isTie(a * b));
      reached.cancels += Number(a !== 0 && Math.abs(add(a, b)) < Math.abs(a) / 2 ** 16);
      reached.flushed += Number(a * b !== 0 && mul(a, b) === 0);
      reached.operandFlushed += Number(mul(a, b) !== 0 && product(a, b) === 0);
      reached.zero += Number(a === 0 || b === 0);
    }
    for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(1000);
  });
});

/** Whether x lies between two float32 at the same distance; for a sum a + b only where float64 holds it exactly. */
function isTie(x: number, a = 0, b = 0): boolean {
  if (x - a !== b && x - b !== a && (a !== 0 || b !== 0)) return false;
  const near = Math.fround(x);
  if (near === x || !Number.isFinite(near)) return false;
  const other = near + 2 * (x - near);
  return Math.fround(other) === other;
}

describe('AssemblyScript gives the bits of plain TypeScript on one million vectors', () => {
  const unary = { exp: 'mapExp', rsqrt: 'mapRsqrt', sqrt: 'mapSqrt', log: 'mapLog', sigmoid: 'mapSigmoid' } as const;
  it.each(Object.entries(unary))('%s', (name, kernel) => {
    const f = scalarFunctions[name as keyof typeof unary];
    expectBits(name, inWasm(pairs, (a, _, to, n) => cpu.kernels[kernel](a, to, n)), f);
  });
  it('div', () => expectBits('div', inWasm(pairs, (a, b, to, n) => cpu.kernels.mapDiv(a, b, to, n)), scalarFunctions.div));
  it('add, as a tensor stores it', () => {
    expectBits('add', inWasm(pairs, (a, b, to, n) => cpu.kernels.add(a, b, to, n)), (a, b) => store(add(a, b)));
  });
  it('mul', () => expectBits('mul', inWasm(pairs, (a, b, to, n) => cpu.kernels.scaleColumns(a, b, to, 1, n)), mul));

  it('two products and their sum, one million combinations', async () => {
    const rows = 1000;
    const tame = (x: number) => (Math.abs(x) > 2 ** 24 ? 1 : x);
    const { a, b } = scalarPairs(2 * rows, 2);
    const [x, w] = [a.map(tame), b.map(tame)];
    const shape = [rows, 2];
    const one = { name: 'pairs of products', operation: matmulNT, inputs: [{ shape, values: x }, { shape, values: w }], params: {} };
    const got = (await runCase(cpu, one)).outputs[0]!;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < rows; j++) {
        const wanted = store(blockSum(2, (k) => product(x[2 * i + k]!, w[2 * j + k]!)));
        if (bitsOf(got[i * rows + j]!) !== bitsOf(wanted)) expect.fail(`[${i}, ${j}]: ${got[i * rows + j]} instead of ${wanted}`);
      }
    }
  });

  it('blocks of every length', async () => {
    for (let terms = 1; terms <= 256; terms++) {
      const { a, b } = blockPairs(terms, terms);
      const shape = [1, terms];
      const one = { name: `${terms} terms`, operation: matmulNT, inputs: [{ shape, values: a }, { shape, values: b }], params: {} };
      const wanted = store(blockSum(terms, (k) => product(a[k]!, b[k]!)));
      if (Math.abs(wanted) > 2 ** 50) await expect(runCase(cpu, one)).rejects.toMatchObject({ code: 'rf32/out-of-range' });
      else expect(bitsOf((await runCase(cpu, one)).outputs[0]![0]!)).toBe(bitsOf(wanted));
    }
  });
});

describe('WGSL gives the bits of plain TypeScript on one million vectors', () => {
  it.each([
    ['Dawn on Mesa llvmpipe', 'opengles'],
    ['Dawn on SwiftShader', 'swiftshader'],
  ] as const)('%s', { timeout: 300_000 }, async (name, kind) => {
    const report = await spawnVectors(kind, COUNT);
    if (report.skipped) console.warn(`NOT TESTED: ${name}. ${report.skipped}`);
    expect(report.differences).toEqual([]);
    if (!report.skipped) expect(report.vectors).toBe(COUNT);
  });
});
