/** Claims about several answers: one false answer among right ones, sums that do not add up, a receipt twice, a withheld file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import type { Matrix } from '../../attribution/trace/run.ts';
import { inputsHash } from '../../attribution/trace/step.ts';
import { randomInputs, runAll, smallTrace } from '../../attribution/trace/testing/small-trace.ts';
import { type Tables, withRowFault } from '../../attribution/trace/testing/workings-faults.ts';
import { Tracer } from '../../attribution/trace/tracer.ts';
import { TraceTree } from '../../attribution/trace/tree.ts';
import { workingsTree } from '../../attribution/trace/workings-tree.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { demandPlaces } from '../../chain/demand-places.ts';
import { assertionBond, fileBond } from '../../chain/demand-price.ts';
import { leafOf } from '../../chain/place.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { createEventFeed } from '../../chain/events.ts';
import { finalizeClaim } from '../../chain/finalize-claim.ts';
import { disputesViewsAbi, settlementAbi } from '../../chain/generated/abis.ts';
import { readClaim } from '../../chain/list-claims.ts';
import { publishVersion } from '../../chain/publish-version.ts';
import { receiptEvent } from '../../chain/receipt-event.ts';
import { type Terms, readTerms } from '../../chain/read-terms.ts';
import { registerAdapter } from '../../chain/register-adapter.ts';
import { sendTransaction } from '../../chain/send-transaction.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../chain/testing/scratch-chain.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { type ClaimedAnswer, answersRoot } from '../../protocol/answers.ts';
import { answerOfReceipt, batchFile } from '../../protocol/batch.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { canonicalJson } from '../../protocol/canonical.ts';
import { type Payout, payoutRoot } from '../../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import type { Workings } from '../../protocol/payout-workings.ts';
import { type Receipt, scoreBits, scoresRoot } from '../../protocol/receipt.ts';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import { Examiner } from './examine.ts';
import type { SeenDemand } from './demands.ts';
import { type Made, openDemands, refuteAsserted, sentBy, showAsClaimed, total } from './testing/cheat.ts';
import { StateFile } from './watch-state.node.ts';
import { type WatchEvent, Watcher } from './watcher.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const folder = mkdtempSync(join(tmpdir(), 'openledger-batches-'));
const records = Array.from({ length: 5 }, (_, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: `0x${(k % 3 + 1).toString(16).padStart(40, '0')}` }));
/** Answers of other lengths, so that batches are of unlike ones. */
const SIZES = [[12, 5], [9, 3], [10, 4]] as const;

/** Seconds; replies may take as long as the contract allows. */
const WINDOW = 4000;

let chain: ScratchChain;
let owner: Wallet, claimant: Wallet, guard: Wallet;
let tracer: Tracer;
let terms: Terms;
let adapterId: bigint;
let runs: { inputs: TraceInputs; right: Matrix[] }[];
let made = 0;
const content = new Map<string, Uint8Array>();
/** What only the claimant has. */
const hidden = new Set<string>();

beforeAll(async () => {
  const backend = await createCpuBackend();
  const [started, small] = await Promise.all([startScratchChain({ window: WINDOW, replyTime: (3 * WINDOW) / 10 }), smallTrace(backend, { records: records.length })]);
  chain = started;
  // Most records stand out from their noise.
  small.ledger.noise.forEach((one, k, all) => (all[k] = Math.fround(one / 64)));
  tracer = await Tracer.of(backend, small.model, small.ledger);
  runs = [];
  for (const [tokens, answer] of SIZES) {
    const inputs = randomInputs(small.model.config.vocab, tokens, answer, tokens);
    runs.push({ inputs, right: await runAll(backend, small, inputs) });
  }
  const { connection } = chain;
  connection.publicClient.pollingInterval = 50;
  [owner, claimant, guard] = (await Promise.all(['owner', 'claimant', 'guard'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet];
  await createDatanet(connection, owner, { name: 'Watched', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId: 1n, root: versionRoot(records), recordsRoot: recordsRoot(records), cid, count: records.length });
  ({ adapterId } = await registerAdapter(connection, owner, {
    datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'), programHash: tracer.programHash, cid, name: 'Watched', rateIn: OPEN, rateOut: 10n * OPEN,
  }));
  terms = await readTerms(connection);
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await chain?.stop();
});

const put = (name: string, value: unknown, hide = false) => {
  const at = `bafkrei${name}${++made}`;
  if (hide) hidden.add(at);
  content.set(at, value instanceof Uint8Array ? value : new TextEncoder().encode(canonicalJson(value as never)));
  return at;
};
const nonce = () => `0x${(++made).toString(16).padStart(32, '0')}` as const;

type MadeAnswer = Required<Made> & { receiptCid: string };

/** Answer `k` with the trace and the payouts that are given, its receipt and trace published, or kept. */
function answer(k: number, change: { trace?: Matrix[]; pay?: (payouts: Payout[]) => Payout[]; workings?: (right: Workings) => Tables; hide?: boolean } = {}): MadeAnswer {
  const { inputs, right } = runs[k]!;
  const trace = TraceTree.of(change.trace ?? right);
  const [prompt, written] = [inputs.tokens.slice(0, -inputs.answer), inputs.tokens.slice(-inputs.answer)];
  const prices = { rateIn: String(OPEN), rateOut: String(10n * OPEN), platformFee: String(terms.platformFee), split: terms.split, payout: DEFAULT_PAYOUT_RULE };
  const honest = answerWorkings({
    tokensIn: prompt.length, tokensOut: written.length, prices, scores: right.at(-2)!.values, noise: right.at(-1)!.values, contributors: records.map(({ contributor }) => contributor), read: [],
  });
  const { tables } = change.workings?.(honest) ?? honest;
  const paid = change.pay?.(honest.payouts) ?? honest.payouts;
  const [scores, noise] = [scoreBits(right.at(-2)!.values), scoreBits(right.at(-1)!.values)];
  const receipt: Receipt = {
    openledger: 'receipt/4', arithmetic: 'rf32', method: 'curvature', nonce: nonce(), base: { cid, root: word('03') }, adapter: { id: String(adapterId), cid, root: word('04') },
    datanet: { id: '1', version: 1, cid, root: versionRoot(records) }, ledger: { checkpointsRoot: word('05'), root: word('06') }, trace: { program: tracer.programHash, root: trace.root, cid: put('trace', trace.bytes(), change.hide) },
    prompt: { text: 'What?', tokens: prompt }, answer: { text: 'This.', tokens: written }, loss: '0x00000000', scores, noise, scoresRoot: scoresRoot(scores, noise), prices,
    fee: { total: '0', platform: '0', owner: '0', stakers: '0', contributors: '0' }, payouts: paid.map(({ contributor, amount }) => ({ contributor, amount: String(amount) })), payoutRoot: payoutRoot(paid), workingsRoot: workingsTree({ tables }).root,
  };
  const claimed = answerOfReceipt(receipt);
  expect(claimed.inputsHash).toBe(inputsHash(inputs));
  return { answer: claimed, receiptCid: put('receipt', receipt, change.hide), inputs, trace: change.trace ?? right, workings: { tables, payouts: paid } };
}

/** Claims them in one batch, unchecked, as a cheat would. `say` changes what the claim says in sum. */
async function claim(answers: { answer: ClaimedAnswer; receiptCid: string }[], { publish = true, tokensIn = 0 } = {}): Promise<bigint> {
  const { connection } = chain;
  const all = answers.map((one) => one.answer);
  const sum = (of: 'tokensIn' | 'tokensOut') => all.reduce((total, one) => total + one[of], 0);
  const target = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  const tokens = [sum('tokensIn') + tokensIn, sum('tokensOut')] as const;
  const allocated = all.reduce((total, one) => total + one.allocated, 0n);
  const [fee, bond] = await Promise.all([
    connection.publicClient.readContract({ ...target, functionName: 'quoteBatch', args: [adapterId, all.length, ...tokens] }),
    connection.publicClient.readContract({ ...target, functionName: 'bondFor', args: [allocated] }),
  ]);
  const request = {
    adapterId, answersRoot: answersRoot(adapterId, all), answers: all.length, tokensIn: tokens[0], tokensOut: tokens[1], cid: put('batch', batchFile(adapterId, answers), !publish),
    contributorsPart: fee.contributors, allocated, ruleVersion: terms.payoutRuleVersion,
  };
  const receipt = await sendTransaction(connection, claimant, 'Paying', { ...target, functionName: 'payBatch', args: [request], value: fee.total + bond });
  return receiptEvent(receipt, target.address, settlementAbi, 'BatchPaid').claimId;
}

/** `insider`: has what the claimant has. */
function watcher(name: string, wallet: Wallet, { insider = wallet === claimant, demands = 8 } = {}) {
  const { connection } = chain;
  const events: WatchEvent[] = [];
  const store = {
    readFile: (at: string) => {
      const found = insider || !hidden.has(at) ? content.get(at) : undefined;
      return found ? Promise.resolve(found) : Promise.reject(new Error('not there'));
    },
  };
  const file = new StateFile(join(folder, `${name}.json`), { chainId: connection.chain.id, disputes: connection.contracts.disputes, account: wallet.address });
  const made = new Watcher({
    connection, wallet, file, feed: createEventFeed(connection, memoryEventStore()), examiner: new Examiner(connection, store, { open: () => Promise.resolve({ tracer, records }) }),
    limits: { gasPrice: 100n * 10n ** 9n, bond: OPEN, demands, confirmations: 0 }, defend: 'own', dryRun: false, tell: (event) => events.push(event),
  });
  return { events, file, round: () => made.round(), of: (id: bigint) => events.filter((event) => event.claim === String(id)) };
}

const stateOf = async (id: bigint) => (await readClaim(chain.connection, id)).state;
const flipped = (k: number, at: number) => runs[k]!.right.map((matrix, index) => {
  if (index !== at) return matrix;
  const values = matrix.values.slice();
  new Uint32Array(values.buffer)[1]! ^= 1 << 12;
  return { ...matrix, values };
});

test('one false answer among right ones is refuted in its place; a batch of right ones is left alone and becomes final', async () => {
  const honest = await claim([answer(0), answer(1), answer(2)]);
  const bit = await claim([answer(0), answer(1), answer(2, { trace: flipped(2, 80) })]);
  const payout = await claim([answer(1), answer(0, { pay: (payouts) => [...payouts.slice(1), { contributor: records[2]!.contributor, amount: 1000n }] })]);
  const { events, file, round, of } = watcher('guard', guard);
  await round();
  expect(of(bit).map(({ event }) => event)).toEqual(['found', 'found', 'found', 'committed']);
  expect(of(bit)[2]!.text).toMatch(/answer 2: false\. False first in instruction 80,/);
  expect(of(payout)[1]!.text).toMatch(/answer 1: false\. The trace is right, its payouts are not/);
  expect(of(honest).map(({ event, text }) => [event, /answer \d: right/.test(text)])).toEqual([['found', true], ['found', true], ['found', true]]);
  // One line for the whole batch, and no second look.
  expect(file.state.right.filter((key) => key.startsWith(`${honest} `))).toHaveLength(1);
  await chain.pass(1);
  await round();
  expect([await stateOf(bit), await stateOf(payout), await stateOf(honest)]).toEqual(['refuted', 'refuted', 'open']);
  expect((await readClaim(chain.connection, bit)).challenger).toBe(guard.address);
  expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
  await chain.pass(8001);
  await finalizeClaim(chain.connection, owner, honest);
  expect(await stateOf(honest)).toBe('final');
}, 60_000);

test('sums that are not those of the answers, an answer that is none, and a receipt twice are refuted without computing', async () => {
  const twice = answer(1);
  const fewer = await claim([answer(0), answer(1)], { tokensIn: -3 });
  const none = await claim([answer(0), { ...answer(1), answer: { ...answer(1).answer, receiptHash: word('00') } }]);
  const same = await claim([answer(0), twice, twice]);
  const { events, round } = watcher('sums', guard);
  await round();
  await chain.pass(1);
  await round();
  expect([await stateOf(fewer), await stateOf(none), await stateOf(same)]).toEqual(['refuted', 'refuted', 'refuted']);
  expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
  console.info(`gas: sums, no answer, twice ${events.filter(({ event }) => event === 'proved').map(({ gas }) => gas).join(', ')}`);
}, 60_000);

/** A watcher of a withheld batch, when it does not wait for a gateway any more. */
async function patient(name: string) {
  await chain.pass(1001);
  return watcher(name, guard);
}
/** Until no demand can be answered any more. */
const silence = () => chain.pass(Math.ceil(terms.replyTime * 1.25) + 1);

/** From the first demand until the claim is refuted; its claimant shows all that can be shown. What both sides sent. */
async function dispute(claimId: bigint, answers: readonly MadeAnswer[], { events, round, of }: ReturnType<typeof watcher>): Promise<{ sent: string[]; gas: number }> {
  const { connection } = chain;
  const all = { claimId, adapterId, tracer, made: answers };
  const replies: number[] = [];
  for (let rounds = 0; (await stateOf(claimId)) === 'open' && rounds < 8; rounds++) {
    await round();
    replies.push(...(await showAsClaimed(connection, claimant, all)));
    if ((await stateOf(claimId)) !== 'open') break;
    if (of(claimId).some(({ event }) => event === 'asserted')) {
      await expect(refuteAsserted(connection, claimant, all)).rejects.toMatchObject({ code: 'contract/assertion-holds' });
      await silence();
    } else await chain.pass(1);
  }
  expect(await stateOf(claimId)).toBe('refuted');
  expect((await readClaim(connection, claimId)).challenger).toBe(guard.address);
  expect(events.filter(({ event, claim: at }) => event === 'failed' && at === String(claimId))).toEqual([]);
  const sent = await sentBy(connection, events, claimId);
  const gas = total([...sent.map((one) => one.gas), ...replies]);
  console.info(`${expect.getState().currentTestName}: ${sent.map((one) => `${one.event} ${one.gas}`).join(', ')}; replies ${replies.join(', ')}: ${sent.length + replies.length} transactions, ${gas} gas`);
  return { sent: [...sent.map(({ event }) => event), ...replies.map(() => 'reply')], gas };
}

test('a batch whose file is withheld is demanded as a whole; silence loses it', async () => {
  const id = await claim([answer(0), answer(1)], { publish: false });
  const { round, of } = watcher('silent', guard);
  await round();
  // A gateway may be slow: not at once.
  expect(of(id).map(({ event }) => event)).toEqual(['found', 'waiting']);
  const late = await patient('silent');
  await late.round();
  expect(late.of(id).map(({ event }) => event)).toEqual(['found', 'demanded']);
  // Limits are reckoned with the contract's bonds.
  const asked = { address: chain.connection.contracts.disputes, abi: disputesViewsAbi } as const;
  expect(fileBond(terms.demandPrice, await readClaim(chain.connection, id))).toBe(await chain.connection.publicClient.readContract({ ...asked, functionName: 'fileBond', args: [id] }));
  expect(assertionBond(terms.demandPrice)).toBe(await chain.connection.publicClient.readContract({ ...asked, functionName: 'assertionBond' }));
  await silence();
  await late.round();
  expect(await stateOf(id)).toBe('refuted');
}, 60_000);

test('one false answer of a batch of which nothing is published takes eight transactions of both sides', async () => {
  for (const [k, at] of [[1, 700], [0, 40]] as const) {
    const wrong = runs[k]!.right.map((matrix, index) => (index === at ? { ...matrix, values: matrix.values.map((value, place) => (place < 2 ? 0.25 + place : value)) } : matrix));
    const answers = [0, 1, 2].map((one) => answer(one, { hide: true, ...(one === k && { trace: wrong }) }));
    const id = await claim(answers, { publish: false });
    const one = await patient(`nothing ${k}`);
    const { sent, gas } = await dispute(id, answers, one);
    expect(sent).toEqual(['demanded', 'demanded', 'demanded', 'asserted', 'silence', 'reply', 'reply', 'reply']);
    expect(gas).toBeLessThanOrEqual(5_000_000);
    // Those before it were computed, and nothing more was asked about them.
    expect(one.of(id).filter(({ text }) => /: right/.test(text)).map(({ text }) => /answer (\d)/.exec(text)![1])).toEqual(Array.from({ length: k }, (_, n) => String(n)));
  }
}, 60_000);

test('who replies at the last moment every time cannot outlast the search through a withheld batch', async () => {
  const wrong = runs[2]!.right.map((matrix, index) => (index === 700 ? { ...matrix, values: matrix.values.map(() => 0.5) } : matrix));
  const answers = [answer(0, { hide: true }), answer(2, { hide: true, trace: wrong })];
  const id = await claim(answers, { publish: false });
  const { deadline } = await readClaim(chain.connection, id);
  const { events, round, of } = await patient('late');
  const all = { claimId: id, adapterId, tracer, made: answers };
  const now = async () => Number((await chain.connection.publicClient.getBlock()).timestamp);
  for (let rounds = 0; rounds < 5 && !of(id).some(({ event }) => event === 'asserted'); rounds++) {
    await round();
    const open = await openDemands(chain.connection, id);
    if (open.some(({ asserted }) => asserted)) break;
    await chain.pass(Math.min(...open.map(({ due }) => due)) - (await now()) - 5);
    await showAsClaimed(chain.connection, claimant, all);
  }
  // The assertion's own time ends before the last moment of all replies.
  const [{ due }] = (await openDemands(chain.connection, id)) as [SeenDemand];
  expect(due).toBeGreaterThan(deadline);
  expect(due).toBeLessThan(deadline + WINDOW / 2);
  await chain.pass(due - (await now()) + 1);
  await round();
  expect(await stateOf(id)).toBe('refuted');
  expect((await sentBy(chain.connection, events, id)).map(({ event }) => event)).toEqual(['demanded', 'demanded', 'demanded', 'asserted', 'silence']);
}, 60_000);

test('where a batch’s file is published and a receipt is not, what all are computed from is demanded once', async () => {
  const answers = [answer(0), answer(1, { trace: runs[1]!.right.map((matrix, index) => (index === 700 ? { ...matrix, values: matrix.values.map(() => 0.5) } : matrix)), hide: true })];
  // The file is published, a receipt is not.
  const id = await claim(answers);
  const one = await patient('receipt');
  const { sent, gas } = await dispute(id, answers, one);
  expect(sent).toEqual(['demanded', 'demanded', 'demanded', 'asserted', 'silence', 'reply', 'reply', 'reply']);
  expect(one.of(id).find(({ event }) => event === 'demanded')?.text).toMatch(/what its answers are computed from/);
  expect(gas).toBeLessThanOrEqual(5_000_000);
}, 60_000);

test('a batch that is right and withheld is shown by its claimant’s watcher; all is right, and nothing is lost', async () => {
  for (const publish of [false, true]) {
    const answers = [0, 1, 2].map((k) => answer(k, { hide: true }));
    const id = await claim(answers, { publish });
    const one = await patient(`right ${publish}`);
    await one.round();
    const own = watcher(`shows ${publish}`, claimant);
    await own.round();
    expect(own.of(id).filter(({ event }) => event === 'shown')).toHaveLength(1);
    await one.round();
    expect(one.of(id).filter(({ event, text }) => event === 'found' && /answer \d: right/.test(text))).toHaveLength(3);
    expect((await sentBy(chain.connection, one.events, id)).map(({ event }) => event)).toEqual(['demanded']);
    expect(one.file.state.right.filter((key) => key.startsWith(`${id} `))).toHaveLength(1);
    // Nor by another that begins now.
    const later = watcher(`later ${publish}`, guard);
    await later.round();
    expect(await sentBy(chain.connection, later.events, id)).toEqual([]);
    await chain.pass(8001);
    await finalizeClaim(chain.connection, owner, id);
    expect(await stateOf(id)).toBe('final');
  }
}, 60_000);

test('false sums, a receipt twice and an answer that pays another sum are refuted in a withheld batch too', async () => {
  const twice = answer(1, { hide: true });
  const paysLess = answer(0, { hide: true });
  const less = { ...paysLess, answer: { ...paysLess.answer, allocated: paysLess.answer.allocated - 1n } };
  for (const [name, answers, change, count] of [
    ['sums', [answer(0, { hide: true }), answer(1, { hide: true })], { tokensIn: -3 }, 4],
    ['twice', [answer(0, { hide: true }), twice, twice], {}, 7],
    ['another sum', [answer(1, { hide: true }), less], {}, 4],
  ] as const) {
    const id = await claim([...answers], { publish: false, ...change });
    const { sent, gas } = await dispute(id, answers, await patient(name));
    expect(sent, name).toHaveLength(count);
    expect(sent.filter((event) => event === 'proved'), name).toHaveLength(1);
    expect(gas, name).toBeLessThanOrEqual(5_000_000);
  }
}, 60_000);

test('an answer of a batch whose payouts’ workings go wrong is refuted by their row, whether its file is published or not', async () => {
  for (const publish of [true, false]) {
    const answers = [answer(0, { hide: !publish }), answer(2, { workings: (right) => withRowFault(right, 'bit', 1, 3, () => 5)!, hide: !publish })];
    const id = await claim(answers, { publish });
    const one = await patient(`workings ${publish}`);
    const { sent, gas } = await dispute(id, answers, one);
    expect(sent.slice(-2 - (publish ? 2 : 3))).toEqual(['committed', 'proved', ...Array.from({ length: publish ? 2 : 3 }, () => 'reply')]);
    expect(sent.length).toBeLessThanOrEqual(publish ? 6 : 8);
    expect(gas).toBeLessThanOrEqual(5_000_000);
    expect(one.of(id).filter(({ event, text }) => event === 'demanded' && /answer 1: .*the payouts’ workings/.test(text))).toHaveLength(2);
    expect(one.of(id).find(({ event, text }) => event === 'committed' && /answer 1/.test(text))).toBeDefined();
  }
}, 60_000);

test('payouts of a withheld batch that go to another than they should are refuted', async () => {
  const moved = (payouts: Payout[]) => payouts.map((payout, k) => (k ? payout : { ...payout, contributor: word('01').slice(0, 42) as Hex }));
  const answers = [answer(0, { hide: true, pay: moved }), answer(1, { hide: true })];
  expect(answers[0]!.workings.payouts.length).toBeGreaterThan(0);
  const id = await claim(answers, { publish: false });
  const { sent, gas } = await dispute(id, answers, await patient('moved'));
  // One payout is the root of all: nothing has to be searched.
  expect(sent).toEqual(['demanded', 'demanded', 'committed', 'proved', 'reply', 'reply']);
  expect(gas).toBeLessThanOrEqual(5_000_000);
}, 60_000);

test('a search that was begun goes on, whatever else its claimant has shown', async () => {
  const { connection } = chain;
  const wrong = (k: number) => runs[k]!.right.map((matrix, index) => (index === 700 ? { ...matrix, values: matrix.values.map(() => 0.5) } : matrix));
  const answers = [0, 1, 2].map((k) => answer(k, { hide: true, ...(k > 0 && { trace: wrong(k) }) }));
  const id = await claim(answers, { publish: false });
  const one = await patient('begun');
  const all = { claimId: id, adapterId, tracer, made: answers };
  await one.round();
  await showAsClaimed(connection, claimant, all);
  await one.round();
  expect(one.of(id).at(-1)!.text).toMatch(/answer 1: /);
  // Somebody has another false one shown, which is before it in no order.
  await demandPlaces(connection, owner, id, [leafOf(2, 0, 0), leafOf(0, 0, 0)]);
  const { sent } = await dispute(id, answers, one);
  expect(sent.filter((event) => event === 'demanded')).toHaveLength(3);
  expect(one.of(id).filter(({ event }) => event === 'demanded').slice(1).every(({ text }) => /answer 1: /.test(text))).toBe(true);
}, 60_000);

test('demands on answers of one’s own batch are answered', async () => {
  const { connection } = chain;
  const id = await claim([answer(0), answer(1)]);
  await demandPlaces(connection, guard, id, [leafOf(1, 21, 0), leafOf(0, 3, 0)]);
  const own = watcher('own', claimant);
  await own.round();
  expect(own.of(id).filter(({ event }) => event === 'shown').map(({ text }) => /answer (\d)/.exec(text)![1])).toEqual(['0', '1']);
  await chain.pass(8001);
  await finalizeClaim(connection, owner, id);
  expect(await stateOf(id)).toBe('final');
}, 60_000);
