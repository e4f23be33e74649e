import { describe, expect, test } from 'vitest';
import type { DisputeEvents } from '../chain/game-events.ts';
import type { ClaimOnChain } from '../chain/list-claims.ts';
import { filePlace } from '../chain/place.ts';
import { WORKINGS } from '../protocol/workings-places.ts';
import type { Assertion } from '../workers/engine.api.ts';
import { refutedAssertions, sameAsserted } from './disputes-assertions.ts';
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

describe('the path of a search through what is withheld', () => {
  const name = { ...place, leaf: 77, depth: 254 };
  const asserted = (due: number) => [demanded(due, name), event('LeavesAsserted', { place: name, leaf: 2, level: 1, values: '0x0000803f0000003f' })];
  const nodes = { ...place, level: 3, depth: 2 };
  const shownNodes = [demanded(600, nodes), event('RevealedNodes', { place: nodes, inputs: '0x', shown: { leaf: 2, level: 3, depth: 2, hashes: [], proof: [] } })];
  const words = (steps: ReturnType<typeof pathOf>) => steps.map(({ label, who, state }) => [label, who, state]);
  const me = { account: challenger, now: 500 };
  const mine: Pursuit = { ...pursuit, demanded: [nodes], asserts: true };

  test('an assertion stands as it was made, until it is refuted', () => {
    const open = after(...asserted(700));
    expect(open.demands).toMatchObject([{ state: 'open', asserted: { leaf: 2, level: 1, values: Float32Array.of(1, 0.5) } }]);
    const gone = after(...asserted(700), event('AssertionRefuted', { place: name }));
    expect([gone.open, gone.demands[0]!.state]).toEqual([0, 'disproved']);
    expect([refutedAssertions(open, challenger).length, refutedAssertions(gone, challenger.toUpperCase()).length, refutedAssertions(gone, claimant).length, refutedAssertions(gone, undefined).length]).toEqual([0, 1, 0, 0]);
  });

  test('of the challenger: from the commitment to the claimant’s silence', () => {
    expect(now(pathOf(claim, after(...shownNodes), mine, me))).toEqual([['Commits to the right values, unseen', 'you', 1_000]]);
    const waiting = after(...shownNodes, committed(600), ...asserted(700));
    expect(words(pathOf(claim, waiting, mine, me)).slice(2)).toEqual([
      ['Piece shown', 'claimant', 'done'], ['The right values asserted', 'you', 'done'], ['Has to refute them', 'claimant', 'now'],
      [expect.stringMatching(/^Refuted/), 'you', 'later'],
    ]);
    const late = pathOf(claim, waiting, mine, { ...me, now: 701 });
    expect([late.find(({ state }) => state === 'failed')!.label, now(late)]).toEqual(['Not refuted in time', [[expect.stringMatching(/^Refuted/), 'anyone', undefined]]]);
    const end = after(...shownNodes, committed(600), ...asserted(700), event('DemandClosed', { place: name }), event('Convicted', { challenger, what: 'silence' }));
    expect(words(pathOf({ ...claim, state: 'refuted', challenger }, end, mine, { ...me, now: 2_000 })).slice(-2)).toEqual([['Not refuted in time', 'claimant', 'failed'], [expect.stringMatching(/^Refuted/), 'you', 'done']]);
  });

  test('of a claimant whose claim is right: refutes it, and the claim becomes final', () => {
    const looker = { account: claimant, now: 500 };
    expect(now(pathOf(claim, after(committed(600), ...asserted(700)), undefined, looker))).toEqual([['Has to refute them', 'you', 700]]);
    const gone = after(committed(600), ...asserted(700), event('AssertionRefuted', { place: name }));
    const steps = words(pathOf(claim, gone, undefined, looker));
    expect(steps.slice(1, -1)).toEqual([['Other values asserted', 'challenger', 'done'], ['Assertion refuted', 'you', 'done']]);
    expect(steps.at(-1)).toEqual(['Refuted if it is proved false, else made final', 'anyone', 'later']);
    // For whoever asserted it the challenge is over.
    expect(words(pathOf(claim, gone, mine, me)).at(-1)).toEqual(['Made final', 'anyone', 'later']);
  });

  test('of a batch: what its answers come from, then the false one', () => {
    const file = [demanded(600, filePlace), event('FileShown', { file: '0x' })];
    expect(now(pathOf(claim, after(file[0]!), pursuit, me))).toEqual([['Shows them', 'claimant', 600]]);
    expect(now(pathOf(claim, after(...file), pursuit, me))).toEqual([['Searches the first false answer', 'you', 1_000]]);
    const further = words(pathOf(claim, after(...file, demanded(650, nodes)), pursuit, me));
    expect(further.slice(2, 5)).toEqual([['Questions and answers shown', 'claimant', 'done'], ['One piece of the trace demanded', 'you', 'done'], ['Shows the piece', 'claimant', 'now']]);
    const rows = { ...place, index: WORKINGS, level: 2, depth: 2 };
    expect(words(pathOf(claim, after(...file, demanded(650, nodes), demanded(650, rows)), pursuit, me))[3]).toEqual(['2 pieces of trace and workings demanded', 'you', 'done']);
    // Once there is a proof, what was shown is one step.
    const proving = words(pathOf(claim, after(...file, ...shownNodes), { ...pursuit, proof: '0x00' }, me));
    expect(proving.slice(2, 5)).toEqual([['Questions and answers shown', 'claimant', 'done'], ['Piece shown', 'claimant', 'done'], ['Commits to the proof, unseen', 'you', 'now']]);
    expect(words(pathOf(claim, after(file[0]!), undefined, { account: undefined, now: 601 })).find(([, , state]) => state === 'failed')).toEqual(['Not shown in time', 'claimant', 'failed']);
  });

  test('the same assertion is known by its bits', () => {
    const dispute = after(...asserted(700));
    const same = (values: `0x${string}`, change = {}) => sameAsserted(dispute, { answer: 0, place: { index: 7, leaf: 2, level: 1, ...change }, assertion: { own: { values } } as Assertion })?.place;
    expect(same('0x0000803f0000003f')).toEqual(name);
    expect([same('0x0000803f0000003e'), same('0x0000803f'), same('0x0000803f0000003f', { leaf: 3 }), same('0x0000803f0000003f', { index: 8 })]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('a kept challenge', () => {
  const whole: Pursuit = { ...pursuit, demanded: [place], proof: '0x1234', committedIn: '12', proveBy: 700, reward: '30', asserts: true };
  test('is read as it was kept', () => {
    expect(parsePursuit(structuredClone(whole))).toEqual(whole);
    expect(parsePursuit(pursuit)).toEqual(pursuit);
  });
  test.each([
    undefined, null, 7, 'text', {}, { ...whole, openledger: 'pursuit/0' }, { ...whole, claimId: '-1' }, { ...whole, account: '0x12' }, { ...whole, gas: '1e9' },
    { ...whole, demanded: [{ ...place, leaf: -1 }] }, { ...whole, demanded: {} }, { ...whole, proof: '0x123' }, { ...whole, proveBy: 1.5 }, { ...whole, committedIn: 12 }, { ...whole, asserts: 'yes' },
  ])('is left out where it is damaged: %j', (value) => expect(parsePursuit(value)).toBeUndefined());
});
