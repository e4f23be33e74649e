import { describe, expect, it } from 'vitest';
import type { Backend } from './backend.ts';
import { runCase } from './case.ts';
import { createCpuBackend } from './cpu/backend.ts';
import { operations } from './operations.ts';
import { ReferenceBackend } from './reference/backend.ts';
import { answerDigest, selfTest } from './self-test.ts';
import { selfTestAnswers } from './self-test-answers.ts';
import { formCases, selfTestCases } from './self-test-cases.ts';

describe('self-test', () => {
  it('knows an answer to every operation', () => {
    expect(
      selfTestCases()
        .map(({ operation }) => operation.name)
        .sort(),
    ).toEqual(operations.map(({ name }) => name).sort());
  });

  it('has the answers of the plain TypeScript reference', async () => {
    for (const one of [...selfTestCases(), ...formCases()]) {
      const { outputs } = await runCase(new ReferenceBackend(), one);
      expect(answerDigest(outputs), `${one.name}: run make-self-test-answers.node.ts if the arithmetic changed`).toBe(selfTestAnswers[one.name]);
    }
  });

  it('passes on the CPU, quickly', async () => {
    const cpu = await createCpuBackend();
    await selfTest(cpu);
    const start = process.cpuUsage();
    const results = await selfTest(cpu, true);
    const { user, system } = process.cpuUsage(start);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect((user + system) / 1000).toBeLessThan(400);
    expect(cpu.memory().bytes).toBe(0);
  });

  it('finds one wrong bit, and a device that throws', async () => {
    const wrap = (change: Partial<Backend>) => {
      const inner = new ReferenceBackend();
      return { ...bound(inner), ...change } as Backend;
    };
    const bound = (inner: Backend) => ({
      upload: inner.upload.bind(inner),
      run: inner.run.bind(inner),
      read: inner.read.bind(inner),
      free: inner.free.bind(inner),
    });
    const inner = new ReferenceBackend();
    const wrong = wrap({
      ...bound(inner),
      run(operation, name, inputs, params) {
        const outputs = inner.run(operation, name, inputs, params);
        if (operation.name === 'rope') new Uint32Array((outputs[0] as unknown as { values: Float32Array }).values.buffer)[7]! ^= 1;
        return outputs;
      },
    });
    expect((await selfTest(wrong)).filter(({ ok }) => !ok)).toEqual([{ name: 'rope', ok: false }]);
    const lost = wrap({
      run: () => {
        throw new Error('lost');
      },
    });
    expect((await selfTest(lost)).every(({ ok }) => !ok)).toBe(true);
  });
});
