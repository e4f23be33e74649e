import { expect, test } from 'vitest';
import type { RunEvents } from '../chain/game-events.ts';
import { type SeenRun, runsOf } from '../chain/run-facts.ts';
import type { RunFinding } from '../workers/runs.api.ts';
import type { Pursuit } from './disputes-kept.ts';
import { clockOf } from './runs-clock.ts';
import { runStakes } from './runs-cost.ts';
import { isDisputed, runPath } from './runs-path.ts';

const ALL = 0xffffffff;
const maker = `0x${'aa'.repeat(20)}` as const;
const guard = `0x${'bb'.repeat(20)}` as const;
const root = (byte: string) => `0x${byte.repeat(32)}` as const;
const trace = { answer: 4, index: ALL, leaf: 0, level: 0, depth: 0 };
const leaf = { answer: 4, index: 7, leaf: 2, level: 0, depth: 0 };
const roots = { answer: 4, index: ALL, leaf: 1, level: 3, depth: 1 };
const TIMES = { window: 1_000, proveTime: 100, replyTime: 200 };

type Event = RunEvents[number];
const event = (eventName: Event['eventName'], args: Record<string, unknown>) => ({ eventName, args, blockNumber: 1n }) as unknown as Event;
const vouched = event('Vouched', { adapterId: 3n, maker, planRoot: root('01'), outputsRoot: root('02'), units: 9, bond: 60n, deadline: 1_000n });
const demanded = (place: object, due: number, demander = guard) => event('Demanded', { id: 3n, demander, place, due: BigInt(due) });
const committed = (proveBy: number) => event('Committed', { id: 3n, challenger: guard, commitment: root('cc'), proveBy: BigInt(proveBy) });
const after = (...events: Event[]): SeenRun => runsOf([vouched, ...events]).find(({ adapterId }) => adapterId === 3n)!;
const pursuit: Pursuit = { openledger: 'pursuit/1', claimId: '3', account: guard, where: 'Unit 4 made something else.', demanded: [], gas: '0' };
const pathAt = (run: SeenRun, now: number, own?: Pursuit, account: string = guard) =>
  runPath(run, clockOf(run, TIMES), own, { account, now }).map(({ label, who, state, until }) => [label, who, state, ...(until === undefined ? [] : [until])]);
const nowOf = (steps: ReturnType<typeof pathAt>) => steps.filter(([, , state]) => state === 'now');

test('what was shown of a run is told apart, and closes what was demanded', () => {
  const nodes = { leaf: 1, level: 3, depth: 1, hashes: [root('05'), root('06')], proof: [root('07')] };
  const run = after(
    demanded(trace, 500), demanded(leaf, 500), demanded(roots, 500),
    event('TraceShown', { adapterId: 3n, unit: 4, innerRoot: root('03') }),
    event('Revealed', { id: 3n, place: leaf, inputs: '0x', shown: { input: 0, leaf: 2, values: '0x0000803f', proof: [root('08')] } }),
    event('RevealedNodes', { id: 3n, place: roots, inputs: '0x', shown: nodes }),
  );
  expect(run.demands.map(({ state }) => state)).toEqual(['shown', 'shown', 'shown']);
  expect(run.traces.get(4)).toBe(root('03'));
  expect(run.shown).toEqual([{ ...leaf, proof: [root('08')], values: Float32Array.of(1) }, { ...roots, hashes: nodes.hashes, proof: nodes.proof }]);
  const refuted = after(event('RunRefuted', { adapterId: 3n, challenger: guard, reward: 30n, toPool: 30n }), event('Convicted', { id: 3n, challenger: guard, what: 'unit' }));
  expect([refuted.state, refuted.refuted]).toEqual(['refuted', { challenger: guard, what: 'unit', reward: 30n }]);
  // Of a statement that is not there nothing is told.
  expect(runsOf([demanded(trace, 500), committed(20)])).toEqual([]);
});

test('the list of a statement is what was posted until it was made; a part from 0 begins it again', () => {
  const posted = (first: number, roots: string, adapterId = 3n) => event('Posted', { adapterId, first, roots });
  const listOf = (...events: Event[]) => runsOf([...events, vouched]).find(({ adapterId }) => adapterId === 3n)!.list;
  expect(listOf()).toEqual([]);
  expect(listOf(posted(0, '0xaa'), posted(1, '0xbb'))).toEqual(['0xaa', '0xbb']);
  expect(listOf(posted(0, '0xaa'), posted(0, '0xee', 4n), posted(1, '0xbb'), posted(0, '0xcc'), posted(1, '0xdd'))).toEqual(['0xcc', '0xdd']);
  // Of a list whose beginning is not there nothing is told.
  expect(listOf(posted(1, '0xbb'))).toEqual([]);
});

test('clocks are the contract’s: a reply leaves time, demands end while a reply fits, an open demand holds', () => {
  expect(clockOf(after(), TIMES)).toEqual({ commitUntil: 1_000, demandUntil: 1_000, standsFrom: 1_000 });
  const open = clockOf(after(demanded(trace, 1_150)), TIMES);
  expect(open).toEqual({ commitUntil: 1_250, demandUntil: 1_250, standsFrom: undefined });
  // 3/2 of the window is the end of replies: no demand in the last replyTime before.
  expect(clockOf(after(demanded(trace, 1_400)), TIMES).demandUntil).toBe(1_300);
  expect(clockOf(after(committed(1_090)), TIMES).standsFrom).toBe(1_090);
});

test('the path of a challenge: demand, show, commit, prove, refuted', () => {
  expect(isDisputed(after(), undefined)).toBe(false);
  expect(nowOf(pathAt(after(), 10, pursuit))).toEqual([['Demands what is false', 'you', 'now', 1_000]]);
  expect(nowOf(pathAt(after(demanded(trace, 500)), 10, pursuit))).toEqual([['Shows what is demanded', 'claimant', 'now', 500]]);
  expect(nowOf(pathAt(after(demanded(trace, 500)), 10, undefined, maker))).toEqual([['Shows what is demanded', 'you', 'now', 500]]);
  const shown = [demanded(trace, 500), event('TraceShown', { adapterId: 3n, unit: 4, innerRoot: root('03') })];
  expect(nowOf(pathAt(after(...shown), 10, pursuit))).toEqual([['Commits to the proof, unseen', 'you', 'now', 1_000]]);
  expect(nowOf(pathAt(after(...shown), 10))).toEqual([['Can commit to a proof', 'challenger', 'now', 1_000]]);
  expect(nowOf(pathAt(after(...shown, committed(90)), 10, { ...pursuit, proof: '0x' }))).toEqual([['Proves it to the contract', 'you', 'now', 90]]);
  const over = pathAt(after(...shown, committed(90), event('RunRefuted', { adapterId: 3n, challenger: guard, reward: 30n, toPool: 30n })), 20, pursuit);
  expect(over.every(([, , state]) => state === 'done')).toBe(true);
  expect(over.at(-1)![0]).toContain('Refuted');
});

test('silence is the next move of anyone; what nobody proved stands', () => {
  const silent = pathAt(after(demanded(trace, 500)), 501, pursuit);
  expect(silent.map(([label, , state]) => [label, state])).toContainEqual(['Not shown in time', 'failed']);
  expect(nowOf(silent)).toMatchObject([[expect.stringContaining('Refuted'), 'anyone', 'now']]);
  expect(nowOf(pathAt(after(committed(90)), 1_001))).toEqual([['Stands: the bond goes back', 'anyone', 'now']]);
  expect(pathAt(after(committed(90), event('Stood', { adapterId: 3n, maker, bond: 60n })), 1_001).at(-1)).toEqual(['Stands: the bond goes back', 'anyone', 'done']);
});

test('stakes: half of the bond against gas and the bonds of what is demanded next', () => {
  const price = { reply: 1_000n, further: 500n, hash: 10n, leaf: 7n, gas: 1n };
  const demand: Extract<RunFinding, { kind: 'demand' }> = { kind: 'demand', why: '', seconds: 1, places: [trace, { ...roots, depth: 3 }] };
  const stakes = runStakes(demand, 60n, price, 2n);
  expect([stakes.win, stakes.bonds]).toEqual([30n, 1_000n + 7n + 500n + 80n]);
  const given = runStakes({ kind: 'false', why: '', seconds: 1, evidence: { kind: 'given' } as never }, 60n, price, 2n);
  expect(given.bonds).toBe(0n);
  expect(given.gas!).toBeLessThan(stakes.gas!);
  expect(runStakes(demand, 60n, price, undefined).gas).toBeUndefined();
});
