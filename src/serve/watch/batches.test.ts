/** Claims about several answers: one false answer among right ones, sums that do not add up, a receipt twice, a withheld file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { disputeEvents } from '../../chain/game-events.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import { shownOf } from '../../attribution/trace/replies.ts';
import type { Matrix } from '../../attribution/trace/run.ts';
import { inputsHash } from '../../attribution/trace/step.ts';
import { randomInputs, runAll, smallTrace } from '../../attribution/trace/testing/small-trace.ts';
import { type Tables, withRowFault } from '../../attribution/trace/testing/workings-faults.ts';
import { TraceNodes } from '../../attribution/trace/trace-nodes.ts';
import { Tracer } from '../../attribution/trace/tracer.ts';
import { TraceTree, leafValues } from '../../attribution/trace/tree.ts';
import { shownOfWorkings } from '../../attribution/trace/workings-replies.ts';
import { workingsTree } from '../../attribution/trace/workings-tree.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { demandPlaces } from '../../chain/demand-places.ts';
import { leafOf } from '../../chain/place.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { createEventFeed } from '../../chain/events.ts';
import { finalizeClaim } from '../../chain/finalize-claim.ts';
import { settlementAbi } from '../../chain/generated/abis.ts';
import { readClaim } from '../../chain/list-claims.ts';
import { publishVersion } from '../../chain/publish-version.ts';
import { receiptEvent } from '../../chain/receipt-event.ts';
import { type Terms, readTerms } from '../../chain/read-terms.ts';
import { registerAdapter } from '../../chain/register-adapter.ts';
import { revealPlaces } from '../../chain/reveal-places.ts';
import { sendTransaction } from '../../chain/send-transaction.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../chain/testing/scratch-chain.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { type ClaimedAnswer, answersRoot, openAnswer } from '../../protocol/answers.ts';
import { answerOfReceipt, batchFile } from '../../protocol/batch.ts';
import { canonicalJson } from '../../protocol/canonical.ts';
import { type Payout, payoutRoot } from '../../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import type { Workings } from '../../protocol/payout-workings.ts';
import { type Receipt, scoreBits, scoresRoot } from '../../protocol/receipt.ts';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import { isOfWorkings } from '../../protocol/workings-places.ts';
import { demandsOf } from './demands.ts';
import { Examiner } from './examine.ts';
import { StateFile } from './watch-state.node.ts';
import { type WatchEvent, Watcher } from './watcher.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const folder = mkdtempSync(join(tmpdir(), 'openledger-batches-'));
const records = Array.from({ length: 5 }, (_, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: `0x${(k % 3 + 1).toString(16).padStart(40, '0')}` }));
/** Answers of other lengths, so that batches are of unlike ones. */
const SIZES = [[12, 5], [9, 3], [10, 4]] as const;

let chain: ScratchChain;
let owner: Wallet, claimant: Wallet, guard: Wallet;
let tracer: Tracer;
let terms: Terms;
let adapterId: bigint;
let runs: { inputs: TraceInputs; right: Matrix[] }[];
let made = 0;
const content = new Map<string, Uint8Array>();

beforeAll(async () => {
  const backend = await createCpuBackend();
  const [started, small] = await Promise.all([startScratchChain({ window: 4000 }), smallTrace(backend, { records: records.length })]);
  chain = started;
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

const put = (name: string, value: unknown) => {
  const at = `bafkrei${name}${++made}`;
  content.set(at, value instanceof Uint8Array ? value : new TextEncoder().encode(canonicalJson(value as never)));
  return at;
};
const nonce = () => `0x${(++made).toString(16).padStart(32, '0')}` as const;

/** Answer `k` with the trace and the payouts that are given, its receipt and trace published. */
function answer(k: number, change: { trace?: Matrix[]; pay?: (payouts: Payout[]) => Payout[]; workings?: (right: Workings) => Tables } = {}): { answer: ClaimedAnswer; receiptCid: string; workings: Tables & { payouts: Payout[] } } {
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
    datanet: { id: '1', version: 1, cid, root: versionRoot(records) }, ledger: { checkpointsRoot: word('05'), root: word('06') }, trace: { program: tracer.programHash, root: trace.root, cid: put('trace', trace.bytes()) },
    prompt: { text: 'What?', tokens: prompt }, answer: { text: 'This.', tokens: written }, loss: '0x00000000', scores, noise, scoresRoot: scoresRoot(scores, noise), prices,
    fee: { total: '0', platform: '0', owner: '0', stakers: '0', contributors: '0' }, payouts: paid.map(({ contributor, amount }) => ({ contributor, amount: String(amount) })), payoutRoot: payoutRoot(paid), workingsRoot: workingsTree({ tables }).root,
  };
  const claimed = answerOfReceipt(receipt);
  expect(claimed.inputsHash).toBe(inputsHash(inputs));
  return { answer: claimed, receiptCid: put('receipt', receipt), workings: { tables, payouts: paid } };
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
    adapterId, answersRoot: answersRoot(adapterId, all), answers: all.length, tokensIn: tokens[0], tokensOut: tokens[1], cid: publish ? put('batch', batchFile(adapterId, answers)) : 'bafkreinowhere',
    contributorsPart: fee.contributors, allocated, ruleVersion: terms.payoutRuleVersion,
  };
  const receipt = await sendTransaction(connection, claimant, 'Paying', { ...target, functionName: 'payBatch', args: [request], value: fee.total + bond });
  return receiptEvent(receipt, target.address, settlementAbi, 'BatchPaid').claimId;
}

function watcher(name: string, wallet: Wallet) {
  const { connection } = chain;
  const events: WatchEvent[] = [];
  const store = {
    readFile: (at: string) => {
      const found = content.get(at);
      return found ? Promise.resolve(found) : Promise.reject(new Error('not there'));
    },
  };
  const file = new StateFile(join(folder, `${name}.json`), { chainId: connection.chain.id, disputes: connection.contracts.disputes, account: wallet.address });
  const made = new Watcher({
    connection, wallet, file, feed: createEventFeed(connection, memoryEventStore()), examiner: new Examiner(connection, store, { open: () => Promise.resolve({ tracer, records }) }),
    limits: { gasPrice: 100n * 10n ** 9n, bond: OPEN, demands: 8, confirmations: 0 }, defend: 'own', dryRun: false, tell: (event) => events.push(event),
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

test('a batch whose file is withheld is demanded answer by answer; silence loses it', async () => {
  const id = await claim([answer(0), answer(1)], { publish: false });
  const { round, of } = watcher('silent', guard);
  await round();
  // A gateway may be slow: not at once.
  expect(of(id).map(({ event }) => event)).toEqual(['found', 'waiting']);
  await chain.pass(1001);
  const late = watcher('silent', guard);
  await late.round();
  expect(late.of(id).map(({ event }) => event)).toEqual(['found', 'demanded']);
  await chain.pass(1100);
  await late.round();
  expect(await stateOf(id)).toBe('refuted');
}, 60_000);

test('answers that the claimant of a withheld batch is made to show are checked like all others', async () => {
  const { connection } = chain;
  const trace = flipped(1, 80);
  const answers = [answer(0), answer(1, { trace })];
  const id = await claim(answers, { publish: false });
  await chain.pass(1001);
  const { events, round, of } = watcher('shown', guard);
  await round();
  expect(of(id).map(({ event }) => event)).toEqual(['found', 'demanded']);
  // What a claimant would do to keep the bond: show whatever is demanded, as it was claimed.
  const show = async () => {
    const feed = createEventFeed(connection, memoryEventStore());
    await feed.refresh();
    for (const [k, claimed] of [runs[0]!.right, trace].entries()) {
      const places = demandsOf(disputeEvents(feed)).flatMap(({ claimId, place, state }) => (claimId === id && place.answer === k && state === 'open' ? [place] : []));
      if (!places.length) continue;
      const shown = shownOf(tracer, runs[k]!.inputs, places, new TraceNodes(TraceTree.of(claimed)), (index, leaf) => leafValues(claimed[index]!, leaf).values);
      await revealPlaces(connection, claimant, id, openAnswer(adapterId, answers.map((one) => one.answer), k), shown);
    }
  };
  for (let rounds = 0; rounds < 6 && !of(id).some(({ event }) => event === 'committed'); rounds++) {
    await show();
    await round();
  }
  expect(of(id).filter(({ text }) => /answer 0: right/.test(text))).toHaveLength(1);
  await chain.pass(1);
  await round();
  expect(await stateOf(id)).toBe('refuted');
  expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
  expect(of(id).find(({ event, text }) => event === 'committed' && /answer 1/.test(text))).toBeDefined();
}, 60_000);

test('an answer of a batch whose payouts’ workings go wrong is refuted by their row, whether its file is published or not', async () => {
  const { connection } = chain;
  for (const publish of [true, false]) {
    const answers = [answer(0), answer(2, { workings: (right) => withRowFault(right, 'bit', 1, 3, () => 5)! })];
    const id = await claim(answers, { publish });
    if (!publish) await chain.pass(1001);
    const { events, round, of } = watcher(`workings ${publish}`, guard);
    // What a claimant would do to keep the bond: show whatever is demanded, as it was claimed.
    const show = async () => {
      const feed = createEventFeed(connection, memoryEventStore());
      await feed.refresh();
      for (const [k, { inputs, right }] of [runs[0]!, runs[2]!].entries()) {
        const places = demandsOf(disputeEvents(feed)).flatMap(({ claimId, place, state }) => (claimId === id && place.answer === k && state === 'open' ? [place] : []));
        if (!places.length) continue;
        const shown = shownOf(tracer, inputs, places.filter((place) => !isOfWorkings(place)), new TraceNodes(TraceTree.of(right)), (index, leaf) => leafValues(right[index]!, leaf).values);
        shown.push(...shownOfWorkings(tracer, inputs, answers[k]!.workings, places.filter(isOfWorkings)));
        await revealPlaces(connection, claimant, id, openAnswer(adapterId, answers.map((one) => one.answer), k), shown);
      }
    };
    for (let rounds = 0; rounds < 5 && !of(id).some(({ event }) => event === 'committed'); rounds++) {
      await round();
      await show();
    }
    await chain.pass(1);
    await round();
    expect(await stateOf(id)).toBe('refuted');
    expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
    expect(of(id).filter(({ event, text }) => event === 'demanded' && /answer 1: .*the payouts’ workings/.test(text))).toHaveLength(2);
    expect(of(id).find(({ event, text }) => event === 'committed' && /answer 1/.test(text))).toBeDefined();
  }
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
