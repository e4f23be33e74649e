import { afterEach, expect, test, vi } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { TraceTree } from '../trace/tree.ts';
import { RunExaminer } from './examine.ts';
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
