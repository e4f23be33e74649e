import { describe, expect, test } from 'vitest';
import type { DisputeEvents } from '../chain/game-events.ts';
import type { ClaimOnChain } from '../chain/list-claims.ts';
import { NO_DISPUTE, disputesOf } from './disputes-events.ts';
import { type Pursuit, parsePursuit } from './disputes-kept.ts';
import { beginUntil, demandUntil, finalFrom, pathOf } from './disputes-path.ts';

const claimant = `0x${'aa'.repeat(20)}` as const;
const challenger = `0x${'bb'.repeat(20)}` as const;
const commitment = `0x${'cc'.repeat(32)}` as const;
const place = { answer: 0, index: 7, leaf: 2, level: 0, depth: 0 };
const SHOWN = { inputs: '0x0000000100000005', shown: { input: 0, leaf: 2, values: '0x0000803f', proof: [] } };
const claim = { claimId: 3n, state: 'open', claimant, deadline: 1_000, bond: 60n } as ClaimOnChain;
const PROVE_TIME = 100;

type Event = DisputeEvents[number];
let block = 1n;
const event = (eventName: Event['eventName'], args: Record<string, unknown>) =>
  ({ eventName, args: { id: 3n, ...args }, blockNumber: block++, transactionHash: `0x${'dd'.repeat(32)}` }) as unknown as Event;
const demanded = (due: number, at = place) => event('Demanded', { demander: challenger, place: at, due: BigInt(due) });
const committed = (proveBy: number) => event('Committed', { challenger, commitment, proveBy: BigInt(proveBy) });
const after = (...events: Event[]) => disputesOf(events, PROVE_TIME).get(3n) ?? NO_DISPUTE;
const pursuit: Pursuit = { openledger: 'pursuit/1', claimId: '3', account: challenger, where: 'instruction 7', demanded: [], gas: '0' };
const now = (steps: ReturnType<typeof pathOf>) => steps.filter(({ state }) => state === 'now').map(({ label, who, until }) => [label, who, until]);

describe('clocks', () => {
  test('a claim nobody disputes ends with its window', () => {
    expect(finalFrom(claim, after())).toBe(1_000);
    expect(beginUntil(claim, after())).toBe(1_000);
  });
  test('a demand holds the claim, and leaves time to commit after its answer', () => {
    const open = after(demanded(1_050));
    expect(open.open).toBe(1);
    expect(finalFrom(claim, open)).toBeUndefined();
    const shown = after(demanded(1_050), event('Revealed', { place, ...SHOWN }));
    expect([finalFrom(claim, shown), beginUntil(claim, shown)]).toEqual([1_150, 1_150]);
    expect(shown.demands[0]).toMatchObject({ state: 'shown', shown: { place, what: { values: Float32Array.of(1) }, inputs: SHOWN.inputs } });
    const nodes = { ...place, level: 3, depth: 1 };
    const hashes = [commitment, commitment];
    const both = after(demanded(1_050), demanded(1_060, nodes), event('RevealedNodes', { place: nodes, inputs: SHOWN.inputs, shown: { leaf: 2, level: 3, depth: 1, hashes, proof: [] } }));
    expect(both.demands.map(({ state }) => state)).toEqual(['open', 'shown']);
    expect(both.demands[1]!.shown).toMatchObject({ what: { hashes } });
  });
  test('demands end with the window, later where something was shown, and leave the whole time for a reply', () => {
    const times = { window: 400, replyTime: 120 };
    expect(demandUntil(claim, after(), times)).toBe(1_000);
    expect(demandUntil(claim, after(demanded(960)), times)).toBe(1_060);
    expect(demandUntil(claim, after(demanded(1_100)), times)).toBe(1_080);
  });
  test('a commitment holds the claim until its proof is due, and takes no later commitments', () => {
    const dispute = after(committed(1_080));
    expect([finalFrom(claim, dispute), beginUntil(claim, dispute)]).toEqual([1_080, 1_000]);
  });
  test('answers of other places and claims change nothing', () => {
    expect(after(demanded(1_050), event('Revealed', { place: { ...place, leaf: 3 }, ...SHOWN })).open).toBe(1);
    expect(disputesOf([demanded(1_050), event('Revealed', { id: 4n, place, ...SHOWN })], PROVE_TIME).get(3n)!.open).toBe(1);
  });
});

describe('the path', () => {
  test('of a claim that is open, whose window is over, that is final', () => {
    expect(now(pathOf(claim, NO_DISPUTE, undefined, { account: undefined, now: 900 }))).toEqual([['Open to challenge', 'anyone', 1_000]]);
    expect(now(pathOf(claim, NO_DISPUTE, undefined, { account: undefined, now: 1_001 }))).toEqual([['Made final', 'anyone', undefined]]);
    expect(pathOf({ ...claim, state: 'final' }, NO_DISPUTE, undefined, { account: undefined, now: 2_000 }).every(({ state }) => state === 'done')).toBe(true);
  });

  test('of a whole challenge: one move is next at any time, and it is the right one’s', () => {
    const me = { account: challenger, now: 500 };
    expect(now(pathOf(claim, after(), pursuit, me))).toEqual([['Demands the piece that is false', 'you', 1_000]]);
    const asked = { ...pursuit, demanded: [place] };
    expect(now(pathOf(claim, after(demanded(600)), asked, me))).toEqual([['Shows the piece', 'claimant', 600]]);
    expect(now(pathOf(claim, after(demanded(600)), undefined, { account: claimant, now: 500 }))).toEqual([['Shows the piece', 'you', 600]]);
    const shown = [demanded(600), event('Revealed', { place, ...SHOWN })];
    expect(now(pathOf(claim, after(...shown), { ...asked, proof: '0x00' }, me))).toEqual([['Commits to the proof, unseen', 'you', 1_000]]);
    const done = { ...asked, proof: '0x00', committedIn: '9', proveBy: 700 } as const;
    expect(now(pathOf(claim, after(...shown, committed(700)), done, me))).toEqual([['Proves it to the contract', 'you', 700]]);
    const end = pathOf({ ...claim, state: 'refuted', challenger }, after(...shown, committed(700), event('Convicted', { challenger, what: 'step' })), done, me);
    expect(end.every(({ state }) => state === 'done')).toBe(true);
    expect(end.at(-1)!.who).toBe('you');
  });

  test('of a demand by others promises nobody that the claim falls', () => {
    const steps = pathOf(claim, after(demanded(600), event('Revealed', { place, ...SHOWN })), undefined, { account: claimant, now: 500 });
    expect(now(steps)).toEqual([['Can commit to a proof', 'challenger', 1_000]]);
    expect(steps.at(-1)).toMatchObject({ label: 'Refuted if it is proved false, else made final', state: 'later' });
  });

  test('of a demand that was answered and led to nothing: made final, and final', () => {
    const dispute = after(demanded(600), event('Revealed', { place, ...SHOWN }));
    const words = (state: 'open' | 'final') => pathOf({ ...claim, state }, dispute, undefined, { account: undefined, now: 1_200 }).map((step) => [step.label, step.state]);
    const before = [['Paid, with a bond', 'done'], ['One piece of the trace demanded', 'done'], ['Piece shown', 'done']];
    expect(words('open')).toEqual([...before, ['Made final', 'now']]);
    expect(words('final')).toEqual([...before, ['Final: everyone can fetch their part', 'done']]);
  });

  test('of silence: anyone may say that it is over, and no proof is left to be made', () => {
    const steps = pathOf(claim, after(demanded(600)), undefined, { account: undefined, now: 601 });
    expect(steps.find(({ state }) => state === 'failed')!.label).toBe('Not shown in time');
    expect(now(steps)).toEqual([[expect.stringContaining('Refuted'), 'anyone', undefined]]);
    expect(steps.some(({ label }) => label.includes('proof'))).toBe(false);
  });

  test('of a commitment without proof: the claim goes on to its end', () => {
    const steps = pathOf(claim, after(committed(1_080)), undefined, { account: undefined, now: 1_081 });
    expect(steps.map(({ label, state }) => [label, state]).slice(-2)).toEqual([['No proof came in time', 'failed'], ['Made final', 'now']]);
  });
});

describe('a kept challenge', () => {
  const whole: Pursuit = { ...pursuit, demanded: [place], proof: '0x1234', committedIn: '12', proveBy: 700, reward: '30' };
  test('is read as it was kept', () => {
    expect(parsePursuit(structuredClone(whole))).toEqual(whole);
    expect(parsePursuit(pursuit)).toEqual(pursuit);
  });
  test.each([
    undefined, null, 7, 'text', {}, { ...whole, openledger: 'pursuit/0' }, { ...whole, claimId: '-1' }, { ...whole, account: '0x12' }, { ...whole, gas: '1e9' },
    { ...whole, demanded: [{ ...place, leaf: -1 }] }, { ...whole, demanded: {} }, { ...whole, proof: '0x123' }, { ...whole, proveBy: 1.5 }, { ...whole, committedIn: 12 },
  ])('is left out where it is damaged: %j', (value) => expect(parsePursuit(value)).toBeUndefined());
});
