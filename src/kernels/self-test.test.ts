import { describe, expect, it } from 'vitest';
import type { Backend } from './backend.ts';
import { runCase } from './case.ts';
import { createCpuBackend } from './cpu/backend.ts';
import { operations } from './operations.ts';
import { ReferenceBackend } from './reference/backend.ts';
import { createMatrix, freeMatrix } from './matrix/matrix.ts';
import { ALL_USES, answerDigest, requireCurvatureTest, requireSelfTest, selfTest } from './self-test.ts';
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

  it('asks for packed formats and splits when a model has them, once', async () => {
    const asked: string[] = [];
    const cpu = await createCpuBackend({ maxBinding: 40_000 });
    const spy: Backend = Object.create(cpu, {
      run: { value: (...call: Parameters<Backend['run']>) => (asked.push(call[0].name), cpu.run(...call)) },
    }) as Backend;
    await selfTest(spy);
    expect(asked.filter((name) => /matmul|gather\./.test(name)).sort()).toEqual(['matmulNN', 'matmulNT', 'matmulTN']);
    asked.length = 0;
    const whole = createMatrix(cpu, 'w', 8, 40, 'q4');
    await requireSelfTest(spy, [whole]);
    expect(asked).toEqual(expect.arrayContaining(['matmulNT.q4', 'matmulNN.q4', 'gather.q4']));
    expect(asked.every((name) => name.includes('q4') && !name.includes('part'))).toBe(true);
    asked.length = 0;
    const split = createMatrix(cpu, 'w', 600, 160, 'q4');
    await requireSelfTest(spy, [whole, split]);
    expect(asked.sort()).toEqual(['finishTotals', 'matmulNN.f32.part', 'matmulNN.q4.part', 'placeColumns']);
    asked.length = 0;
    await requireSelfTest(spy, [whole, split]);
    expect(asked).toEqual([]);
    for (const matrix of [whole, split]) freeMatrix(cpu, matrix);
    expect(cpu.memory().bytes).toBe(0);
    const wrong: Backend = Object.create(cpu, { read: { value: async () => new Float32Array(54) } }) as Backend;
    await expect(requireSelfTest(wrong, [whole])).rejects.toMatchObject({ code: 'kernels/self-test-failed' });
  });

  it('asks for the curvature method when it is used, once', async () => {
    const asked: string[] = [];
    const cpu = await createCpuBackend();
    const spy: Backend = Object.create(cpu, {
      run: { value: (...call: Parameters<Backend['run']>) => (asked.push(call[0].name), cpu.run(...call)) },
    }) as Backend;
    const names = operations.filter(({ usedFor }) => usedFor?.curvature).map(({ name }) => name).sort();
    expect(names).toEqual(expect.arrayContaining(['choleskyUpdate', 'drawTargets', 'sketch']));
    await selfTest(spy);
    expect(asked.filter((name) => names.includes(name))).toEqual([]);
    asked.length = 0;
    await requireCurvatureTest(spy);
    await requireCurvatureTest(spy);
    expect(asked.sort()).toEqual(names);
    const wrong: Backend = Object.create(cpu, { read: { value: async () => new Float32Array(54) } }) as Backend;
    await expect(requireCurvatureTest(wrong)).rejects.toMatchObject({ code: 'kernels/self-test-failed' });
  });

  it('passes on the CPU for weights of every kind', async () => {
    const results = await selfTest(await createCpuBackend(), true, ALL_USES);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBe(selfTestCases().length + formCases().length);
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
