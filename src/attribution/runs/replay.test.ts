import { expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../../kernels/reference/backend.ts';
import { Scope } from '../../kernels/scope.ts';
import { downloadLora, freeLora, uploadLora } from '../../model/lora.ts';
import { type Snapshot, stepGradient, stepParts, stepRecords, train, initialLora } from '../../model/train.ts';
import { eachLabelGradients } from '../record-gradients.ts';
import type { Matrix } from '../trace/run.ts';
import { RunReplay } from './replay.ts';
import { smallRun, unitTracer } from './testing/small-run.ts';

const backend = await createCpuBackend();
const { model, plan } = smallRun(backend);
const { recipe, records } = plan.subject;
const tracer = await unitTracer(backend, model, plan);
const made = new Map<number, readonly Matrix[]>();
await new RunReplay(model, plan, tracer).follow((unit, matrices) => void made.set(unit, matrices));
// The base's weights have further forms from the first run on.
const before = backend.memory().bytes;
const values = (matrices: readonly Matrix[]) => matrices.map((matrix) => [...matrix.values]);

test('makes every unit once, the same again, and leaves nothing behind', async () => {
  expect([...made.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: plan.count }, (_, unit) => unit));
  for (const [unit, matrices] of made) expect(matrices.map(({ rows, columns }) => ({ rows, columns }))).toEqual(plan.outputs(unit));
  await new RunReplay(model, plan, tracer).follow((unit, matrices) => expect(values(matrices)).toEqual(values(made.get(unit)!)));
  expect(backend.memory().bytes).toBe(before);
});

test('makes the same on another backend', async () => {
  const slow = new ReferenceBackend();
  const there = smallRun(slow);
  await new RunReplay(there.model, there.plan, await unitTracer(slow, there.model, there.plan)).follow((unit, matrices) => expect(values(matrices), plan.describe(unit)).toEqual(values(made.get(unit)!)));
});

test('states are those of the training itself', async () => {
  const snapshots: Snapshot[] = [];
  const lora = await train(model, records, recipe, { snapshotSteps: [1, 2, 3], onSnapshot: (one) => void snapshots.push(one) });
  const all = [...snapshots, { step: plan.steps, tensors: await downloadLora(backend, lora) }];
  freeLora(backend, lora);
  for (const { step, tensors } of all) expect(values(made.get(plan.stateUnit(step))!.slice(2 * plan.tensors.length))).toEqual([...tensors.values()].map((tensor) => [...tensor.values]));
  // Moments differ from each other and from zero once there was a step.
  expect(made.get(0)!.slice(0, 2 * plan.tensors.length).every((matrix) => matrix.values.every((value) => value === 0))).toBe(true);
  expect(made.get(plan.stateUnit(1))![1]!.values.some((value) => value !== 0)).toBe(true);
});

test('the sum after a part is that of its records alone', async () => {
  const lora = initialLora(backend, model.config, recipe, recipe.seed);
  const chosen = stepRecords(recipe, records.length, 0).map((k) => records[k]!);
  const parts = stepParts(recipe, chosen);
  expect(parts).toHaveLength(2);
  const scope = new Scope(backend);
  const { gradients } = stepGradient(scope, model, lora, parts.slice(0, 1), { all: chosen.length });
  const first = await Promise.all(plan.tensors.map(async ({ name }) => [...((await backend.read(gradients.get(name)!)) as Float32Array)]));
  scope.release();
  freeLora(backend, lora);
  expect(values(made.get(1)!)).toEqual(first);
});

test('gradients of the ledger are those of the passes that build it', async () => {
  for (const [at, step] of plan.checkpoints.entries()) {
    const state = made.get(plan.stateUnit(step))!.slice(2 * plan.tensors.length);
    const snapshots: Snapshot[] = [];
    freeLora(backend, await train(model, records, recipe, { snapshotSteps: [step], onSnapshot: (one) => void snapshots.push(one) }));
    expect(values(state)).toEqual([...snapshots[0]!.tensors.values()].map((tensor) => [...tensor.values]));
    const lora = uploadLora(backend, model.config, recipe, snapshots[0]!.tensors);
    // One by one, where the replay packs records together.
    for (const [labels, { labels: own, which }] of plan.labels.entries()) {
      for (const [row, record] of which.entries()) {
        await eachLabelGradients(model, lora, records, [record], [own], async (_scope, gradients) => {
          const found = await Promise.all(plan.tensors.map(async ({ name }) => [...((await backend.read(gradients.get(name)!)) as Float32Array)]));
          expect(values(made.get(plan.gradientUnit(at, labels, row))!)).toEqual(found);
        });
      }
    }
    freeLora(backend, lora);
  }
});

test.each([['from nothing', 0], ['from states that are kept', 2 ** 20]])('single units are made again, %s', async (_name, keptBytes) => {
  const replay = new RunReplay(model, plan, tracer, { stateBytes: keptBytes, ledgerBytes: keptBytes });
  if (keptBytes) await replay.follow(() => true);
  const units = [0, 1, plan.stateUnit(2), plan.partUnit(2, 0), plan.stateUnit(plan.steps), plan.gradientUnit(0, 0, 2), plan.gradientUnit(1, 2, 1)];
  const found = await replay.outputsOf(units);
  for (const unit of units) expect(values(found.get(unit)!)).toEqual(values(made.get(unit)!));
  expect(backend.memory().bytes).toBe(before);
});

test('ends where it is told, and can be cancelled', async () => {
  for (const last of [0, 1, plan.stateUnit(1), plan.gradientUnit(0, 1, 0)]) {
    const seen: number[] = [];
    await new RunReplay(model, plan, tracer).follow((unit) => {
      seen.push(unit);
      return unit !== last;
    });
    expect(seen.at(-1)).toBe(last);
  }
  await expect(new RunReplay(model, plan, tracer).follow(() => true, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  expect(backend.memory().bytes).toBe(before);
});
