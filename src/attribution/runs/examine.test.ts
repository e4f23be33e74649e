import { describe, expect, test } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { OpenLedgerError } from '../../errors.ts';
import { type Hex, fromHex } from '../../protocol/bytes.ts';
import { merkleRoot, verifyMerkleProof } from '../../protocol/merkle.ts';
import { tensorsRoot } from '../../protocol/tensors.ts';
import { checkpointsFile } from '../checkpoints.ts';
import { rowsOf } from '../tensor-rows.ts';
import { ALL_MATRICES } from '../trace/trace-nodes.ts';
import { type RegisteredOutcome, type RunFacts, type RunMove, RunExaminer } from './examine.ts';
import { ALL_OUTPUTS, type RunPlace, describePlace, samePlace, tracePlace } from './places.ts';
import { planLeaf } from './plan.ts';
import { hasPlace, unitReplies } from './replies.ts';
import { openSubject } from './run-of-adapter.ts';
import { tensorsAfter } from './state-tensors.ts';
import { OutputRoots } from './statement.ts';
import { FalseMaker, type Fault, flipBit } from './testing/false-maker.ts';
import { otherProgram } from './testing/other-program.ts';
import { smallRun } from './testing/small-run.ts';
import type { UnitShown } from './unit-case.ts';

const backend = await createCpuBackend();
const { model, plan: { subject } } = smallRun(backend);
const run = await openSubject(model, subject, backend);
const { plan } = run;
const examiner = new RunExaminer(run);
const own = await examiner.outputs();
const planRoot = (await examiner.plan()).root;
const claimed = (list: OutputRoots) => ({ planRoot, outputsRoot: list.root, units: plan.count });
const nothing = (list: OutputRoots): RunFacts => ({ list: list.bytes, traces: new Map(), shown: [] });

/** Goes through a game with a maker who shows all that is demanded. */
async function play(maker: FalseMaker): Promise<{ move: RunMove; demands: RunPlace[][] }> {
  const [traces, shown]: [Map<number, Hex>, UnitShown[]] = [new Map(), []];
  const demands: RunPlace[][] = [];
  for (;;) {
    const move = await new RunExaminer(run).move(claimed(maker.list), { list: maker.list.bytes, traces, shown });
    if (move.kind !== 'demand') return { move, demands };
    expect(move.places.length).toBeGreaterThan(0);
    expect(demands.length).toBeLessThan(12);
    demands.push(move.places);
    for (const place of move.places) {
      expect(demands.slice(0, -1).flat().some((one) => samePlace(one, place)), describePlace(place)).toBe(false);
      if (samePlace(place, tracePlace(place.answer))) traces.set(maker.unit, maker.trace.innerRoot);
      else shown.push({ ...place, ...maker.shown(place) } as UnitShown);
    }
  }
}

/** The first unit of a kind after the gradients. */
function ofLedger(kind: string): number {
  for (let unit = plan.ledger.first; unit < plan.count; unit++) if (plan.program(unit)!.split(' ')[0] === kind) return unit;
  throw new RangeError(`no unit ${kind}`);
}

const state = plan.stateUnit(1);
const P = plan.tensors.length;
const faults: [string, number, Fault][] = [
  ['a bit in a weight of a state', state, { change: (index, matrix, first) => void (index === first + 2 * P + 1 && flipBit(matrix, 5)) }],
  ['a bit in a first moment', state, { change: (index, matrix, first) => void (index === first + 3 && flipBit(matrix, 2)), innerRight: true }],
  ['a bit in a second moment', plan.stateUnit(4), { change: (index, matrix, first) => void (index === first + P + 2 && flipBit(matrix)) }],
  ['a bit in the gradients of a part', plan.partUnit(0, 0), { change: (index, matrix, first) => void (index === first + 4 && flipBit(matrix, 7)) }],
  ['many values in a gradient', plan.partUnit(2, 0), { change: (index, matrix, first) => void (index === first + 1 && matrix.values.fill(0.25)) }],
  ['a value inside, and all that follows from it', plan.stateUnit(2), { change: (index, matrix) => void (index === 2 && (matrix.values[1] = 0.75)) }],
  ['a record’s gradient', plan.gradientUnit(0, 0, 1), { change: (index, matrix, first) => void (index === first && flipBit(matrix)) }],
  ['a drawn gradient', plan.gradientUnit(1, 1, 2), { change: (index, matrix, first) => void (index === first + 5 && flipBit(matrix, 3)) }],
  ['a draw of chance, false inside', plan.gradientUnit(1, 2, 0), { change: (index, matrix, first) => void (index === first - 9 && matrix.values.fill(0.5)) }],
  ['another number drawn', plan.gradientUnit(0, 1, 0), { inputs: { ...plan.inputs(plan.gradientUnit(0, 1, 0)), scalars: plan.inputs(plan.gradientUnit(0, 1, 0)).scalars.map((u) => 1 - u) } }],
  ['records of a step in another order', plan.partUnit(0, 0), { inputs: plan.inputs(plan.partUnit(0, 1)).texts.length === 1 ? { ...plan.inputs(plan.partUnit(0, 1)), scalars: [] } : { texts: [...plan.inputs(plan.partUnit(0, 0)).texts].reverse(), scalars: [] } }],
  ['another learning rate', plan.stateUnit(3), { inputs: { ...plan.inputs(plan.stateUnit(3)), scalars: [0.5, ...plan.inputs(plan.stateUnit(3)).scalars.slice(1)] } }],
  // Between the gradients and the registered program's constants.
  ...([
    ['squares'], ['scale'], ['rows'], ['reading'], ['turned'], ['damped', 65], ['pivot', 130], ['gram'], ['tile', 1], ['back', 1], ['rest', 7], ['chance', 2], ['products', 2], ['noise', 1], ['ledger', 3], ['outcome', 4],
  ] as const).map(([kind, at = 0]): [string, number, Fault] => [`a bit of a ledger’s unit: ${kind}`, ofLedger(kind), { change: (index, matrix, first) => void (index === first && flipBit(matrix, at)) }]),
  ['rows of draws, and all that follows from them in the unit', ofLedger('rows'), { change: (index, matrix, first) => void (index === first >> 1 && matrix.values.fill(0.5)) }],
  ['owners of the draws of chance', ofLedger('noise'), { inputs: { ...plan.inputs(ofLedger('noise')), scalars: [...plan.inputs(ofLedger('noise')).scalars].reverse() } }],
];

describe('a false unit', () => {
  test.each(faults)('%s is found in its unit and leaf', async (_what, unit, fault) => {
    const maker = await FalseMaker.of(run, own, unit, fault);
    expect(maker.list.root).not.toBe(own.root);
    const { move, demands } = await play(maker);
    expect(move.kind).toBe('prove-unit');
    if (move.kind !== 'prove-unit') return;
    expect(move.unit).toBe(unit);
    expect(move.opening.outputRoot).toBe(maker.trace.outputRoot);
    expect(verifyMerkleProof(maker.list.root, plan.count, unit, maker.list.leaves[unit]!, move.opening.outputProof)).toBe(true);
    // Sources that the step does not read are left out.
    expect(move.opening.sourceRoots).toHaveLength(move.opening.sources.length);
    move.opening.sources.forEach((source, k) => {
      if (!move.reads.includes(k)) expect([move.opening.sourceRoots[k], move.opening.sourceProofs[k]]).toEqual([`0x${'0'.repeat(64)}`, []]);
      else expect(verifyMerkleProof(maker.list.root, plan.count, source, own.leaves[source]!, move.opening.sourceProofs[k]!)).toBe(true);
    });
    // Three rounds, the root of the trace in the first: with the replies, commitment and proof eight transactions.
    expect(demands.length).toBeLessThanOrEqual(3);
    expect(demands[0]![0]).toEqual(tracePlace(unit));
    expect(demands[0]!.length).toBeGreaterThan(1);
  });
});

test('a false beginning is proved by itself', async () => {
  const bytes = own.bytes.slice();
  bytes.set(fromHex(`0x${'cd'.repeat(32)}`), 0);
  const list = new OutputRoots(bytes);
  const move = await examiner.move(claimed(list), nothing(list));
  expect(move).toMatchObject({ kind: 'prove-given', opening: { index: 0, outputRoot: list.of(0), outputProof: list.proof(0), inputsHash: own.of(0), sources: [] } });
});

test('a list that is not the statement’s is another’s, or not all of it: nothing is said about that', async () => {
  const maker = await FalseMaker.of(run, own, state, faults[0]![2]);
  for (const list of [own.bytes, maker.list.bytes.slice(32), new Uint8Array(), new Uint8Array(33)]) {
    await expect(examiner.move(claimed(maker.list), { ...nothing(own), list })).rejects.toMatchObject({ code: 'run/no-list' });
  }
});

test('a step left out is false at the first unit of that step', async () => {
  // The list of a run that skipped its second step: what follows is the state before.
  const bytes = own.bytes.slice();
  const skipped = plan.stateUnit(2);
  bytes.set(fromHex(own.of(plan.stateUnit(1))), skipped * 32);
  const list = new OutputRoots(bytes);
  expect(await examiner.move(claimed(list), nothing(list))).toMatchObject({ kind: 'demand', places: [tracePlace(skipped), { answer: skipped, index: ALL_MATRICES }] });
});

test('the right statement is right, whatever was published; another plan is none of this run', async () => {
  for (const list of [own.bytes, new Uint8Array()]) expect(await examiner.move(claimed(own), { ...nothing(own), list })).toMatchObject({ kind: 'right' });
  expect(await examiner.move({ ...claimed(own), planRoot: own.root }, nothing(own))).toMatchObject({ kind: 'other-plan' });
  expect(await examiner.move({ ...claimed(own), units: plan.count - 1 }, nothing(own))).toMatchObject({ kind: 'other-plan' });
  // As statements were before there were units after the gradients.
  const before = new OutputRoots(own.bytes.slice(0, 32 * plan.ledger.first));
  const earlier = { planRoot: merkleRoot((await examiner.plan()).units.slice(0, before.count).map(planLeaf)), outputsRoot: before.root, units: before.count };
  expect(await examiner.move(earlier, nothing(before))).toMatchObject({ kind: 'other-plan' });
});

test('a right run whose adapter is registered with another outcome is refuted where the constants are published', async () => {
  const outcome = await examiner.outcome();
  const tensors = (await tensorsAfter(plan, run.replay, [...plan.checkpoints, plan.steps]));
  const roots = {
    adapterRoot: tensorsRoot(rowsOf(tensors.get(plan.steps)!)), checkpointsRoot: checkpointsFile(plan.checkpoints.map((step) => ({ step, tensors: tensors.get(step)! }))).root,
  };
  const move = (registered: Partial<RegisteredOutcome>) =>
    examiner.move(claimed(own), { ...nothing(own), registered: { ...roots, programHash: outcome.programHash, published: () => Promise.reject(new Error('not asked for')), ...registered } });
  expect(await move({})).toMatchObject({ kind: 'right' });
  const rows = outcome.program.origins.findIndex(({ kind }) => kind === 'rows');
  const other = await otherProgram(outcome, (matrix, index) => void (index === rows && flipBit(matrix, 3)));
  const false_ = await move({ programHash: other.programHash, published: () => Promise.resolve(other) });
  expect(false_).toMatchObject({ kind: 'prove-outcome', opening: { index: plan.count - 1, sourceRoots: [], outputProof: own.proof(plan.count - 1) }, outcome: { output: outcome.indices.indexOf(rows) } });
  expect(false_.why).toContain('ledger.rows, row 0, column 3');
  // Nothing that hashes to what is registered, or nothing at all.
  for (const published of [() => Promise.resolve(outcome), () => Promise.reject(new Error('not there'))]) {
    const said = await move({ programHash: other.programHash, published });
    expect(said).toMatchObject({ kind: 'other-outcome' });
    expect(said.why).toContain('cannot be had');
  }
  // Weights of the base are no unit's.
  const weight = await otherProgram(outcome, (matrix, index) => void (index === 0 && flipBit(matrix)));
  expect(await move({ programHash: weight.programHash, published: () => Promise.resolve(weight) })).toMatchObject({ kind: 'other-outcome' });
  expect(await move({ adapterRoot: own.root })).toMatchObject({ kind: 'other-outcome', why: expect.stringContaining('the registered weights') as string });
  const cancelled = new OpenLedgerError({ code: 'cancelled', what: 'Stopped.' });
  await expect(move({ programHash: other.programHash, published: () => Promise.reject(cancelled) })).rejects.toBe(cancelled);
});

test('what stands under no root of the statement is passed over', async () => {
  const maker = await FalseMaker.of(run, own, state, faults[0]![2]);
  const right = await FalseMaker.of(run, own, state, {});
  const traces = new Map([[state, maker.trace.innerRoot]]);
  const move = await examiner.move(claimed(maker.list), { ...nothing(maker.list), traces });
  if (move.kind !== 'demand') throw new Error(move.kind);
  const shown = move.places.map((place) => ({ ...place, ...right.shown(place) }) as UnitShown);
  expect(await examiner.move(claimed(maker.list), { ...nothing(maker.list), traces, shown })).toEqual(move);
});

test('an honest maker has an answer for every place that exists, and says which do not', async () => {
  const { parts, trace } = await examiner.unit(state);
  const first = run.tracer.firstOutput(parts.kind);
  const at = (index: number, leaf: number, level = 0, depth = 0): RunPlace => ({ answer: state, index, leaf, level, depth });
  const places = [at(3, 0), at(first + 1, 0), at(ALL_MATRICES, 0, 3, 2), at(ALL_OUTPUTS, 1, 2, 1), at(first - 1, 0)];
  expect(places.every((place) => hasPlace(run.tracer, parts, place))).toBe(true);
  const shown = await unitReplies(run.tracer, parts, trace, places);
  expect(shown.map(({ matrix, leaves, nodes }) => [matrix.index, leaves.length, nodes.length])).toEqual([[ALL_MATRICES, 0, 1], [ALL_OUTPUTS, 0, 1], [3, 1, 0], [first + 1, 1, 0], [first - 1, 1, 0]]);
  for (const place of [at(3, 9999), at(first + 3 * P, 0), at(ALL_MATRICES, 0, 30, 1), at(ALL_OUTPUTS, 0, 9, 3), at(3, 0, 9, 1)]) {
    expect(hasPlace(run.tracer, parts, place), describePlace(place)).toBe(false);
    await expect(unitReplies(run.tracer, parts, trace, [place])).rejects.toThrow(RangeError);
  }
});
