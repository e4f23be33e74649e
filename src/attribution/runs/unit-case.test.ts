import { afterEach, expect, test, vi } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { SEARCH_LIMITS } from '../trace/search-plan.ts';
import { TraceTree } from '../trace/tree.ts';
import { RunExaminer } from './examine.ts';
import { ALL_OUTPUTS, tracePlace } from './places.ts';
import { openSubject } from './run-of-adapter.ts';
import { FalseMaker, flipBit } from './testing/false-maker.ts';
import { smallRun } from './testing/small-run.ts';
import { UnitCase } from './unit-case.ts';

const backend = await createCpuBackend();
const { model, plan: { subject } } = smallRun(backend);
const run = await openSubject(model, subject, backend);
const { plan, tracer } = run;
const examiner = new RunExaminer(run);
const own = await examiner.outputs();

afterEach(() => vi.restoreAllMocks());

// The first output of a rows unit is a sketch of what the unit itself made before.
test.each([['outcome', 4, 1], ['scale', 1, 1], ['rows', 4, 0]] as const)('of the sources of a unit, those alone are hashed that the false step reads: %s', async (kind, sources, few) => {
  let unit = plan.count - 1;
  while (plan.program(unit)!.split(' ')[0] !== kind) unit--;
  const maker = await FalseMaker.of(run, own, unit, { change: (index, matrix, first) => void (index === first && flipBit(matrix, 1)) });
  const traced = await examiner.unit(unit);
  const { parts } = traced;
  const found = new UnitCase(tracer, traced, maker.trace);
  let hashed = vi.spyOn(TraceTree, 'of');
  let evidence = await found.evidence();
  for (let round = 0; !evidence && round < 5; round++) {
    for (const one of found.next()) found.add({ ...one, ...maker.shown(one) } as Parameters<UnitCase['add']>[0]);
    hashed.mockRestore();
    hashed = vi.spyOn(TraceTree, 'of');
    evidence = await found.evidence();
  }
  const { reads } = evidence!;
  expect([parts.sources.length, reads.length]).toEqual([sources, few]);
  const hashedOnes = hashed.mock.calls.map(([matrices]) => parts.sources.findIndex((one) => one === matrices));
  expect(hashedOnes.sort((a, b) => a - b)).toEqual(reads);
}, 60_000);

test('the root of the trace is asked for with the first nodes, within as many places as are allowed', async () => {
  const unit = plan.stateUnit(2);
  const maker = await FalseMaker.of(run, own, unit, { change: (index, matrix) => void (index === 2 && (matrix.values[1] = 0.75)) });
  const traced = await examiner.unit(unit);
  const begin = new UnitCase(tracer, traced, { outputRoot: maker.trace.outputRoot, innerRoot: undefined });
  expect(await begin.evidence()).toBeUndefined();
  for (const places of [1, 2, 5, 16]) {
    const [root, ...nodes] = begin.next({ ...SEARCH_LIMITS, places });
    expect(root).toEqual(tracePlace(unit));
    expect(nodes.length).toBeLessThan(places);
    expect(nodes.length > 0).toBe(places > 1);
    // The same places, once it is known: nothing of it was shown.
    const known = new UnitCase(tracer, traced, maker.trace);
    if (places > 1) expect(known.next({ ...SEARCH_LIMITS, places })).toEqual(nodes);
  }
  // Only the outputs are false: they are searched in the two rounds that are left.
  const right = new UnitCase(tracer, traced, { outputRoot: maker.trace.outputRoot, innerRoot: traced.trace.inner.root });
  expect(right.next().every(({ index }) => index === ALL_OUTPUTS || index >= tracer.firstOutput(traced.parts.kind))).toBe(true);
  expect(() => new UnitCase(tracer, traced, { outputRoot: traced.trace.outputs.root, innerRoot: traced.trace.inner.root })).toThrow(RangeError);
}, 60_000);

test('a unit that is nothing but outputs is searched in them from the first round on', async () => {
  const unit = plan.count - 1;
  const maker = await FalseMaker.of(run, own, unit, { change: (index, matrix) => void (index === 3 && matrix.values.fill(0.5)) });
  const traced = await examiner.unit(unit);
  expect(tracer.firstOutput(traced.parts.kind)).toBe(0);
  const [, ...first] = new UnitCase(tracer, traced, { outputRoot: maker.trace.outputRoot, innerRoot: undefined }).next();
  expect(first.length).toBeGreaterThan(0);
  const found = new UnitCase(tracer, traced, maker.trace);
  expect(found.next()).toEqual(first);
  let rounds = 0;
  for (; !(await found.evidence()); rounds++) for (const one of found.next()) found.add({ ...one, ...maker.shown(one) } as Parameters<UnitCase['add']>[0]);
  expect(rounds).toBeLessThanOrEqual(3);
}, 60_000);
