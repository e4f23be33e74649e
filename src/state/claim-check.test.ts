import { encodeAbiParameters, encodeEventTopics } from 'viem';
import { expect, test } from 'vitest';
import { disputesEventsAbi } from '../chain/generated/abis.ts';
import { filePlace } from '../chain/place.ts';
import { type ClaimRecord, openingOf } from '../chain/list-claims.ts';
import { type ClaimedAnswer, answersRoot, inputsHashOf, openAnswer } from '../protocol/answers.ts';
import { shortForm } from '../protocol/answers-file.ts';
import { batchFile } from '../protocol/batch.ts';
import { toHex } from '../protocol/bytes.ts';
import type { ClaimQuery, FiledQuery } from '../workers/engine.api.ts';
import type { SearchTime } from '../workers/runs.api.ts';
import { ClaimCheck, isAnswered } from './claim-check.ts';
import { stakesOf } from './disputes-cost.ts';
import { type DemandSeen, NO_DISPUTE } from './disputes-events.ts';
import type { Session } from './session.svelte.ts';

const TOKENS = Array.from({ length: 15 }, (_, k) => k + 3);
const word = (k: number) => `0x${k.toString(16).padStart(64, '0')}` as const;
const answer = (k: number): ClaimedAnswer => ({ tokensIn: 10, tokensOut: 5, receiptHash: word(k + 1), inputsHash: inputsHashOf(TOKENS.slice(0, 10), TOKENS.slice(10)), traceRoot: word(98), workingsRoot: word(96), payoutRoot: word(97), payoutCount: 1, allocated: 7n, read: [] });
const ANSWERS = [0, 1, 2].map(answer);
const FILE = batchFile(1n, ANSWERS.map((one, k) => ({ answer: one, receiptCid: `bafkreireceipt${k}` })));
const BATCH = {
  claimId: 3n, adapterId: 1n, answers: 3, answer: undefined, answersRoot: answersRoot(1n, ANSWERS), tokensIn: 30, tokensOut: 15, fee: { contributors: 21n }, receiptCid: 'bafkreibatch', deadline: 1_000,
} as unknown as ClaimRecord;
const piece = { index: 7, leaf: 2, level: 0, depth: 0 };
const FALSE = { kind: 'false', where: 'it is', evidence: { kind: 'inputs', inputs: '0x' } };
const UNKNOWN = { kind: 'demand', certain: false, where: 'no receipt', places: [piece] };

/** What the contract said about the claim, as a node gives it. */
function log(eventName: 'FileShown' | 'AnswerShown', value: unknown) {
  const { inputs } = disputesEventsAbi.find((one) => one.name === eventName)!;
  return { topics: encodeEventTopics({ abi: disputesEventsAbi, eventName, args: { id: 3n } }), data: encodeAbiParameters(inputs.filter(({ indexed }) => !indexed), [value] as never) };
}
const FILE_SHOWN = log('FileShown', toHex(shortForm(ANSWERS, ANSWERS.map(() => ({ tokens: TOKENS, answer: 5 })))));
/** uint32 length of the answer, then each token. */
const INPUTS = toHex(Uint8Array.from([5, ...TOKENS].flatMap((word) => [0, 0, 0, word])));

const TERMS = { window: 400, replyTime: 60 };

/** A page on which the engine says these things of each answer, `said` by index; without a file for null. `filed`: of those shown with the batch's file. */
function page(said: Record<number, object>, file: unknown = FILE, { events = [], filed = {} }: { events?: object[]; filed?: Record<number, object> } = {}) {
  const asked: number[] = [];
  const queries: ClaimQuery[] = [];
  const left: (SearchTime | undefined)[] = [];
  const api = {
    inspectClaim: (_: string, query: ClaimQuery) => {
      const { receiptCid } = query;
      left.push(query.left);
      queries.push(query);
      const k = receiptCid ? Number(receiptCid.at(-1)) : ANSWERS.findIndex((one) => one.receiptHash === query.answer.receiptHash);
      asked.push(k);
      return { seconds: 1, ...(said[k] ?? { kind: 'right', where: '' }) };
    },
    inspectFiled: (_: string, { filed: one }: FiledQuery) => {
      const k = ANSWERS.findIndex(({ receiptHash }) => receiptHash === one.receiptHash);
      asked.push(k);
      return { seconds: 1, where: '', ...(filed[k] ?? { kind: 'right' }) };
    },
  };
  const once = () => Promise.resolve();
  const readContract = ({ functionName }: { functionName: string }) => Promise.resolve(functionName === 'termsOf' ? [{}, {}] : { rateIn: 0n, rateOut: 0n, ruleVersion: 1 });
  const session = {
    chain: {
      blockTime: 700, terms: { once: () => Promise.resolve(TERMS) }, adapters: { once }, datanets: { once }, feed: { refresh: once, logs: () => events }, knownAdapter: () => ({ ref: {}, adapter: { programHash: word(1) } }),
      connection: { contracts: {}, publicClient: { readContract } },
    },
    engine: { readJson: () => (file === null ? Promise.reject(new Error('not there')) : Promise.resolve(file)), job: (work: (api: unknown, job: string) => unknown) => Promise.resolve(work(api, 'job')) },
  } as unknown as Session;
  const check = new ClaimCheck(session, () => NO_DISPUTE);
  const run = (claim = BATCH, first?: number) => check.run(claim, { signal: new AbortController().signal, onProgress: () => {}, first });
  return { asked, left, queries, run };
}

test('a batch is right when each of its answers is, and none is computed twice', async () => {
  const { asked, run } = page({});
  expect(await run()).toMatchObject({ kind: 'right', where: 'All 3 answers: traces and payouts follow.' });
  await run();
  expect(asked).toEqual([0, 1, 2]);
});

test('of several answers that are not right, the one that can be proved false counts, and is named', async () => {
  const { asked, run } = page({ 0: UNKNOWN, 1: FALSE });
  const found = await run();
  expect(found).toMatchObject({ kind: 'false', where: 'Answer 1: it is' });
  // What is computed does not go on behind it; the proof opens that answer.
  expect(asked).toEqual([0, 1]);
  if (found.kind !== 'false' || !found.of) throw new Error('not of an answer');
  expect(openingOf(found.of)).toMatchObject({ index: 1n, answer: { receiptHash: word(2) } });
  expect((await page({ 0: { kind: 'unchecked', where: '' }, 2: UNKNOWN }).run()).kind).toBe('demand');
  expect((await page({ 2: { kind: 'unchecked', where: 'x' } }).run())).toMatchObject({ kind: 'unchecked', where: 'Answer 2: x' });
});

test('what is right can be asserted of that answer; the others are not computed then', async () => {
  const { asked, run } = page({ 0: UNKNOWN, 1: { kind: 'assert', where: 'so it is', place: piece, ownRoot: word(5), assertion: { own: { values: `0x${'00000000'.repeat(20)}` } } } });
  const found = await run();
  expect(found).toMatchObject({ kind: 'assert', where: 'Answer 1: False first in instruction 7, among 20 values of it.', ownRoot: word(5), of: { claimId: 3n, answer: ANSWERS[1] } });
  expect(asked).toEqual([0, 1]);
  expect((await page({ 0: { ...UNKNOWN, certain: true }, 1: FALSE }).run()).kind).toBe('demand');
});

test('an answer whose tokens nobody knows is demanded with the file of all', async () => {
  expect(await page({ 1: UNKNOWN }).run()).toMatchObject({ kind: 'demand', certain: false, where: 'Answer 1: no receipt', places: [filePlace] });
  // Where the file was shown the tokens are known: the worker gets them.
  const shown = page({ 1: { ...UNKNOWN, certain: true } }, FILE, { events: [FILE_SHOWN] });
  expect(await shown.run()).toMatchObject({ kind: 'demand', places: [{ answer: 1, ...piece }] });
  expect(shown.queries.map(({ inputs }) => inputs)).toEqual([INPUTS, INPUTS]);
});

test('of a file that was shown each answer is computed; a false one is searched with a commitment, or is known and proved', async () => {
  const shown = (filed: Record<number, object>, said = {}, ...more: object[]) => page(said, null, { events: [FILE_SHOWN, ...more], filed });
  const right = shown({});
  expect(await right.run()).toMatchObject({ kind: 'right', where: 'All 3 answers: traces and payouts follow.' });
  await right.run();
  expect(right.asked).toEqual([0, 1, 2]);
  const cut = { ...piece, levels: [word(1)] };
  const found = await shown({ 1: { kind: 'demand', where: 'Not so.', places: [cut, piece], ownRoot: word(4) } }).run();
  expect(found).toMatchObject({ kind: 'demand', certain: true, where: 'Answer 1: Not so. The claimant has to show more of it.', ownRoot: word(4), places: [{ answer: 1, ...cut }, { answer: 1, ...piece }] });
  // All of it but the sum is what is computed here: it is looked at as any other, with its place among the others.
  const known = { ...ANSWERS[2]!, allocated: 9n };
  const proved = shown({ 2: { kind: 'known', answer: known } }, { 2: FALSE });
  expect(await proved.run()).toMatchObject({ kind: 'false', of: { answer: known, opening: { index: 2n, proof: openAnswer(1n, ANSWERS, 2).proof } } });
  expect(proved.queries).toMatchObject([{ answer: known, inputs: INPUTS }]);
  // Shown whole, it is an answer as any other.
  const whole = shown({}, { 1: FALSE }, log('AnswerShown', openAnswer(1n, ANSWERS, 1)));
  expect(await whole.run()).toMatchObject({ kind: 'false', where: 'Answer 1: it is' });
  expect(whole.queries).toMatchObject([{ inputs: INPUTS }]);
});

test('what is demanded is demanded of that answer', async () => {
  const found = await page({ 1: UNKNOWN, 2: { ...UNKNOWN, certain: true } }).run();
  expect(found).toMatchObject({ kind: 'demand', certain: true, places: [{ answer: 2, ...piece }] });
});

test('more is to be known once all that was asked for was answered', async () => {
  const missing = await page({}, null).run();
  const demand = (state: DemandSeen['state']) => ({ ...NO_DISPUTE, demands: [{ place: filePlace, demander: word(1), due: 0, state }] });
  expect([isAnswered(missing, NO_DISPUTE), isAnswered(missing, demand('open')), isAnswered(missing, demand('shown'))]).toEqual([false, false, true]);
});

test('the search is told how long demands are taken', async () => {
  const { left, run } = page({ 1: UNKNOWN });
  await run();
  // Until the end of the window, or so long before the last reply could come: 1,000 − 700.
  expect(left).toEqual([0, 1, 2].map(() => ({ seconds: 300, replyTime: 60 })));
});

test('a challenge’s own answer is looked at first', async () => {
  const { asked, run } = page({ 2: FALSE });
  await run(BATCH, 2);
  expect(asked).toEqual([2]);
});

test('sums that are not those of the answers need no computing; a file that cannot be had is demanded', async () => {
  const sums = page({});
  const found = await sums.run({ ...BATCH, tokensIn: 29 });
  expect(found).toMatchObject({ kind: 'false', evidence: { kind: 'batch' } });
  expect(sums.asked).toEqual([]);
  if (found.kind !== 'false') throw new Error('not false');
  // Of 256 answers the proof takes 73,860 bytes and 2.05 million gas (forge).
  const of = (bytes: number) => stakesOf({ ...found, of: undefined, evidence: { kind: 'batch', proof: { claimId: 3n, data: `0x${'00'.repeat(bytes)}` } } }, { ...BATCH, bond: 60n }, { reply: 0n, further: 0n, hash: 0n, leaf: 0n, gas: 0n }, 1n);
  expect(of(73_860).gas).toBeGreaterThan(2_050_273n + 78_000n);
  expect(of(73_860)).toMatchObject({ win: 30n, bonds: 0n, transactions: 2 });
  expect(await page({}, null).run()).toMatchObject({ kind: 'demand', certain: false, places: [filePlace] });
});
