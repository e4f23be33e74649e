import { expect, it, vi } from 'vitest';
import { caseLists } from '../cases.ts';
import { createCpuBackend } from '../cpu/backend.ts';
import { benchCases } from './cases.ts';
import { plainProgram } from './exactness.ts';
import { measureKernels } from './products.ts';
import { exponentOf, measureScaling } from './scaling.ts';

it('times a case of every operation and leaves nothing behind', async () => {
  const cpu = await createCpuBackend();
  const cases = caseLists.map(({ cases }) => cases[0]!);
  const timings = await benchCases(cpu, cases, 2);
  expect(timings.map(({ operation }) => operation)).toEqual(caseLists.map(({ operation }) => operation.name));
  for (const { ms } of timings) expect(ms).toBeGreaterThan(0);
  expect(cpu.memory().bytes).toBe(0);
});

it('times linear layers in any format, against ceilings', async () => {
  const cpu = await createCpuBackend();
  const shapes = [
    { rows: 1, terms: 64, columns: 96, format: 'f32' },
    { rows: 8, terms: 64, columns: 96, format: 'q4' },
  ] as const;
  const timings = await measureKernels(cpu, shapes, { device: cpu.device, readGBs: 10, multiplyAddsG: 10 }, 5);
  for (const [i, timing] of timings.entries()) {
    expect(timing).toMatchObject(shapes[i]!);
    expect(timing.multiplyAddsG).toBeCloseTo((timing.rows * 64 * 96) / timing.ms / 1e6);
    expect(timing.shareOfArithmetic).toBeCloseTo(timing.multiplyAddsG / 10);
  }
  expect(cpu.memory().bytes).toBe(0);
});

it('races the exact program against itself without its rules, and nothing else', () => {
  const { code } = plainProgram();
  for (const variant of ['flat', 'small', 'tall', 'wide', 'large']) {
    const { declarations, body } = code({ variant, protected: true });
    expect(declarations).toContain('return sum + a * b;');
    expect(declarations).toContain('return total + sum;');
    expect(declarations).not.toMatch(/bitcast|\^/);
    expect(body).not.toMatch(/operand\(|255u/);
    expect(body).toContain('tile_step');
  }
});

it('finds exponents', async () => {
  expect(exponentOf([1, 2, 4, 8], [3, 12, 48, 192])).toBeCloseTo(2);
  expect(exponentOf([10, 20, 40], [5, 5, 5])).toBeCloseTo(0);
  expect(() => exponentOf([2, 2], [1, 1])).toThrow(RangeError);
});

it('times every size in turns, leaving the first round out', async () => {
  let clock = 0;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const runs: number[] = [];
  // The first round compiles; a later one is disturbed.
  const scaling = await measureScaling('layers', [1, 2, 4], async (size) => {
    clock += 5 * size + (runs.length < 3 ? 1000 : 0) + (runs.length === 4 ? 300 : 0);
    runs.push(size);
  }, 2);
  now.mockRestore();
  expect(runs).toEqual([1, 2, 4, 1, 2, 4, 1, 2, 4]);
  expect(scaling.ms).toEqual([5, 10, 20]);
  expect(scaling.exponent).toBeCloseTo(1);
  expect(scaling.expected).toBe(1);
});
