import { expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { Matrix } from '../trace/run.ts';
import { type RunMove, RunExaminer } from './examine.ts';
import { judgeOutputs } from './judged-outputs.ts';
import { tracePlace, samePlace } from './places.ts';
import { openSubject } from './run-of-adapter.ts';
import { makeOutputRoots } from './statement.ts';
import { FalseMaker, flipBit } from './testing/false-maker.ts';
import { type SmallRunOptions, smallRun } from './testing/small-run.ts';
import type { UnitShown } from './unit-case.ts';

const backend = await createCpuBackend();

async function opened(options: SmallRunOptions) {
  const { model, plan: { subject } } = smallRun(backend, options);
  return openSubject(model, subject, backend);
}

/** Numbers in place of what is none. */
function numbered({ values }: Matrix): void {
  for (let k = 0; k < values.length; k++) if (!Number.isFinite(values[k]!)) values[k] = 1;
}

test.each([
  ['at the second step', { recipe: { rate: 1e20 } }],
  ['at the first', { recipe: { rate: 1e38, epochs: 1 } }],
] as [string, SmallRunOptions][])('a run that leaves RF32’s range %s is judged up to there, and what was vouched for it is convicted there', async (_what, options) => {
  const run = await opened(options);
  await expect(makeOutputRoots(run.replay)).rejects.toMatchObject({ code: 'rf32/out-of-range' });
  const { outputs, broken } = await judgeOutputs(run);
  expect(broken).toBeDefined();
  const unit = broken!.unit!;
  expect(run.plan.program(unit)).toBeDefined();
  const examiner = new RunExaminer(run);
  // Who would vouch for it is told.
  await expect(examiner.outputs()).rejects.toMatchObject({ code: 'rf32/out-of-range' });
  const planRoot = (await examiner.plan()).root;
  // A maker who puts numbers where there are none, and goes on with them.
  const maker = await FalseMaker.of(run, outputs, unit, { change: (_index, matrix) => numbered(matrix), anyRange: true, made: broken!.made });
  const claimed = { planRoot, outputsRoot: maker.list.root, units: run.plan.count };
  const [traces, shown]: [Map<number, Hex>, UnitShown[]] = [new Map(), []];
  let move: RunMove;
  for (let round = 0; ; round++) {
    move = await new RunExaminer(run).move(claimed, { list: maker.list.bytes, traces, shown });
    if (move.kind !== 'demand') break;
    expect(round).toBeLessThan(3);
    for (const place of move.places) {
      if (samePlace(place, tracePlace(place.answer))) traces.set(maker.unit, maker.trace.innerRoot);
      else shown.push({ ...place, ...maker.shown(place) } as UnitShown);
    }
  }
  expect(move).toMatchObject({ kind: 'prove-unit', unit });
});

test('before that a false unit is found as ever', async () => {
  const run = await opened({ recipe: { rate: 1e20 } });
  const { outputs, broken } = await judgeOutputs(run);
  const early = run.plan.partUnit(0, 0);
  expect(early).toBeLessThan(broken!.unit!);
  const maker = await FalseMaker.of(run, outputs, early, { change: (index, matrix, first) => void (index === first && flipBit(matrix)) });
  const examiner = new RunExaminer(run);
  const move = await examiner.move({ planRoot: (await examiner.plan()).root, outputsRoot: maker.list.root, units: run.plan.count }, { list: maker.list.bytes, traces: new Map(), shown: [] });
  expect(move).toMatchObject({ kind: 'demand', places: [tracePlace(early), {}] });
});

test.each([1e7, 1e14])('at a rate of %f numbers are too large for the engine and not for the contracts: every unit is judged', async (rate) => {
  const run = await opened({ recipe: { rate, epochs: rate > 1e10 ? 1 : 2 } });
  await expect(makeOutputRoots(run.replay)).rejects.toMatchObject({ code: 'rf32/out-of-range' });
  const { outputs, broken } = await judgeOutputs(run);
  expect(broken).toMatchObject({ unit: undefined });
  const examiner = new RunExaminer(run);
  const planRoot = (await examiner.plan()).root;
  // One after the run has left the engine's range, and one of the last.
  for (const unit of [[...broken!.made.keys()][0]!, run.plan.count - 2]) {
    const maker = await FalseMaker.of(run, outputs, unit, { change: (index, matrix, first) => void (index === first && flipBit(matrix)), anyRange: true, made: broken!.made });
    const move = await examiner.move({ planRoot, outputsRoot: maker.list.root, units: run.plan.count }, { list: maker.list.bytes, traces: new Map(), shown: [] });
    if (move.kind !== 'demand') throw new Error(move.kind);
    expect(move.places[0]).toEqual(tracePlace(unit));
  }
});

test('of a run that ends nothing is broken', async () => {
  const run = await opened({ recipe: { epochs: 1 } });
  const { outputs, broken } = await judgeOutputs(run);
  expect(broken).toBeUndefined();
  expect(outputs.root).toBe((await makeOutputRoots(run.replay)).root);
});
