import { expect, it } from 'vitest';
import { benchCases } from './bench.ts';
import { caseLists } from './cases.ts';
import { createCpuBackend } from './cpu/backend.ts';

it('times a case of every operation and leaves nothing behind', async () => {
  const cpu = await createCpuBackend();
  const cases = caseLists.map(({ cases }) => cases[0]!);
  const timings = await benchCases(cpu, cases, 2);
  expect(timings.map(({ operation }) => operation)).toEqual(caseLists.map(({ operation }) => operation.name));
  for (const { ms } of timings) expect(ms).toBeGreaterThan(0);
  expect(cpu.memory().bytes).toBe(0);
});
