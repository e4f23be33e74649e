import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../cpu/backend.ts';
import { ReferenceBackend } from '../reference/backend.ts';
import { Scope } from '../scope.ts';
import { choleskyFactor, choleskySolve } from './cholesky.ts';
import { addDiagonal } from './operation.ts';
import { solveOn, system } from './systems.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cpu = await createCpuBackend();
const words = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** The textbook factorisation and substitutions in float64. */
function plain(K: ArrayLike<number>, C: ArrayLike<number>, m: number, n: number): { L: Float64Array; W: Float64Array } {
  const L = new Float64Array(m * m);
  for (let j = 0; j < m; j++) {
    for (let i = j; i < m; i++) {
      let sum = K[i * m + j]!;
      for (let k = 0; k < j; k++) sum -= L[i * m + k]! * L[j * m + k]!;
      L[i * m + j] = i === j ? Math.sqrt(sum) : sum / L[j * m + j]!;
    }
  }
  const W = Float64Array.from(C);
  for (let r = 0; r < n; r++) {
    const w = W.subarray(r * m, (r + 1) * m);
    for (let j = 0; j < m; j++) {
      for (let k = 0; k < j; k++) w[j]! -= L[j * m + k]! * w[k]!;
      w[j]! /= L[j * m + j]!;
    }
    for (let j = m - 1; j >= 0; j--) {
      for (let k = j + 1; k < m; k++) w[j]! -= L[k * m + j]! * w[k]!;
      w[j]! /= L[j * m + j]!;
    }
  }
  return { L, W };
}

/** L Lᵀ in float64. */
function squared(L: Float32Array, m: number): Float64Array {
  return Float64Array.from({ length: m * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    let sum = 0;
    for (let k = 0; k <= Math.min(i, j); k++) sum += L[i * m + k]! * L[j * m + k]!;
    return sum;
  });
}

function relativeError(got: ArrayLike<number>, exact: Float64Array): number {
  let [wrong, all] = [0, 0];
  exact.forEach((value, i) => {
    wrong += (got[i]! - value) ** 2;
    all += value ** 2;
  });
  return Math.sqrt(wrong / all);
}

describe('the Cholesky factorisation', () => {
  it.each([1e2, 1e3, 1e4, 1e5])('is as near to float64 as condition %d allows', async (condition) => {
    for (const m of [60, 200]) {
      const { K, C } = system(m, 4, condition, 7);
      const exact = plain(K, C, m, 4);
      const { L, W } = await solveOn(cpu, m, 4, K, C);
      // Backward stable: L Lᵀ is K to a few units of the last place, whatever the condition.
      expect(relativeError(squared(L, m), Float64Array.from(K))).toBeLessThan(2 ** -21);
      // The solution then has the unit of the last place times the condition, at most.
      expect(relativeError(W, exact.W)).toBeLessThan(Math.max(1e-6, 2 ** -24 * condition));
      for (let i = 0; i < m; i++) for (let j = i + 1; j < m; j++) expect(L[i * m + j]).toBe(0);
    }
  });

  it.each([[1, 1], [63, 3], [64, 4], [65, 5], [200, 9]])('of order %d gives the same bits in plain TypeScript and on the CPU backend', async (m, n) => {
    const { K, C } = system(m, n, 1e3, 5);
    const [want, got] = [await solveOn(new ReferenceBackend(), m, n, K, C), await solveOn(cpu, m, n, K, C)];
    expect(words(got.L)).toEqual(words(want.L));
    expect(words(got.W)).toEqual(words(want.W));
  });

  it('gives zeros, not NaN, for a matrix of zeros', async () => {
    const { L, W } = await solveOn(cpu, 70, 2, new Float32Array(4900), new Float32Array(140).fill(3));
    expect(L.every((x) => x === 0)).toBe(true);
    expect(W.every((x) => x === 0)).toBe(true);
  });

  it('of duplicates without damping solves for the first of each and leaves the others 0', async () => {
    // 150 rows of rank 30: row i is a copy of row i % 30, whose inner products are a well-conditioned matrix.
    const [m, rank] = [150, 30];
    const { K: small, C: right } = system(rank, 1, 10, 3);
    const K = Float32Array.from({ length: m * m }, (_, at) => small[(Math.floor(at / m) % rank) * rank + ((at % m) % rank)]!);
    const { L, W } = await solveOn(cpu, m, 1, K, Float32Array.from({ length: m }, (_, i) => right[i % rank]!));
    for (let j = rank; j < m; j++) expect(L[j * m + j]).toBe(0);
    expect(relativeError(W.subarray(0, rank), plain(small, right, rank, 1).W)).toBeLessThan(1e-5);
    expect(W.subarray(rank).every((x) => x === 0)).toBe(true);
  });

  it('stays in range where rounding or a caller made the matrix indefinite', async () => {
    const { K, C } = system(200, 2, 10, 9);
    for (let i = 0; i < 200; i += 3) K[i * 201] = -K[i * 201]!;
    const { W } = await solveOn(cpu, 200, 2, K, C);
    expect(W.every((x) => Number.isFinite(x))).toBe(true);
  });

  it('reads a row of the smallest gradients by its own measure', async () => {
    // One record whose gradients are 1000 times those of the others: its square must not hide their pivots.
    const { K, C } = system(80, 1, 10, 4);
    for (let i = 0; i < 80; i++) {
      K[i] = Math.fround(K[i]! * 1000);
      K[i * 80] = Math.fround(K[i * 80]! * 1000);
    }
    const { L, W } = await solveOn(cpu, 80, 1, K, C);
    const exact = plain(K, C, 80, 1);
    for (let i = 0; i < 80; i++) expect(Math.abs(L[i * 81]! / exact.L[i * 81]! - 1)).toBeLessThan(1e-4);
    for (let i = 0; i < 80; i++) expect(Math.abs(W[i]! - exact.W[i]!)).toBeLessThan(1e-3 * Math.abs(exact.W[i]!) + 1e-4);
  });

  it('leaves its inputs as they are and frees what it used', async () => {
    const { K, C } = system(100, 2, 10, 2);
    const before = cpu.memory().bytes;
    const scope = new Scope(cpu);
    const [k, c] = [scope.upload('K', [100, 100], K), scope.upload('C', [2, 100], C)];
    choleskySolve(scope, 'W', choleskyFactor(scope, 'L', k), c);
    expect(await cpu.read(k)).toEqual(K);
    expect(await cpu.read(c)).toEqual(C);
    scope.release();
    // A kept left operand may outlive the scope by one product; nothing here made one.
    expect(cpu.memory().bytes).toBe(before);
  });

  it('adds to the diagonal alone, in place', async () => {
    const scope = new Scope(cpu);
    const K = system(70, 1, 10, 6).K;
    const k = scope.upload('K', [70, 70], K);
    expect(scope.run(addDiagonal, 'damped', [k], { shift: 0.1 })).toEqual([k]);
    // 0.1 is rounded to float32 before it is added.
    expect(await cpu.read(k)).toEqual(K.map((x, at) => (at % 71 === 0 ? x + Math.fround(0.1) : x)));
    scope.release();
  });

  it('refuses shapes that do not fit', () => {
    const scope = new Scope(cpu);
    expect(() => choleskyFactor(scope, 'L', scope.create('K', [4, 5], 'f32'))).toThrow(RangeError);
    const L = choleskyFactor(scope, 'L', scope.create('K', [4, 4], 'f32'));
    expect(() => choleskySolve(scope, 'W', L, scope.create('C', [2, 5], 'f32'))).toThrow(RangeError);
    scope.release();
  });
});

describe('whole systems on WebGPU give the bits of the CPU backend', () => {
  it.each(['opengles', 'swiftshader'])('%s', { timeout: 120_000 }, async (kind) => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'node_modules/tsx/dist/cli.mjs'), join(root, 'src/kernels/cholesky/systems.node.ts'), kind]);
    const report = JSON.parse(stdout.trimEnd().split('\n').pop()!) as { skipped?: string; wrong: string[] };
    if (report.skipped) console.warn(`NOT TESTED: ${kind}. ${report.skipped}`);
    expect(report.wrong).toEqual([]);
  });
});
