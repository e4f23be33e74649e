/** Claims about what no honest run ends with: more tokens than the model has positions, and numbers beyond the range of RF32. They are found and convicted as others are. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeOutputs } from '../../src/attribution/runs/judged-outputs.ts';
import { RunExaminer } from '../../src/attribution/runs/examine.ts';
import { openSubject } from '../../src/attribution/runs/run-of-adapter.ts';
import { FalseMaker } from '../../src/attribution/runs/testing/false-maker.ts';
import { smallRun } from '../../src/attribution/runs/testing/small-run.ts';
import { UnitCase, type UnitShown } from '../../src/attribution/runs/unit-case.ts';
import { findingOf } from '../../src/attribution/trace/finding.ts';
import { inspectAnswer } from '../../src/attribution/trace/inspect.ts';
import type { TraceInputs } from '../../src/attribution/trace/instruction.ts';
import type { ShownPiece } from '../../src/attribution/trace/node-search.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import { SEARCH_LIMITS } from '../../src/attribution/trace/search-plan.ts';
import { inputsHash } from '../../src/attribution/trace/step.ts';
import { shownBy } from '../../src/attribution/trace/testing/shown-by.ts';
import { type SmallTrace, randomInputs, runAll, smallTrace } from '../../src/attribution/trace/testing/small-trace.ts';
import { Tracer } from '../../src/attribution/trace/tracer.ts';
import { TraceTree } from '../../src/attribution/trace/tree.ts';
import { unitInputsHash } from '../../src/attribution/trace/unit.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import type { ClaimedAnswer } from '../../src/protocol/answers.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import { DEFAULT_PAYOUT_RULE } from '../../src/protocol/payout-rule.ts';
import { type ScratchReferee, startReferee } from './scratch-referee.ts';

const backend = await createCpuBackend();
let referee: ScratchReferee;
beforeAll(async () => {
  referee = await startReferee();
}, 60_000);
afterAll(() => referee?.stop());

const flat = (trace: readonly Matrix[]) => trace.findIndex(({ values }) => !values.every(Number.isFinite));

/** Goes on until something is proved, its maker showing all that is demanded; what is proved is asked of the referee. */
async function judged({ model, ledger }: SmallTrace, inputs: TraceInputs, trace: readonly Matrix[], publish: boolean) {
  const tracer = await Tracer.of(backend, model, ledger);
  const tree = TraceTree.of(trace);
  const { tokens, answer } = inputs;
  const about: ClaimedAnswer = {
    tokensIn: tokens.length - answer, tokensOut: answer, receiptHash: tree.root, inputsHash: inputsHash(inputs), traceRoot: tree.root,
    workingsRoot: tree.root, payoutRoot: tree.root, payoutCount: 0, allocated: 0n, read: [],
  };
  const inspection = await inspectAnswer(tracer, {
    answer: about, programHash: tracer.programHash, receipt: { prompt: { tokens: tokens.slice(0, -answer) }, answer: { tokens: tokens.slice(-answer) } }, published: publish ? tree.bytes() : undefined,
    contributors: [1, 2, 3, 4, 5].map((k): Hex => `0x${String(k).padStart(40, '0')}`),
    prices: { rateIn: '1', rateOut: '1', platformFee: '0', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE },
  });
  const shown: ShownPiece[] = [];
  for (let round = 0; ; round++) {
    const found = await findingOf(tracer, inspection, { answer: about, records: [], shown }, { limits: { ...SEARCH_LIMITS, asserts: false } });
    if (found.kind === 'demand' && round < 5) {
      shown.push(...found.places.map(shownBy(trace)));
      continue;
    }
    if (found.kind !== 'false' || found.evidence.kind !== 'step') throw new Error(`${found.kind}: ${found.where}`);
    const { step } = found.evidence;
    return { index: step.index, isFalse: await referee.isFalse({ program: tracer.programHash, inputs: inputsHash(inputs), trace: tree.root, step }) };
  }
}

test('more tokens than positions: one bit anywhere is convicted', async () => {
  const small = await smallTrace(backend);
  const inputs = randomInputs(small.model.config.vocab, small.model.positions + 9, 6);
  const right = await runAll(backend, small, inputs, { anyRange: true });
  expect(flat(right)).toBe(-1);
  const ropes = small.program.instructions.flatMap(({ op }, k) => (op === 'rope' ? [k] : []));
  for (const [seed, index] of [ropes[0]!, ropes.at(-1)!, 40, right.length - 3].entries()) {
    const { values } = right[index]!;
    const changed = values.slice();
    // In a row behind the last position.
    new Uint32Array(changed.buffer)[values.length - 1 - seed]! ^= 2 ** (5 + seed);
    expect(await judged(small, inputs, right.with(index, { ...right[index]!, values: changed }), seed % 2 === 0)).toEqual({ index, isFalse: true });
  }
}, 60_000);

test.each([1e14, 1e22, 1e36])('an adapter of strength %f: where no number comes out, any claim is convicted', async (alpha) => {
  const small = await smallTrace(backend, { lora: { alpha } });
  const inputs = randomInputs(small.model.config.vocab, 12, 5);
  const computed = await runAll(backend, small, inputs, { anyRange: true });
  const index = flat(computed);
  expect(index).toBeGreaterThan(0);
  const zeros = await runAll(backend, small, inputs, { anyRange: true, change: (_, { values }) => values.forEach((value, k) => Number.isFinite(value) || (values[k] = 0)) });
  for (const publish of [true, false]) {
    expect(await judged(small, inputs, computed, publish)).toEqual({ index, isFalse: true });
    expect(await judged(small, inputs, zeros, publish)).toEqual({ index, isFalse: true });
  }
}, 60_000);

test.each([1e20, 1e38])('a run at a rate of %f that somebody vouched for: where no number comes out, the unit is convicted', async (rate) => {
  const { model, plan: { subject } } = smallRun(backend, { recipe: { rate } });
  const run = await openSubject(model, subject, backend);
  const { outputs, broken } = await judgeOutputs(run);
  const { made } = broken!;
  const unit = broken!.unit!;
  const zeros = (_index: number, { values }: Matrix) => values.forEach((value, k) => Number.isFinite(value) || (values[k] = 0));
  const { trace: claimed, ...maker } = await FalseMaker.of(run, outputs, unit, { change: zeros, anyRange: true, made }).then((one) => ({ trace: one.trace, shown: one.shown.bind(one) }));
  const found = new UnitCase(run.tracer, await new RunExaminer(run).unit(unit), claimed);
  let evidence = await found.evidence();
  for (let round = 0; !evidence && round < 3; round++) {
    for (const place of found.next()) found.add({ ...place, ...maker.shown(place) } as UnitShown);
    evidence = await found.evidence();
  }
  const kind = run.plan.program(unit)!;
  expect(await referee.isFalse({
    unit: {
      programHash: run.tracer.programHash(kind), inputsHash: unitInputsHash(run.plan.inputs(unit)), outputRoot: claimed.outputRoot,
      sourceRoots: run.plan.sources(unit).map((source, k): Hex => (evidence!.reads.includes(k) ? outputs.of(source) : `0x${'0'.repeat(64)}`)),
    },
    shape: evidence!.shape, innerRoot: claimed.innerRoot, step: evidence!.step,
  })).toBe(true);
}, 60_000);
