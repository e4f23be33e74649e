import { expect, test } from 'vitest';
import { randomWord } from '../../arithmetic/random.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { Sequence } from '../../model/batch.ts';
import { freeLora, uploadLora } from '../../model/lora.ts';
import { buildCurvatureLedger, freeCurvatureLedger } from '../curvature/curvature-ledger.ts';
import { LoadedConstants } from '../trace/constants.ts';
import { traceProgram } from '../trace/program.ts';
import { type Matrix, sameBits } from '../trace/run.ts';
import { RunReplay } from './replay.ts';
import { stateTensors } from './state-tensors.ts';
import { type SmallRunOptions, smallRun, unitTracer } from './testing/small-run.ts';

const backend = await createCpuBackend();
const made = (count: number): Sequence[][] => Array.from({ length: count }, (_, k) => [{ ids: Array.from({ length: 3 + (k % 3) }, (_id, at) => randomWord(9, k, at) % 40), start: 1 + (k % 2) }]);
const SHORT: SmallRunOptions['recipe'] = { epochs: 1, batch: 8 };

test.each<[string, SmallRunOptions]>([
  ['three records, sketched, two checkpoints', {}],
  ['one record', { records: made(1) }],
  ['one checkpoint, three draws, parts of other sizes', { records: made(11), settings: { checkpoints: 1, draws: 3, dimension: 64 } }],
  ['an adapter laid end to end', { records: made(9), settings: { dimension: 4096 } }],
  ['rows of several blocks', { records: made(5), recipe: { rank: 8 }, settings: { dimension: 640 } }],
  ['more than 256 draws, more than one group and block of chance, several panels', { records: made(70), recipe: SHORT, settings: { draws: 4 } }],
  ['the same of a tiny adapter', { records: made(66), recipe: { ...SHORT, rank: 1, targets: ['v_proj'] }, settings: { draws: 2 } }],
])('%s: the last unit makes what the engine’s ledger has, to the bit', async (_name, options) => {
  const { model, plan } = smallRun(backend, options);
  const { recipe, records, settings } = plan.subject;
  const tracer = await unitTracer(backend, model, plan);
  const replay = new RunReplay(model, plan, tracer);
  const seen = new Set<number>();
  let outcome: readonly Matrix[] = [];
  await replay.follow((unit, matrices) => {
    expect(seen.has(unit)).toBe(false);
    seen.add(unit);
    expect(matrices.map(({ rows, columns }) => ({ rows, columns })), plan.describe(unit)).toEqual(plan.outputs(unit));
    if (unit === plan.count - 1) outcome = matrices;
  });
  expect(seen.size).toBe(plan.count);
  const states = await replay.outputsOf(plan.checkpoints.map((step) => plan.stateUnit(step)));
  const checkpoints = plan.checkpoints.map((step) => uploadLora(backend, model.config, recipe, stateTensors(plan, states.get(plan.stateUnit(step))!)));
  const ledger = await buildCurvatureLedger(model, checkpoints, records, settings, plan.ledgerOptions.pace);
  const { width } = plan.ledger.sizes;
  const program = traceProgram({ config: model.config, positions: model.positions, layers: tracer.subject.layers, checkpoints: checkpoints.length, width, records: records.length });
  const constants = new LoadedConstants(program, model, ledger);
  const fromRun = program.origins.flatMap(({ kind }, k) => (['factor', 'scale', 'rows', 'noise'].includes(kind) ? [k] : []));
  expect(plan.ledger.outcome.map(({ index }) => index)).toEqual(fromRun);
  expect(outcome).toHaveLength(fromRun.length);
  for (const [k, index] of fromRun.entries()) {
    const expected = await constants.matrix(index);
    const found = outcome[k]!;
    expect([found.rows, found.columns], program.constants[index]!.name).toEqual([expected.rows, expected.columns]);
    const other = expected.values.findIndex((value, i) => !sameBits(value, found.values[i]!));
    if (other >= 0) expect.fail(`${program.constants[index]!.name} at ${other}: ${found.values[other]}, not ${expected.values[other]}`);
  }
  // Not for want of anything to compare.
  expect(ledger.noise.some((value) => value > 0) || records.length === 1).toBe(true);
  expect(outcome[fromRun.findIndex((index) => program.origins[index]!.kind === 'rows')]!.values.some((value) => value !== 0)).toBe(true);
  freeCurvatureLedger(backend, ledger);
  for (const lora of checkpoints) freeLora(backend, lora);
});

test('makes the same units whatever is kept in between, and any of them again', async () => {
  const { model, plan } = smallRun(backend, { records: made(19), recipe: SHORT, settings: { draws: 3 } });
  const tracer = await unitTracer(backend, model, plan);
  const all = new Map<number, readonly Matrix[]>();
  const whole = new RunReplay(model, plan, tracer);
  await whole.follow((unit, matrices) => void all.set(unit, matrices));
  const same = (unit: number, matrices: readonly Matrix[]) => expect(matrices.map(({ values }) => [...values]), plan.describe(unit)).toEqual(all.get(unit)!.map(({ values }) => [...values]));
  const bytes = 4 * plan.tensors.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  // Nothing; chance at the last checkpoint and own gradients alone; some draws more.
  for (const ledgerBytes of [0, 19 * 3 * bytes, 19 * 5 * bytes]) {
    let count = 0;
    const replay = new RunReplay(model, plan, tracer, { ledgerBytes });
    // Twice: what the first time has left is in no way of the second.
    for (const times of [1, 2]) {
      await replay.follow((unit, matrices) => {
        count++;
        same(unit, matrices);
      });
      expect(count).toBe(times * plan.count);
    }
  }
  // One of every kind, from what follow kept, and from nothing but the base.
  const kinds = new Map(Array.from({ length: plan.count }, (_, unit) => [plan.program(unit), unit] as const));
  for (const replay of [whole, new RunReplay(model, plan, tracer, { stateBytes: 0, ledgerBytes: 0 })]) {
    const found = await replay.outputsOf([...kinds.values()]);
    expect(found.size).toBe(kinds.size);
    for (const [unit, matrices] of found) same(unit, matrices);
  }
});

test('a run whose rows do not fit is not begun', async () => {
  const { model, plan } = smallRun(backend);
  const large = Object.create(plan, { ledger: { value: Object.create(plan.ledger, { heldBytes: { value: 2 ** 33 } }) } }) as typeof plan;
  let begun = false;
  const follow = new RunReplay(model, large, await unitTracer(backend, model, plan)).follow(() => void (begun = true));
  await expect(follow).rejects.toMatchObject({ code: 'run/too-large' });
  expect(begun).toBe(false);
});
