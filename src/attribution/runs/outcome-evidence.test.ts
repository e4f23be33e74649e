import { expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { freeLora, uploadLora } from '../../model/lora.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import { buildCurvatureLedger, freeCurvatureLedger } from '../curvature/curvature-ledger.ts';
import { headerOf } from '../trace/step.ts';
import { Tracer } from '../trace/tracer.ts';
import { TraceTree, floatBytes, leafValues } from '../trace/tree.ts';
import { outcomeEvidence, outcomeOf } from './outcome-evidence.ts';
import { openSubject } from './run-of-adapter.ts';
import { stateTensors } from './state-tensors.ts';
import { flipBit } from './testing/false-maker.ts';
import { otherProgram } from './testing/other-program.ts';
import { smallRun } from './testing/small-run.ts';

const backend = await createCpuBackend();
const { model, plan: { subject } } = smallRun(backend);
const run = await openSubject(model, subject, backend);
const outcome = await outcomeOf(run);
const { program } = outcome;
const of = (kind: string) => program.origins.findIndex((origin) => origin.kind === kind);

test('the program that a run comes to is the one that the engine’s ledger gives', async () => {
  const { plan, replay } = run;
  const states = await replay.outputsOf(plan.checkpoints.map((step) => plan.stateUnit(step)));
  const checkpoints = plan.checkpoints.map((step) => uploadLora(backend, model.config, subject.recipe, stateTensors(plan, states.get(plan.stateUnit(step))!)));
  const ledger = await buildCurvatureLedger(model, checkpoints, subject.records, subject.settings, plan.ledgerOptions.pace);
  const tracer = await Tracer.of(backend, model, ledger);
  expect(outcome.programHash).toBe(tracer.programHash);
  expect(outcome.committed.root).toBe(tracer.committed.root);
  expect(await outcomeEvidence(run, outcome, tracer)).toBeUndefined();
  freeCurvatureLedger(backend, ledger);
  for (const lora of checkpoints) freeLora(backend, lora);
});

test.each(['factor', 'scale', 'rows', 'noise'])('one bit of a %s that is registered otherwise is found, with both leaves', async (kind) => {
  const index = of(kind);
  const { rows, columns } = program.constants[index]!;
  const at = rows * columns - 1;
  const registered = await otherProgram(outcome, (matrix, k) => void (k === index && flipBit(matrix, at)));
  expect(registered.programHash).not.toBe(outcome.programHash);
  const { evidence, where } = (await outcomeEvidence(run, outcome, registered))!;
  expect(where).toBe(`${program.constants[index]!.name}, row ${rows - 1}, column ${columns - 1}`);
  expect(evidence).toMatchObject({ rows, columns, output: outcome.indices.indexOf(index), registered: headerOf(program, registered.committed.root) });
  const { made, given } = evidence;
  expect(given.leaf).toBe(made.leaf);
  // The number of the constant stands among the last words of what the unit is fed.
  const fed = fromHex(evidence.inputs);
  expect(new DataView(fed.buffer, fed.byteOffset).getUint32(fed.length - 4 * (evidence.shape.outputs - evidence.output))).toBe(index);
  expect(made.values).toBe(toHex(floatBytes(leafValues(await outcome.constants.matrix(index), made.leaf).values)));
  expect(made.values).not.toBe(given.values);
  expect(made.proof).toEqual(TraceTree.of(outcome.made).proof(evidence.output, made.leaf));
  expect(given.proof).toEqual(registered.committed.proof(index, given.leaf));
});

test.each(['weight', 'rope', 'pairs', 'members'])('a %s that is registered otherwise is no outcome of the run', async (kind) => {
  const registered = await otherProgram(outcome, (matrix, k) => void (k === of(kind) && flipBit(matrix)));
  expect(registered.programHash).not.toBe(outcome.programHash);
  expect(await outcomeEvidence(run, outcome, registered)).toBeUndefined();
});

test('constants of another number or size say nothing about this run', async () => {
  const more = { ...outcome, program: { ...program, constants: [...program.constants, program.constants[0]!] }, committed: { ...outcome.committed, root: merkleRoot([]) } as TraceTree };
  const wider = { ...outcome, program: { ...program, constants: program.constants.map((one, k) => (k === of('rows') ? { ...one, rows: one.rows + 1 } : one)) } };
  for (const other of [more, wider]) expect(await outcomeEvidence(run, outcome, other)).toBeUndefined();
});
