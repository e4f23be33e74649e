import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../scripts/pretrain/initial-weights.ts';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../kernels/reference/backend.ts';
import { Scope } from '../kernels/scope.ts';
import { type RunFile, parseRunFile } from '../protocol/run.ts';
import type { Sequence } from './batch.ts';
import { parseConfig } from './config.ts';
import { downloadLora, freeLora } from './lora.ts';
import { measureTrainingStep } from './measure-training.ts';
import { uploadModel } from './model.ts';
import { scheduledRate } from './optimizer.ts';
import { DEFAULT_RECIPE, type TrainRecipe, recipeJson, recipeOfRun } from './recipe.ts';
import { type StepReport, type TrainCheckpoint, type TrainOptions, initialLora, meanLoss, stepGradient, stepParts, train } from './train.ts';

const config = parseConfig(configJson(32, 2, 48, 96));
const backend = await createCpuBackend();
const model = uploadModel(backend, config, initialWeights(config, 1));
const record = (seed: number, ...lengths: number[]): Sequence[] =>
  lengths.map((length, s) => ({ ids: Array.from({ length }, (_, i) => 1 + ((seed * 31 + s * 17 + i * 7) % 90)), start: 1 + (seed % 3) }));
const records = [record(1, 8), record(2, 6, 9), record(3, 12), record(4, 5, 5), record(5, 7)];
const recipe: TrainRecipe = { ...DEFAULT_RECIPE, rank: 3, alpha: 6, epochs: 3, batch: 3 };

const factors = async (change: Partial<TrainRecipe> = {}, options: TrainOptions = {}, on = model) => {
  const lora = await train(on, records, { ...recipe, ...change }, options);
  const tensors = await downloadLora(on.backend, lora);
  freeLora(on.backend, lora);
  return tensors;
};

describe('training', async () => {
  const whole = await factors();

  it('gives the same bytes on another backend', async () => {
    const reference = new ReferenceBackend();
    expect(await factors({}, {}, uploadModel(reference, config, initialWeights(config, 1)))).toEqual(whole);
  });

  it.each(['q4', 'q8', 'bf16'] as const)('on a base held in %s gives the same bytes on another backend and with activations computed again', async (format) => {
    const [here, there] = [backend, new ReferenceBackend()].map((on) => uploadModel(on, config, initialWeights(config, 1), true, format));
    const rounded = await factors({}, {}, here);
    expect(await factors({}, {}, there)).toEqual(rounded);
    expect(rounded).not.toEqual(whole);
    const totals = async (keep: 'layers' | 'inputs') => {
      const lora = initialLora(backend, config, recipe, 5);
      const scope = new Scope(backend);
      const { gradients } = stepGradient(scope, here!, lora, [records], { keep });
      const values = await Promise.all([...gradients.values()].map((tensor) => backend.read(tensor)));
      scope.release();
      freeLora(backend, lora);
      return values;
    };
    expect(await totals('inputs')).toEqual(await totals('layers'));
  });

  it('takes weights of records: 1 changes nothing, 0 leaves a record out, even a whole step of them', async () => {
    const without = (k: number) => records.map((_, i) => (i === k ? 0 : 1));
    expect(await factors({}, { weights: records.map(() => 1) })).toEqual(whole);
    const gone = await factors({}, { weights: without(1) });
    expect(gone).not.toEqual(whole);
    const other = await train(model, records.map((own, k) => (k === 1 ? record(6, 9) : own)), recipe, { weights: without(1) });
    expect(await downloadLora(backend, other)).toEqual(gone);
    freeLora(backend, other);
    const alone = await factors({ batch: 1 }, { weights: without(4) });
    expect(await factors({ batch: 1 }, { weights: [1, 1, 1, 1, 0.5] })).not.toEqual(alone);
  });

  it('gives the same bytes when it was stopped and went on, at any step', async () => {
    const before = backend.memory().bytes;
    for (const stop of [1, 3, 5]) {
      const controller = new AbortController();
      const kept: TrainCheckpoint[] = [];
      const options = { onCheckpoint: (checkpoint: TrainCheckpoint) => void kept.push(structuredClone(checkpoint)), signal: controller.signal };
      await expect(factors({}, { ...options, onStep: ({ step }) => step === stop && controller.abort() })).rejects.toMatchObject({ code: 'cancelled' });
      expect(kept.map(({ step }) => step)).toEqual([stop]);
      const steps: number[] = [];
      expect(await factors({}, { checkpoint: kept[0], onStep: ({ step }) => steps.push(step) })).toEqual(whole);
      expect(steps).toEqual([1, 2, 3, 4, 5, 6].slice(stop));
    }
    expect(backend.memory().bytes).toBe(before);
  });

  it('gives checkpoints as it goes, and refuses those of another recipe', async () => {
    const kept: TrainCheckpoint[] = [];
    expect(await factors({}, { checkpointEvery: 2, onCheckpoint: (checkpoint) => void kept.push(checkpoint) })).toEqual(whole);
    expect(kept.map(({ step }) => step)).toEqual([2, 4]);
    expect(await factors({}, { checkpoint: kept[1] })).toEqual(whole);
    await expect(factors({ rank: 4 }, { checkpoint: kept[0] })).rejects.toMatchObject({ code: 'train/bad-checkpoint' });
    await expect(factors({ targets: ['q_proj'] }, { checkpoint: kept[0] })).rejects.toMatchObject({ code: 'train/bad-checkpoint' });
    await expect(factors({ epochs: 1 }, { checkpoint: kept[1] })).rejects.toMatchObject({ code: 'train/bad-checkpoint' });
  });

  it('splits a step as the recipe says', async () => {
    expect(stepParts({}, [1, 2, 3])).toEqual([[1, 2], [3]]);
    expect(stepParts({ accumulate: 1 }, [1, 2, 3])).toEqual([[1, 2, 3]]);
    expect(stepParts({ accumulate: 5 }, [1, 2, 3])).toEqual([[1], [2], [3]]);
    expect(await factors({ accumulate: 2 })).toEqual(whole);
    const once = await factors({ accumulate: 1 });
    const thrice = await factors({ accumulate: 3 });
    expect(once).not.toEqual(whole);
    // Other bits, the same adapter within rounding.
    for (const [name, { values }] of whole) {
      for (const other of [once, thrice]) {
        const difference = Math.max(...values.map((value, i) => Math.abs(value - other.get(name)!.values[i]!)));
        expect(difference, name).toBeLessThan(1e-3);
      }
    }
  });

  it('reports the loss of what is held out after every epoch, which changes no bit', async () => {
    const reports: StepReport[] = [];
    const heldOut = [record(6, 9), record(7, 4, 8)];
    expect(await factors({}, { heldOut, onStep: (report) => reports.push(report) })).toEqual(whole);
    expect(reports.map(({ heldOut: value }) => value !== undefined)).toEqual([false, true, false, true, false, true]);
    const lora = await train(model, records, recipe);
    expect(reports[5]!.heldOut).toBe(await meanLoss(model, lora, heldOut));
    // A mean over records: that of the two alone.
    expect(reports[5]!.heldOut).toBeCloseTo(((await meanLoss(model, lora, [heldOut[0]!])) + (await meanLoss(model, lora, [heldOut[1]!]))) / 2, 5);
    freeLora(backend, lora);
    expect(reports[5]!.tokens).toBe(3 * (7 + 5 + 8 + 11 + 4 + 4 + 6));
  });

  it('keeps the rate where the schedule is constant', async () => {
    expect([0, 1, 2, 50, 99].map((t) => scheduledRate(8, t, 100, 2, 'constant'))).toEqual([4, 8, 8, 8, 8]);
    expect(scheduledRate(8, 99, 100, 2)).toBeLessThan(0.9);
    expect(await factors({ schedule: 'constant' })).not.toEqual(whole);
    expect(await factors({ schedule: 'cosine' })).toEqual(whole);
  });

  it.each([{ rank: 0 }, { alpha: NaN }, { epochs: 1.5 }, { batch: 0 }, { rate: Infinity }, { rate: -1 }, { accumulate: 0 }, { schedule: 'linear' as never }, { seed: -1 }])('refuses %j', async (change) => {
    await expect(factors(change)).rejects.toMatchObject({ code: 'train/bad-recipe', message: expect.stringContaining(Object.keys(change)[0]!) as string });
  });

  it.each([{ targets: [] }, { layers: [9] }, { modules: 'q_proj' }])('refuses %j, which adapts nothing', async (change) => {
    await expect(factors(change)).rejects.toMatchObject({ code: 'train/bad-recipe' });
  });

  it('is timed without leaving anything behind', async () => {
    await measureTrainingStep(model, records.slice(0, 2), recipe, 1);
    const before = backend.memory().bytes;
    const { forward, step, update, bound, ratio } = await measureTrainingStep(model, records.slice(0, 3), recipe, 2);
    expect(Math.min(forward, step, update)).toBeGreaterThan(0);
    expect([bound, ratio]).toEqual([2 * forward + update, step / bound]);
    expect(backend.memory().bytes).toBe(before);
  });

  it('adapts what the patterns say', async () => {
    const made = await factors({ layers: [1], rankPattern: { up_proj: 5 } });
    expect([...made.keys()].every((name) => name.includes('layers.1.'))).toBe(true);
    expect(made.get('base_model.model.model.layers.1.mlp.up_proj.lora_A.weight')!.shape).toEqual([5, 32]);
  });
});

describe('a recipe in run.json', () => {
  const hex = `0x${'0'.repeat(64)}` as const;
  const run = (given: object): RunFile => ({
    openledger: 'run/1', arithmetic: 'RF32/2', method: 'datainf/1', base: { name: 'b', cid: 'bafybase1234', root: hex }, datanet: { name: 'd', recordsRoot: hex, records: 1 },
    recipe: given as RunFile['recipe'], adapter: { root: hex }, ledger: { checkpoints: 5, draws: 2, dimension: 4096, damping: '0.1', seed: 1, checkpointsRoot: hex, root: hex, program: hex },
  });
  it.each([
    {}, { schedule: 'constant' as const }, { accumulate: 4 }, { modules: '.*q_proj', exclude: ['v_proj'] }, { layers: [1, 2], layersPattern: ['layers'] },
    { rankPattern: { q_proj: 4 }, alphaPattern: { 'a.*': 0.5 } },
  ])('with %j comes back', (change) => {
    const full = { ...DEFAULT_RECIPE, ...change };
    expect(recipeOfRun(parseRunFile(JSON.parse(JSON.stringify(run(recipeJson(full))))).recipe)).toEqual(full);
  });
  it('says nothing of what is usual, so that files stay as they were', () => {
    expect(recipeJson({ ...DEFAULT_RECIPE, schedule: 'cosine', accumulate: 2 })).toEqual({ ...DEFAULT_RECIPE, rate: '0.004' });
  });
  it.each([
    ['recipe.schedule', { schedule: 'cosine' }], ['recipe.accumulate', { accumulate: 0 }], ['recipe.modules', { modules: 4 }], ['recipe.exclude[0]', { exclude: [1] }],
    ['recipe.layers[1]', { layers: [1, -1] }], ['recipe.rankPattern.q_proj', { rankPattern: { q_proj: 0 } }], ['recipe.alphaPattern', { alphaPattern: [] }],
    ['recipe.layersPattern', { layersPattern: new Array(5000).fill('a') }], ['recipe.targets', { targets: 'q_proj' }],
  ])('names %s where it is wrong', (field, change) => {
    expect(() => parseRunFile(run({ ...recipeJson(DEFAULT_RECIPE), ...change }))).toThrow(field);
  });
});
