import { expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { freeLora, uploadLora } from '../../model/lora.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { buildCurvatureLedger, freeCurvatureLedger } from '../curvature/curvature-ledger.ts';
import { headerOf } from '../trace/step.ts';
import { Tracer } from '../trace/tracer.ts';
import { TraceTree, floatBytes, leafValues } from '../trace/tree.ts';
import { outcomeEvidence, outcomeOf } from './outcome-evidence.ts';
import { openSubject } from './run-of-adapter.ts';
import { stateTensors } from './state-tensors.ts';
import { flipBit } from './testing/false-maker.ts';
import { otherProgram, withoutLastRecord } from './testing/other-program.ts';
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
  expect(evidence).toMatchObject({ rows, columns, output: outcome.indices.indexOf(index), givenRows: rows, givenColumns: columns, registered: headerOf(program, registered.committed.root) });
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

test('a ledger of one record less is found by its size', async () => {
  const registered = await withoutLastRecord(outcome);
  const { evidence, where } = (await outcomeEvidence(run, outcome, registered))!;
  const index = of('rows');
  const { rows, columns } = program.constants[index]!;
  expect(where).toBe(`ledger.rows, which is [${rows - 1},${columns}] and not [${rows},${columns}]`);
  expect(evidence).toMatchObject({ output: outcome.indices.indexOf(index), rows, columns, givenRows: rows - 1, givenColumns: columns, registered: headerOf(registered.program, registered.committed.root) });
  expect(evidence.made).toMatchObject({ leaf: 0, proof: TraceTree.of(outcome.made).proof(evidence.output, 0) });
  expect(evidence.given).toMatchObject({ leaf: 0, proof: registered.committed.proof(index, 0) });
});

test('what comes first is shown, be it a number or a size', async () => {
  const first = Math.min(...outcome.indices);
  const both = await otherProgram(await withoutLastRecord(outcome), (matrix, k) => void (k === first && flipBit(matrix)));
  expect(await outcomeEvidence(run, outcome, both)).toMatchObject({ where: `${program.constants[first]!.name}, row 0, column 0`, evidence: { output: 0 } });
  const resized = await otherProgram(both, ({ rows, columns, values }, k) => (k === first ? { rows: columns, columns: rows, values } : undefined));
  expect(await outcomeEvidence(run, outcome, resized)).toMatchObject({ where: expect.stringContaining(`${program.constants[first]!.name}, which is [`) as string, evidence: { output: 0 } });
});

test('a program with fewer constants is shown without a leaf, one with no rows by what comes after', async () => {
  const count = outcome.indices.at(-1)!;
  const fewer = await otherProgram(outcome, () => undefined, count);
  const { evidence, where } = (await outcomeEvidence(run, outcome, fewer))!;
  expect(where).toBe(`${program.constants[count]!.name}, which it does not have`);
  expect(evidence).toMatchObject({ output: outcome.indices.length - 1, givenRows: 0, givenColumns: 0, given: { values: '0x', proof: [] }, registered: { constantCount: BigInt(count) } });
  const none = await otherProgram(await withoutLastRecord(outcome), ({ columns }, k) => (k === of('rows') ? { rows: 0, columns, values: new Float32Array() } : undefined));
  expect((await outcomeEvidence(run, outcome, none))!.where).toContain('ledger.noise, which is [');
});

test('more constants, or others of what no run makes, say nothing about this run', async () => {
  const more = { ...outcome, program: { ...program, constants: [...program.constants, program.constants[0]!] } };
  const wider = await otherProgram(outcome, ({ rows, columns, values }, k) => (k === of('weight') ? { rows: columns, columns: rows, values } : undefined));
  for (const other of [more, wider]) expect(await outcomeEvidence(run, outcome, other)).toBeUndefined();
});
