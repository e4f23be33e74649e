import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunExaminer } from '../../attribution/runs/examine.ts';
import { checkpointsFile } from '../../attribution/checkpoints.ts';
import { ALL_OUTPUTS, type RunPlace, tracePlace } from '../../attribution/runs/places.ts';
import { type OpenRun, openSubject } from '../../attribution/runs/run-of-adapter.ts';
import { OutputRoots, type PlanTree, openAlone, openUnit } from '../../attribution/runs/statement.ts';
import { type ProgramConstants, type RunOutcome, outcomeEvidence } from '../../attribution/runs/outcome-evidence.ts';
import { tensorsAfter } from '../../attribution/runs/state-tensors.ts';
import { FalseMaker, type Fault, flipBit } from '../../attribution/runs/testing/false-maker.ts';
import { otherProgram, withoutLastRecord } from '../../attribution/runs/testing/other-program.ts';
import { smallRun } from '../../attribution/runs/testing/small-run.ts';
import { rowsOf } from '../../attribution/tensor-rows.ts';
import { type Opening, headerOf } from '../../attribution/trace/step.ts';
import { ALL_MATRICES } from '../../attribution/trace/trace-nodes.ts';
import { TraceTree, cutOf, floatBytes, leafValues } from '../../attribution/trace/tree.ts';
import { randomBelow } from '../../arithmetic/random.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { demandOfRun } from '../../chain/demand-run.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { createEventFeed } from '../../chain/events.ts';
import { type UnitShape, type UnitStep, asksReferee, commitRunProof, givenProof, outcomeProof, sendRunProof, unitProof } from '../../chain/prove-run.ts';
import { publishVersion } from '../../chain/publish-version.ts';
import { readRun, readRunBalance } from '../../chain/read-run.ts';
import { registerAdapter } from '../../chain/register-adapter.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../chain/testing/scratch-chain.ts';
import { vouchRun } from '../../chain/vouch-run.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { type Hex, fromHex, toHex } from '../../protocol/bytes.ts';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import { tensorsRoot } from '../../protocol/tensors.ts';
import { RunWatcher } from './runs.ts';
import { seenRun, showAll } from './testing/show-run.ts';
import { StateFile } from './watch-state.node.ts';
import type { WatchEvent, WatchLimits } from './watcher.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const folder = mkdtempSync(join(tmpdir(), 'openledger-runs-'));
const records: VersionRecord[] = [0, 1, 2].map((k) => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: `0x${(k + 1).toString(16).padStart(40, '0')}` }));

let chain: ScratchChain;
let maker: Wallet, guard: Wallet;
let run: OpenRun;
let right: OutputRoots;
let plan: PlanTree;
let roots: { adapterRoot: Hex; checkpointsRoot: Hex };
let outcome: RunOutcome;

beforeAll(async () => {
  const backend = await createCpuBackend();
  const { model, plan: { subject } } = smallRun(backend);
  [chain, run] = await Promise.all([startScratchChain({ window: 4000 }), openSubject(model, subject, backend)]);
  const examiner = new RunExaminer(run);
  [right, plan] = [await examiner.outputs(), await examiner.plan()];
  const steps = [...run.plan.checkpoints, run.plan.steps];
  const tensors = await tensorsAfter(run.plan, run.replay, steps);
  roots = { adapterRoot: tensorsRoot(rowsOf(tensors.get(run.plan.steps)!)), checkpointsRoot: checkpointsFile(run.plan.checkpoints.map((step) => ({ step, tensors: tensors.get(step)! }))).root };
  outcome = await examiner.outcome();
  const { connection } = chain;
  connection.publicClient.pollingInterval = 50;
  [maker, guard] = (await Promise.all(['maker', 'guard'].map((name) => chain.wallet(name)))) as [Wallet, Wallet];
  await createDatanet(connection, maker, { name: 'Vouched', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, maker, { datanetId: 1n, root: versionRoot(records), recordsRoot: recordsRoot(records), cid, count: 3 });
}, 120_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await chain?.stop();
});

let names = 0;
/** What was published with adapters that are registered with another program than their run comes to. */
const programs = new Map<Hex, Promise<ProgramConstants>>();

/** Registers an adapter and vouches that its run made these outputs. */
async function vouch(list: OutputRoots, { planRoot = plan.root, adapterRoot = roots.adapterRoot, programHash = outcome.programHash }: { planRoot?: Hex; adapterRoot?: Hex; programHash?: Hex } = {}): Promise<bigint> {
  const { connection } = chain;
  const { adapterId } = await registerAdapter(connection, maker, {
    datanetId: 1n, version: 1, baseRoot: word('03'), ledgerRoot: word('06'), programHash, cid, name: 'Vouched', rateIn: OPEN, rateOut: OPEN, ...roots, adapterRoot,
  });
  await vouchRun(connection, maker, { adapterId, planRoot, outputsRoot: list.root, units: list.count, roots: list.bytes });
  return adapterId;
}

const LIMITS: WatchLimits = { gasPrice: 100n * 10n ** 9n, bond: 10n * OPEN, demands: 32, confirmations: 0 };

function watcher(name: string, wallet: Wallet | undefined, change: { limits?: Partial<WatchLimits>; dryRun?: boolean; wait?: boolean; which?: 'all' | 'own'; again?: boolean } = {}) {
  const { connection } = chain;
  const events: WatchEvent[] = [];
  const file = new StateFile(join(folder, `${name}.json`), { chainId: connection.chain.id, disputes: connection.contracts.runs, account: wallet?.address ?? word('00').slice(0, 42) as Hex });
  const made = new RunWatcher({
    connection, feed: createEventFeed(connection, memoryEventStore()), wallet, file, limits: { ...LIMITS, ...change.limits }, which: change.which ?? 'all', dryRun: change.dryRun ?? false, wait: change.wait ?? true,
    subjects: { open: () => Promise.resolve(new RunExaminer(run, change.again ? undefined : right)), published: ({ programHash }) => programs.get(programHash) ?? Promise.reject(new Error('not published')) }, tell: (event) => events.push(event),
  });
  return { events, round: () => made.round(), of: (id: bigint) => events.filter(({ claim }) => claim === `run ${id}`).map(({ event }) => event) };
}

const stateOf = async (id: bigint) => (await readRun(chain.connection, id)).state;
const places = async (id: bigint) => (await seenRun(chain.connection, id)).demands.filter(({ state }) => state === 'open').map(({ place }) => place);

/** A whole game with a maker who shows everything. */
async function play(name: string, unit: number, fault: Fault) {
  const of = await FalseMaker.of(run, right, unit, fault);
  const id = await vouch(of.list);
  const { events, round } = watcher(name, guard);
  const shown: number[] = [];
  for (let rounds = 0; (await stateOf(id)) === 'open'; rounds++) {
    expect(rounds).toBeLessThan(12);
    await round();
    shown.push(...(await showAll(chain.connection, maker, id, run, plan, of)));
    await chain.pass(1);
  }
  const mine = events.filter(({ claim, transaction }) => claim === `run ${id}` && transaction);
  const [transactions, gas] = [mine.length + shown.length, [...mine.map((event) => Number(event.gas ?? 0)), ...shown].reduce((a, b) => a + b, 0)];
  expect(transactions).toBeLessThanOrEqual(8);
  expect(gas).toBeLessThan(5_000_000);
  return { id, mine, transactions, gas, events };
}

test('a right statement stands: its maker answers every demand, and the bond comes back', async () => {
  const id = await vouch(right);
  const looked = watcher('looks', guard, { again: true });
  await looked.round();
  expect(looked.of(id)).toEqual(['found']);
  expect(looked.events[0]!.text).toContain('right.');
  const { plan: units, tracer } = run;
  const unit = units.stateUnit(2);
  const first = tracer.firstOutput(units.program(unit)!);
  const at = (answer: number, index: number, leaf = 0, level = 0, depth = 0): RunPlace => ({ answer, index, leaf, level, depth });
  const { connection } = chain;
  const own = watcher('own', maker);
  const answered = async (wanted: RunPlace[]) => {
    await demandOfRun(connection, guard, id, wanted);
    await own.round();
    expect(await places(id)).toEqual([]);
  };
  await answered([tracePlace(unit), tracePlace(0), tracePlace(units.count - 1), at(units.count - 1, ALL_OUTPUTS, 0, 1, 1)]);
  // What is there, and what is not.
  await answered([at(unit, 5), at(unit, first + 2), at(unit, ALL_MATRICES, 0, 4, 4), at(unit, ALL_OUTPUTS, 1, 3, 2), at(unit, 5, 9999), at(unit, first + 999), at(unit, ALL_OUTPUTS, 0, 20, 3), at(0, 3), at(units.count - 1, 2)]);
  expect(own.of(id).every((event) => event === 'shown' || event === 'found')).toBe(true);
  await chain.pass(8001);
  await own.round();
  expect(await stateOf(id)).toBe('stands');
  expect(own.events.at(-1)!.event).toBe('withdrawn');
  expect(await readRunBalance(connection, maker.address)).toBe(0n);
}, 120_000);

test('no proof refutes a right statement: true elements, evidence of another, a false beginning that is none, a stolen proof', async () => {
  const { connection } = chain;
  const id = await vouch(right);
  const examiner = new RunExaminer(run);
  const { tracer } = run;
  const asked: { unit: number; opening: ReturnType<typeof openUnit>; shape: UnitShape; step: UnitStep; innerRoot: Hex }[] = [];
  for (let k = 0; k < 12; k++) {
    const unit = 1 + randomBelow(run.plan.count - 1, 5, 1, k);
    const { parts, trace } = await examiner.unit(unit);
    const shapes = tracer.shapes(parts.kind, parts.inputs);
    const index = randomBelow(shapes.length, 5, 2, k);
    const matrix = (await tracer.matrices(parts.kind, parts.inputs, parts.sources, [index])).get(index)!;
    const leaf = randomBelow(cutOf(matrix.rows, matrix.columns).count, 5, 3, k);
    // Evidence against a flipped bit, then the bit as it is.
    const values = leafValues(matrix, leaf).values.slice();
    flipBit({ rows: 1, columns: values.length, values }, randomBelow(values.length, 5, 4, k));
    const claimed = { inner: trace.inner, outputs: trace.outputs, sources: parts.sources.map((matrices) => TraceTree.of(matrices)) };
    const { step, shape, reads } = (await tracer.evidence(parts.kind, parts.inputs, parts.sources, claimed, { index, leaf }, values))!;
    const honest = { ...step, output: { ...step.output, values: toHex(floatBytes(leafValues(matrix, leaf).values)) } };
    const opening = openUnit(plan, right, unit, reads);
    const ask = (one: UnitStep) => asksReferee(connection, opening, shape, trace.inner.root, one);
    expect(await ask(honest)).toBe(false);
    await expect(ask(step)).rejects.toThrow();
    asked.push({ unit, opening, shape, step: honest, innerRoot: trace.inner.root });
  }
  const refuse = async (data: ReturnType<typeof unitProof>, code: string) => {
    await commitRunProof(connection, guard, data);
    await chain.pass(1);
    await expect(sendRunProof(connection, guard, data)).rejects.toMatchObject({ code });
  };
  const { unit, opening, shape, step } = asked[0]!;
  await refuse(unitProof(id, opening, shape, step), 'contract/trace-not-shown');
  await demandOfRun(connection, guard, id, [tracePlace(unit)]);
  await watcher('shows', maker).round();
  await refuse(unitProof(id, opening, shape, step), 'contract/claim-holds');
  await refuse(givenProof(id, openUnit(plan, right, 0)), 'contract/claim-holds');
  await refuse(givenProof(id, opening), 'contract/claim-holds');
  // What convicts another statement says nothing of this one.
  const of = await FalseMaker.of(run, right, run.plan.stateUnit(1), faults[0]![2]);
  await refuse(unitProof(id, openUnit(plan, of.list, of.unit), shape, step), 'contract/wrong-unit');
  const mine = unitProof(id, opening, shape, step);
  await commitRunProof(connection, guard, mine);
  await chain.pass(1);
  await expect(sendRunProof(connection, maker, mine)).rejects.toMatchObject({ code: 'contract/not-committed' });
  expect(await stateOf(id)).toBe('open');
}, 120_000);

const P = 6;
/** The last unit of a kind after the gradients. */
function ofLedger(kind: string): number {
  for (let unit = run.plan.count - 1; unit >= run.plan.ledger.first; unit--) if (run.plan.program(unit)!.split(' ')[0] === kind) return unit;
  throw new RangeError(`no unit ${kind}`);
}
const bitOf = (at: number): Fault => ({ change: (index, matrix, first) => void (index === first && flipBit(matrix, at)) });
const faults: [string, () => number, Fault][] = [
  ['a bit of a weight', () => run.plan.stateUnit(1), { change: (index, matrix, first) => void (index === first + 2 * P + 1 && flipBit(matrix, 5)) }],
  ['a bit of a first moment', () => run.plan.stateUnit(3), { change: (index, matrix, first) => void (index === first + 3 && flipBit(matrix, 2)), innerRight: true }],
  ['values of a part’s gradients', () => run.plan.partUnit(2, 0), { change: (index, matrix, first) => void (index === first + 1 && matrix.values.fill(0.25)) }],
  ['a bit of a record’s gradient', () => run.plan.gradientUnit(0, 0, 1), { change: (index, matrix, first) => void (index === first && flipBit(matrix)) }],
  ['a bit of a drawn gradient', () => run.plan.gradientUnit(1, 1, 2), { change: (index, matrix, first) => void (index === first + 5 && flipBit(matrix, 3)) }],
  ['a bit of the scale', () => ofLedger('scale'), bitOf(2)],
  ['a bit of a draw’s row', () => ofLedger('rows'), bitOf(11)],
  ['a bit of the Gram matrix', () => ofLedger('damped'), bitOf(65)],
  ['a bit of its factor', () => ofLedger('pivot'), bitOf(130)],
  ['a bit of a record with the curvature taken out', () => ofLedger('rest'), bitOf(9)],
  ['a bit of a row of four bits', () => ofLedger('ledger'), bitOf(3)],
  ['a bit of a record’s noise', () => ofLedger('noise'), bitOf(1)],
  ['a bit of the outcome', () => run.plan.count - 1, bitOf(1)],
  ['a value inside a step', () => run.plan.stateUnit(2), { change: (index, matrix) => void (index === 2 && (matrix.values[1] = 0.75)) }],
];

test.each(faults)('%s is found, demanded, proved on chain; the reward comes', async (name, unit, fault) => {
  const before = await chain.connection.publicClient.getBalance({ address: guard.address });
  const { id, mine, transactions, gas, events } = await play(name, unit(), fault);
  expect(await stateOf(id)).toBe('refuted');
  expect(mine.map(({ event }) => event)).toContain('proved');
  await watcher(name, guard).round();
  expect(await chain.connection.publicClient.getBalance({ address: guard.address })).toBeGreaterThan(before);
  expect(await readRunBalance(chain.connection, guard.address)).toBe(0n);
  console.info(`${name}: ${transactions} transactions, ${gas} gas; ${events.find(({ event, text }) => event === 'found' && text.includes('row'))?.text}`);
}, 120_000);

test('records of a step in another order, and another rate, are convicted at that step', async () => {
  const part = run.plan.partUnit(0, 0);
  const order = await play('order', part, { inputs: { ...run.plan.inputs(run.plan.partUnit(0, 1)), scalars: [] } });
  expect(order.events.some(({ text }) => text.includes(`Unit ${part} is false`))).toBe(true);
  const step = run.plan.stateUnit(3);
  const inputs = run.plan.inputs(step);
  const rate = await play('rate', step, { inputs: { ...inputs, scalars: [0.5, ...inputs.scalars.slice(1)] } });
  expect(rate.events.some(({ text }) => text.includes(`Unit ${step} is false`))).toBe(true);
}, 120_000);

test('a maker who replies as late as possible is searched through all the same', async () => {
  const unit = run.plan.stateUnit(2);
  const of = await FalseMaker.of(run, right, unit, { change: (index, matrix) => void (index === 2 && (matrix.values[1] = 0.75)) });
  const id = await vouch(of.list);
  const { round } = watcher('slow', guard);
  const { deadline } = await readRun(chain.connection, id);
  for (let rounds = 0; (await stateOf(id)) === 'open'; rounds++) {
    expect(rounds).toBeLessThan(12);
    await round();
    // Of several the first is due first.
    const [due] = (await seenRun(chain.connection, id)).demands.filter(({ state }) => state === 'open').map((demand) => demand.due);
    const { timestamp } = await chain.connection.publicClient.getBlock();
    await chain.pass(due ? due - Number(timestamp) - 2 : 1);
    await showAll(chain.connection, maker, id, run, plan, of);
  }
  expect(await stateOf(id)).toBe('refuted');
  const { timestamp } = await chain.connection.publicClient.getBlock();
  expect(Number(timestamp)).toBeLessThan(deadline + 4000);
}, 120_000);

test('a false beginning is proved without a demand; a step left out loses by silence', async () => {
  const bytes = right.bytes.slice();
  bytes.set(fromHex(word('cd')), 0);
  const begin = await vouch(new OutputRoots(bytes));
  const skipped = right.bytes.slice();
  const unit = run.plan.stateUnit(2);
  skipped.set(fromHex(right.of(run.plan.stateUnit(1))), unit * 32);
  const left = await vouch(new OutputRoots(skipped));
  const { round, of, events } = watcher('silent', guard);
  await round();
  expect([of(begin), of(left)]).toEqual([['found', 'committed'], ['found', 'demanded']]);
  await chain.pass(1);
  await round();
  expect([await stateOf(begin), await stateOf(left)]).toEqual(['refuted', 'open']);
  await chain.pass(1100);
  await round();
  expect(await stateOf(left)).toBe('refuted');
  expect(events.map(({ event }) => event)).toContain('silence');
  expect(await readRunBalance(chain.connection, guard.address)).toBe(0n);
}, 120_000);

test('another plan is worth nothing and challenged by nobody; weights that are not the outcome are said', async () => {
  const other = await vouch(right, { planRoot: word('0a') });
  const weights = await vouch(right, { adapterRoot: word('0b') });
  const { round, events, of } = watcher('other', guard);
  await round();
  expect([of(other), of(weights)]).toEqual([['found'], ['found']]);
  expect(events.map(({ text }) => text).join('\n')).toMatch(/worth nothing[^]*do not come to the registered weights/);
}, 120_000);

/** A program with one bit of one constant changed, published. */
async function registeredOtherwise(kind: string): Promise<ProgramConstants> {
  const index = outcome.program.origins.findIndex((origin) => origin.kind === kind);
  const other = await otherProgram(outcome, (matrix, k) => void (k === index && flipBit(matrix, 5 % matrix.values.length)));
  programs.set(other.programHash, Promise.resolve(other));
  return other;
}

test.each(['rows', 'noise', 'scale', 'factor'])('a right run whose adapter is registered with other %s is refuted in two transactions', async (kind) => {
  const { programHash } = await registeredOtherwise(kind);
  const id = await vouch(right, { programHash });
  const { round, of, events } = watcher(`outcome ${kind}`, guard);
  await round();
  expect(of(id)).toEqual(['found', 'committed']);
  expect(events.find(({ claim, event }) => claim === `run ${id}` && event === 'found')!.text).toMatch(/All units made the same here, but the registered program has something else in .*row \d+, column \d+/);
  await chain.pass(1);
  await round();
  expect(await stateOf(id)).toBe('refuted');
  expect((await seenRun(chain.connection, id)).refuted).toMatchObject({ what: 'outcome' });
  expect(await readRunBalance(chain.connection, guard.address)).toBe(0n);
  console.info(`registered with other ${kind}: ${events.filter(({ claim, gas }) => claim === `run ${id}` && gas).map(({ gas }) => gas).join(' + ')} gas`);
}, 120_000);

test.each(['a record less', 'fewer constants'])('a right run whose adapter is registered with %s is refuted in two transactions; the right one cannot be', async (what) => {
  const { connection } = chain;
  const other = await (what === 'a record less' ? withoutLastRecord(outcome) : otherProgram(outcome, () => undefined, outcome.indices.at(-1)!));
  programs.set(other.programHash, Promise.resolve(other));
  const honest = await vouch(right);
  const id = await vouch(right, { programHash: other.programHash });
  const { evidence } = (await outcomeEvidence(run, outcome, other))!;
  const opening = openAlone(plan, right, run.plan.count - 1);
  const header = headerOf(outcome.program, outcome.committed.root);
  const own: Opening = { ...evidence.made, proof: outcome.committed.proof(outcome.indices[evidence.output]!, evidence.made.leaf) };
  const { rows, columns } = evidence;
  const [inItsSize, asNothing] = [{ givenRows: rows, givenColumns: columns }, { givenRows: 0, givenColumns: 0, given: { ...own, values: '0x', proof: [] } as Opening }];
  // With the other program, with the right one and the other's leaf, the right leaf under the other's size, no leaf; and all as it is.
  for (const [change, code] of [
    [{}, 'referee-wrong-header'], [{ registered: header }, 'referee-wrong-opening'], [{ registered: header, given: own, givenRows: rows - 1, givenColumns: columns }, 'referee-wrong-opening'],
    [{ registered: header, ...asNothing }, 'referee-wrong-opening'], [{ registered: header, ...inItsSize, given: own }, 'claim-holds'],
  ] as const) {
    const proof = outcomeProof(honest, opening, { ...evidence, ...change });
    await commitRunProof(connection, guard, proof);
    await chain.pass(1);
    await expect(sendRunProof(connection, guard, proof)).rejects.toMatchObject({ code: `contract/${code}` });
  }
  const { round, of, events } = watcher(`sizes ${what}`, guard);
  await round();
  expect(of(id)).toEqual(['found', 'committed']);
  await chain.pass(1);
  await round();
  expect([await stateOf(id), await stateOf(honest)]).toEqual(['refuted', 'open']);
  expect(events.find(({ claim, event }) => claim === `run ${id}` && event === 'found')!.text).toMatch(/the registered program has something else in ledger\.[a-z]+, which (is \[|it does not have)/);
  const gas = events.filter(({ claim, transaction }) => claim === `run ${id}` && transaction).map((event) => event.gas);
  expect(gas).toHaveLength(2);
  console.info(`registered with ${what}: ${gas.join(' + ')} gas`);
}, 120_000);

test('no proof of another outcome refutes a right statement, nor can a true one be taken', async () => {
  const { connection } = chain;
  const { programHash, ...rest } = await registeredOtherwise('rows');
  const { evidence } = (await outcomeEvidence(run, outcome, { programHash, ...rest }))!;
  const last = run.plan.count - 1;
  const opening = openAlone(plan, right, last);
  const refuse = async (id: bigint, data: ReturnType<typeof outcomeProof>, code: string) => {
    await commitRunProof(connection, guard, data);
    await chain.pass(1);
    await expect(sendRunProof(connection, guard, data)).rejects.toMatchObject({ code });
    expect(await stateOf(id)).toBe('open');
  };
  const honest = await vouch(right);
  // The program of another adapter; the right one's own leaf; another constant, unit, size, leaf.
  const header = headerOf(outcome.program, outcome.committed.root);
  const own: Opening = { ...evidence.made, proof: outcome.committed.proof(outcome.indices[evidence.output]!, evidence.made.leaf) };
  await refuse(honest, outcomeProof(honest, opening, evidence), 'contract/referee-wrong-header');
  await refuse(honest, outcomeProof(honest, opening, { ...evidence, registered: header }), 'contract/referee-wrong-opening');
  await refuse(honest, outcomeProof(honest, opening, { ...evidence, registered: header, given: own }), 'contract/claim-holds');
  const at = await vouch(right, { programHash });
  await refuse(at, outcomeProof(at, opening, { ...evidence, output: evidence.output - 1 }), 'contract/referee-wrong-opening');
  await refuse(at, outcomeProof(at, opening, { ...evidence, rows: evidence.rows + 1 }), 'contract/referee-wrong-opening');
  await refuse(at, outcomeProof(at, opening, { ...evidence, given: own }), 'contract/referee-wrong-opening');
  await refuse(at, outcomeProof(at, openAlone(plan, right, last - 1), evidence), 'contract/wrong-unit');
  await refuse(at, outcomeProof(at, { ...opening, outputRoot: right.of(0) }, evidence), 'contract/wrong-unit');
  const mine = outcomeProof(at, opening, evidence);
  await commitRunProof(connection, guard, mine);
  await chain.pass(1);
  await expect(sendRunProof(connection, maker, mine)).rejects.toMatchObject({ code: 'contract/not-committed' });
  await sendRunProof(connection, guard, mine);
  expect([await stateOf(at), await stateOf(honest)]).toEqual(['refuted', 'open']);
}, 120_000);

test('a program that is not the run’s and whose constants nobody published is said, and challenged by nobody', async () => {
  const id = await vouch(right, { programHash: word('07') });
  const { round, of, events } = watcher('withheld outcome', guard);
  await round();
  expect(of(id)).toEqual(['found']);
  expect(events.map(({ text }) => text).join('\n')).toMatch(/no proof on chain says that[^]*do not come to the registered program, and the constants of the registered program cannot be had/);
}, 120_000);

test('rounds go on while a run is made again beside them; who only defends looks at no other’s', async () => {
  const id = await vouch(right);
  const beside = watcher('beside', guard, { wait: false });
  await beside.round();
  expect(beside.of(id)).toEqual(['waiting']);
  // All statements of this file are looked at, one after the other: as long as a busy machine takes.
  for (const began = Date.now(); beside.of(id).length < 2; ) {
    expect(Date.now() - began).toBeLessThan(100_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await beside.round();
  }
  expect(beside.of(id)).toEqual(['waiting', 'found']);
  const own = watcher('only own', guard, { which: 'own' });
  await own.round();
  expect(own.events).toEqual([]);
}, 120_000);

test('nothing is sent without a key, in a dry run, above the gas price or the bond that are allowed', async () => {
  const of = await FalseMaker.of(run, right, run.plan.stateUnit(1), faults[0]![2]);
  const id = await vouch(of.list);
  for (const [wallet, change, expected] of [[undefined, {}, 'would'], [guard, { dryRun: true }, 'would'], [guard, { limits: { gasPrice: 1n } }, 'waiting'], [guard, { limits: { bond: 1n } }, 'waiting']] as const) {
    const looked = watcher(`none ${expected} ${names++}`, wallet, change);
    await looked.round();
    expect(looked.of(id)).toEqual(['found', expected]);
    expect(looked.events.some(({ transaction }) => transaction)).toBe(false);
  }
}, 120_000);
