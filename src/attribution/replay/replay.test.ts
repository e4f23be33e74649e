import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import { downloadLora, freeLora } from '../../model/lora.ts';
import { uploadModel } from '../../model/model.ts';
import { meanLoss, train } from '../../model/train.ts';
import { spearman } from '../rank-correlation.ts';
import type { QueryPool } from './query-pool.ts';
import { replay, reverse } from './replay.ts';
import { answer, config, recipe, records, relativeError, sequence, smallModel, weights } from './testing/small-run.ts';
import { recordRun, trajectoryBytes } from './trajectory.ts';

const backend = await createCpuBackend();
const model = smallModel(backend);
const pool: QueryPool = { answers: [{ sequence: answer }] };
const other: QueryPool = { answers: [{ sequence: sequence(51, 7), selected: { from: 1, to: 3 } }] };
const influenceOf = async (pools: QueryPool[], options = {}, on = model) => (await replay(on, records, recipe, pools, options)).pools.map(({ influence }) => influence);

describe('replay', async () => {
  const [alone] = await influenceOf([pool]);

  it('says what leaving a record out does', async () => {
    const many = Array.from({ length: 24 }, (_, k) => [sequence(k + 1, 4 + (k % 3))]);
    const gentle = { ...recipe, batch: 8, epochs: 10, rate: 2e-3 };
    const { pools: [whole] } = await replay(model, many, gentle, [pool]);
    const change: number[] = [];
    for (let leftOut = 0; leftOut < many.length; leftOut++) {
      const lora = await train(model, many, gentle, { weights: many.map((_, k) => (k === leftOut ? 0 : 1)) });
      change.push((await meanLoss(model, lora, [[answer]])) - whole!.loss);
      freeLora(backend, lora);
    }
    // Measured: 0.970.
    expect(spearman(whole!.influence, change)).toBeGreaterThanOrEqual(0.93);
  });

  it('gives the same bits on another backend, and with stretches of the run made again', async () => {
    expect(await influenceOf([pool], {}, smallModel(new ReferenceBackend()))).toEqual([alone]);
    const before = backend.memory().bytes;
    expect(await influenceOf([pool], { keepBytes: 0 })).toEqual([alone]);
    expect(backend.memory().bytes).toBe(before);
    const few = await recordRun(model, records, recipe, { keepBytes: 0 });
    expect(few.kept.map(({ step }) => step)).toEqual([0, 4, 8, 12, 15]);
    expect(trajectoryBytes(few.values, few.steps, 0)).toBe(12 * few.values * (5 + 5));
  });

  it('takes several pools at once, each as if it were alone', async () => {
    const [first, second] = await influenceOf([pool, other]);
    expect(first).toEqual(alone);
    expect([second]).toEqual(await influenceOf([other]));
    const [both] = await influenceOf([{ answers: [{ ...pool.answers[0]!, weight: 0.25 }, { ...other.answers[0]!, weight: 2 }] }]);
    expect(relativeError(both!, first!.map((value, k) => 0.25 * value + 2 * second![k]!))).toBeLessThan(2e-3);
  });

  it('gives 0 to records that took no part, and something else to the rest', async () => {
    const [without] = await influenceOf([pool], { weights: records.map((_, k) => (k === 2 ? 0 : 1)) });
    expect(without![2]).toBe(0);
    expect(without!.filter((value) => value === 0)).toHaveLength(1);
    expect(relativeError(without!, alone!)).toBeGreaterThan(1e-2);
  });

  it('goes on where whole steps have no record', async () => {
    const [alone1] = (await replay(model, records, { ...recipe, batch: 1 }, [pool], { weights: records.map((_, k) => (k < 3 ? 0 : 1)) })).pools;
    expect([...alone1!.influence].map((value) => value === 0)).toEqual(records.map((_, k) => k < 3));
  });

  it('follows a run of one record', async () => {
    const [own] = await reverse(await recordRun(model, records.slice(0, 1), recipe), [{ answers: [{ sequence: records[0]![0]! }] }]);
    expect(own!.influence[0]).toBeGreaterThan(0);
  });

  it('gives zeros where nothing has a gradient', async () => {
    const mute = new Map(weights).set('lm_head.weight', { shape: [13, 8], values: new Float32Array(13 * 8) });
    expect(await influenceOf([pool], {}, uploadModel(backend, config, mute))).toEqual([new Float64Array(records.length)]);
  });

  it('ends with the adapter that training made, and says when it is another', async () => {
    const lora = await train(model, records, recipe);
    const published = await downloadLora(backend, lora);
    freeLora(backend, lora);
    const isPublished = (factors: typeof published) => [...factors].every(([name, { values }]) => published.get(name)!.values.every((value, i) => value === values[i]));
    expect((await replay(model, records, recipe, [pool], { isPublished })).factors).toEqual(published);
    await expect(replay(model, records, { ...recipe, seed: 6 }, [pool], { isPublished })).rejects.toMatchObject({ code: 'replay/other-adapter' });
  });

  it.each([[2], [15], [18], [29]])('counts its progress and stops at %i', async (stop) => {
    const before = backend.memory().bytes;
    const controller = new AbortController();
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number) => {
      seen.push([done, total]);
      if (done === stop) controller.abort();
    };
    await expect(replay(model, records, recipe, [pool], { onProgress, signal: controller.signal, keepBytes: 0 })).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen).toEqual(Array.from({ length: stop }, (_, i) => [i + 1, 30]));
    expect(backend.memory().bytes).toBe(before);
  });

  it('refuses what cannot be replayed', async () => {
    await expect(replay(model, [], recipe, [pool])).rejects.toMatchObject({ code: 'replay/no-records' });
    const run = await recordRun(model, records, recipe);
    const refused: QueryPool[] = [
      { answers: [] },
      { answers: [{ sequence: answer, selected: { from: 4, to: 4 } }] },
      { answers: [{ sequence: { ids: [1, 2], start: 0 } }] },
      { answers: [{ sequence: answer, weight: Infinity }] },
    ];
    for (const bad of refused) await expect(reverse(run, [pool, bad])).rejects.toMatchObject({ code: 'replay/bad-query' });
    const broken = { ...run, kept: run.kept.map((state) => ({ ...state, theta: state.theta.map((value, i) => (i === 0 && state.step === 3 ? NaN : value)) })) };
    await expect(reverse(broken, [pool])).rejects.toMatchObject({ code: expect.stringMatching(/^(rf32\/out-of-range|replay\/not-finite)$/) as string });
  });
});
