import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { disputeEvents } from '../../chain/game-events.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import type { Matrix } from '../../attribution/trace/run.ts';
import { noSuchPlace, repliesTo, shownOf } from '../../attribution/trace/replies.ts';
import { inputsHash } from '../../attribution/trace/step.ts';
import { type SmallTrace, randomInputs, runAll, smallTrace } from '../../attribution/trace/testing/small-trace.ts';
import { ALL_MATRICES, TraceNodes } from '../../attribution/trace/trace-nodes.ts';
import { Tracer } from '../../attribution/trace/tracer.ts';
import { TraceTree, leafValues } from '../../attribution/trace/tree.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { demandPlaces } from '../../chain/demand-places.ts';
import { leafOf } from '../../chain/place.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { createEventFeed } from '../../chain/events.ts';
import { finalizeClaim } from '../../chain/finalize-claim.ts';
import { readClaim } from '../../chain/list-claims.ts';
import { payAnswer } from '../../chain/pay-answer.ts';
import { publishVersion } from '../../chain/publish-version.ts';
import { quoteFee } from '../../chain/quote-fee.ts';
import { readBalances } from '../../chain/read-balances.ts';
import { readDemand } from '../../chain/read-dispute.ts';
import { readTerms } from '../../chain/read-terms.ts';
import { registerAdapter } from '../../chain/register-adapter.ts';
import { revealPlaces } from '../../chain/reveal-places.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../chain/testing/scratch-chain.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { openAnswer } from '../../protocol/answers.ts';
import { type Hex, keccak256, toHex } from '../../protocol/bytes.ts';
import { canonicalJson } from '../../protocol/canonical.ts';
import { divideFee } from '../../protocol/divide-fee.ts';
import { type Payout, payoutRoot } from '../../protocol/fee.ts';
import { NO_NONCE, scoreBits, scoresRoot } from '../../protocol/receipt.ts';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import { demandsOf } from './demands.ts';
import { Examiner } from './examine.ts';
import { StateFile } from './watch-state.node.ts';
import { type WatchEvent, type WatchLimits, Watcher } from './watcher.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const RECORDS = 5;
/** Games.NODE_GAS: what a hash counts for in a bond. */
const NODE_GAS = 1300n;
const folder = mkdtempSync(join(tmpdir(), 'openledger-watch-'));
const records = Array.from({ length: RECORDS }, (_, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: `0x${(k % 3 + 1).toString(16).padStart(40, '0')}` }));
const contributors = records.map(({ contributor }) => contributor);

let chain: ScratchChain;
let owner: Wallet, claimant: Wallet, guard: Wallet;
let small: SmallTrace;
let tracer: Tracer;
let inputs: TraceInputs;
let right: Matrix[];
let adapterId: bigint;
let nextReceipt = 1;
/** By CID: a receipt and a trace for each claim. */
const content = new Map<string, Uint8Array>();

beforeAll(async () => {
  const backend = await createCpuBackend();
  [chain, small] = await Promise.all([startScratchChain({ window: 4000 }), smallTrace(backend, { records: RECORDS })]);
  tracer = await Tracer.of(backend, small.model, small.ledger);
  inputs = randomInputs(small.model.config.vocab, 12, 5);
  right = await runAll(backend, small, inputs);
  const { connection } = chain;
  connection.publicClient.pollingInterval = 50;
  [owner, claimant, guard] = (await Promise.all(['owner', 'claimant', 'guard'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet];
  await createDatanet(connection, owner, { name: 'Watched', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId: 1n, root: versionRoot(records), recordsRoot: recordsRoot(records), cid, count: RECORDS });
  ({ adapterId } = await registerAdapter(connection, owner, {
    datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'),
    programHash: tracer.programHash, cid, name: 'Watched', rateIn: OPEN, rateOut: 10n * OPEN,
  }));
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await chain?.stop();
});

const changed = (at: number, change: (values: Float32Array) => void): Matrix[] => right.map((matrix, k) => {
  if (k !== at) return matrix;
  const values = matrix.values.slice();
  change(values);
  return { ...matrix, values };
});
const flip = (values: Float32Array) => void (new Uint32Array(values.buffer)[3]! ^= 1);

/** Pays for an answer whose trace is `trace`. */
async function claim(trace: Matrix[], { publish = true, pay = (payouts) => payouts, receipt = true }: { publish?: boolean; pay?: (payouts: Payout[]) => Payout[]; receipt?: boolean } = {}): Promise<bigint> {
  const { connection } = chain;
  const terms = await readTerms(connection);
  const tree = TraceTree.of(trace);
  const prices = { rateIn: String(OPEN), rateOut: String(10n * OPEN), platformFee: String(terms.platformFee), split: terms.split, payout: DEFAULT_PAYOUT_RULE };
  const [scoreValues, noiseValues] = [right.at(-2)!.values, right.at(-1)!.values];
  const { fee, payouts } = divideFee(7, 5, prices, scoreValues, noiseValues, contributors);
  const workings = answerWorkings({ tokensIn: 7, tokensOut: 5, prices, scores: scoreValues, noise: noiseValues, contributors, read: [] });
  const number = nextReceipt++;
  const [traceCid, receiptCid] = [`bafkreitrace${number}`, `bafkreireceipt${number}`];
  const [scores, noise] = [scoreBits(scoreValues), scoreBits(noiseValues)];
  const text = (value: bigint) => String(value);
  const made = {
    openledger: 'receipt/4', arithmetic: 'rf32', method: 'curvature', nonce: NO_NONCE, base: { cid, root: word('03') }, adapter: { id: '1', cid, root: word('04') },
    datanet: { id: '1', version: 1, cid, root: versionRoot(records) }, ledger: { checkpointsRoot: word('05'), root: word('06') }, trace: { program: tracer.programHash, root: tree.root, cid: traceCid },
    prompt: { text: 'What?', tokens: inputs.tokens.slice(0, 7) }, answer: { text: 'This.', tokens: inputs.tokens.slice(7) }, loss: '0x00000000', scores, noise, scoresRoot: scoresRoot(scores, noise), prices,
    fee: { total: text(fee.total), platform: text(fee.platform), owner: text(fee.owner), stakers: text(fee.stakers), contributors: text(fee.contributors) },
    payouts: payouts.map(({ contributor, amount }) => ({ contributor, amount: text(amount) })), payoutRoot: payoutRoot(payouts), workingsRoot: workings.root,
  };
  if (receipt) content.set(receiptCid, new TextEncoder().encode(canonicalJson(made as never)));
  if (publish) content.set(traceCid, tree.bytes());
  const { contributors: part } = await quoteFee(connection, { adapterId, tokensIn: 7, tokensOut: 5 });
  const { claimId } = await payAnswer(connection, claimant, {
    adapterId, tokensIn: 7, tokensOut: 5, receiptHash: toHex(keccak256(Uint8Array.of(number))), receiptCid, inputsHash: inputsHash(inputs), traceRoot: tree.root, workingsRoot: workings.root, payouts: pay(payouts), contributorsPart: part,
  });
  return claimId;
}

const LIMITS: WatchLimits = { gasPrice: 100n * 10n ** 9n, bond: OPEN, demands: 8, confirmations: 0 };

function watcher(name: string, wallet: Wallet | undefined, change: { limits?: Partial<WatchLimits>; dryRun?: boolean; defend?: 'own' | 'all' | 'none'; meanwhile?: () => Promise<void> } = {}) {
  const { connection } = chain;
  const events: WatchEvent[] = [];
  const feed = createEventFeed(connection, memoryEventStore());
  const store = {
    readFile: async (at: string) => {
      const found = content.get(at);
      if (!found) throw new Error('not there');
      return found;
    },
  };
  const path = join(folder, `${name}.json`);
  const file = new StateFile(path, { chainId: connection.chain.id, disputes: connection.contracts.disputes, account: wallet?.address ?? word('00').slice(0, 42) as Hex });
  const examiner = new Examiner(connection, store, { open: async () => (await change.meanwhile?.(), { tracer, records }) });
  const made = new Watcher({ connection, feed, examiner, wallet, file, limits: { ...LIMITS, ...change.limits }, defend: change.defend ?? 'own', dryRun: change.dryRun ?? false, tell: (event) => events.push(event) });
  return { events, path, feed, round: () => made.round(), of: (id: bigint) => events.filter((event) => event.claim === String(id)).map(({ event }) => event) };
}

const stateOf = async (id: bigint) => (await readClaim(chain.connection, id)).state;
const gasOf = (events: WatchEvent[], event: string) => events.filter((one) => one.event === event).map(({ gas }) => Number(gas));

/** What the claimant of a false trace would do to keep its bond: shows whatever is demanded. */
async function reveal(id: bigint, trace: Matrix[]): Promise<number[]> {
  const { connection } = chain;
  const feed = createEventFeed(connection, memoryEventStore());
  await feed.refresh();
  const { answer } = await readClaim(connection, id);
  const places = demandsOf(disputeEvents(feed)).flatMap(({ claimId, place, state }) => (claimId === id && state === 'open' ? [place] : []));
  if (!places.length) return [];
  const shown = shownOf(tracer, inputs, places, new TraceNodes(TraceTree.of(trace)), (index, leaf) => leafValues(trace[index]!, leaf).values);
  return [Number((await revealPlaces(connection, claimant, id, openAnswer(adapterId, [answer!], 0), shown)).gasUsed)];
}

test('a flipped bit and a false payout are refuted; the right claim is left alone; the reward comes', async () => {
  const honest = await claim(right);
  const bit = await claim(changed(40, flip));
  const payout = await claim(right, { pay: (payouts) => [...payouts.slice(1), { contributor: contributors[2]!, amount: 1000n }] });
  const first = watcher('guard', guard);
  await first.round();
  expect(first.of(honest)).toEqual(['found']);
  expect(first.of(bit)).toEqual(['found', 'committed']);
  expect(first.of(payout)).toEqual(['found', 'committed']);
  // The salts are on disk for no other eyes; the key is not.
  expect(statSync(first.path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(first.path, 'utf8')).proofs).toHaveLength(2);
  await chain.pass(1);
  // Another process that finds the file goes on.
  const second = watcher('guard', guard);
  const before = (await readBalances(chain.connection, guard.address)).account;
  await second.round();
  expect([await stateOf(bit), await stateOf(payout), await stateOf(honest)]).toEqual(['refuted', 'refuted', 'open']);
  expect(second.events.map(({ event }) => event)).toEqual(['proved', 'proved', 'withdrawn']);
  expect((await readBalances(chain.connection, guard.address)).account).toBeGreaterThan(before + (await readClaim(chain.connection, bit)).bond / 2n);
  await second.round();
  expect(second.events).toHaveLength(3);
  const gas = gasOf(second.events, 'proved');
  expect(Math.max(...gas)).toBeLessThan(1_000_000);
  console.info(`gas: proofs of a bit and of a payout ${gas.join(', ')}`);
}, 60_000);

test('what cannot be guessed is demanded: shown, it is refuted by proof; not shown, by silence', async () => {
  const trace = changed(60, (values) => values.set([0.5, 0.25]));
  const shows = await claim(trace);
  const silent = await claim(trace);
  const { events, round, of } = watcher('demands', guard);
  await round();
  expect([of(shows), of(silent)]).toEqual([['found', 'demanded'], ['found', 'demanded']]);
  expect(await reveal(shows, trace)).toHaveLength(1);
  await round();
  expect(of(shows)).toEqual(['found', 'demanded', 'found', 'committed']);
  await chain.pass(1);
  await round();
  expect([await stateOf(shows), await stateOf(silent)]).toEqual(['refuted', 'open']);
  await chain.pass(1100);
  await round();
  expect(await stateOf(silent)).toBe('refuted');
  expect(events.at(-1)!.event).toBe('withdrawn');
  expect((await readBalances(chain.connection, guard.address)).disputes).toBe(0n);
}, 60_000);

test('a withheld trace takes eight transactions of both sides at most, and five million gas, wherever it is false', async () => {
  const { demandPrice } = await readTerms(chain.connection);
  const faults: [number, (values: Float32Array) => void][] = [[700, (values) => values.set([0.5])], [right.length - 1, (values) => values.set([0.5, 0.25])], [40, flip]];
  for (const [k, [at, change]] of faults.entries()) {
    const trace = changed(at % right.length, change);
    const id = await claim(trace, { publish: false });
    const { events, round, of } = watcher(`search-${k}`, guard);
    const [replies, before] = [[] as number[], (await readBalances(chain.connection, claimant.address)).disputes];
    for (let rounds = 0; !of(id).includes('committed') && rounds < 4; rounds++) {
      await round();
      replies.push(...(await reveal(id, trace)));
    }
    await chain.pass(1);
    await round();
    expect(await stateOf(id)).toBe('refuted');
    const sent = events.filter((event) => event.claim === String(id) && event.gas !== undefined && event.event !== 'shown');
    expect(sent.map(({ event }) => event).slice(-2)).toEqual(['committed', 'proved']);
    const gas = [...sent.map((event) => Number(event.gas)), ...replies];
    console.info(`withheld, false in instruction ${at % right.length}: ${sent.map(({ event, gas: each }) => `${event} ${each}`).join(', ')}; replies ${replies.join(', ')}: ${gas.length} transactions, ${gas.reduce((a, b) => a + b, 0)} gas`);
    expect(gas.length).toBeLessThanOrEqual(8);
    expect(gas.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(5_000_000);
    // The bonds of the demands cover what the replies cost.
    const bonds = (await readBalances(chain.connection, claimant.address)).disputes - before;
    expect(bonds / (demandPrice.hash / NODE_GAS)).toBeGreaterThanOrEqual(BigInt(replies.reduce((a, b) => a + b, 0)));
  }
}, 60_000);

test('who cannot be told what was asked has the tokens shown; a claimant who always replies at the last moment is refuted all the same', async () => {
  const id = await claim(changed(3, flip), { publish: false, receipt: false });
  const { round, of } = watcher('tokens', guard);
  await round();
  // A gateway may be slow: not at once.
  expect(of(id)).toEqual(['found', 'waiting']);
  await chain.pass(1001);
  await round();
  expect(of(id)).toEqual(['found', 'waiting', 'demanded']);
  const { replyTime } = await readTerms(chain.connection);
  const late = async () => {
    await chain.pass(replyTime - 10);
    return reveal(id, changed(3, flip));
  };
  const gas = [await late()];
  await round();
  // The first reply showed nodes too: the search goes on where it would be.
  expect(of(id).slice(3)).toEqual(['found', 'demanded']);
  for (let rounds = 1; !of(id).includes('committed') && rounds < 3; rounds++) {
    gas.push(await late());
    await round();
  }
  await chain.pass(1);
  await round();
  expect(await stateOf(id)).toBe('refuted');
  // Demands and replies, commitment and proof: no more than where the receipt is known.
  expect(gas.length + of(id).filter((event) => ['demanded', 'committed', 'proved'].includes(event)).length).toBeLessThanOrEqual(8);
}, 60_000);

test('demands on own claims are answered, and the right claim becomes final', async () => {
  const { connection } = chain;
  const id = await claim(right);
  const place = leafOf(0, 21, 0);
  const [all, pair] = [new TraceNodes(TraceTree.of(right)).all.depth, { answer: 0, index: right.findIndex(({ rows, columns }) => rows * columns > 256), leaf: 0, level: 1, depth: 1 }];
  const there = [place, pair, { answer: 0, index: ALL_MATRICES, leaf: 1, level: all - 1, depth: 3 }];
  const nowhere = [leafOf(0, right.length + 7, 0), { answer: 0, index: ALL_MATRICES, leaf: 0, level: all + 1, depth: 3 }, { ...pair, leaf: 4000 }];
  expect(nowhere.every((one) => noSuchPlace(tracer, inputs, one))).toBe(true);
  await demandPlaces(connection, guard, id, [...there, ...nowhere]);
  const other = watcher('other', owner);
  await other.round();
  expect(other.of(id)).toEqual(['found']);
  const own = watcher('own', claimant);
  await own.round();
  expect(own.of(id).filter((event) => event === 'shown')).toHaveLength(4);
  for (const one of [...there, ...nowhere]) expect((await readDemand(connection, id, one)).state).toBe('answered');
  console.info(`gas of a reply ${gasOf(own.events, 'shown').filter((gas) => gas > 0)}`);
  await chain.pass(8001);
  await finalizeClaim(connection, owner, id);
  expect(await stateOf(id)).toBe('final');
}, 60_000);

test('a right claim whose claimant is away is defended by another, once the bond is theirs', async () => {
  const { connection } = chain;
  const id = await claim(right);
  const place = leafOf(0, 9, 0);
  await demandPlaces(connection, guard, id, [place]);
  const stranger = watcher('stranger', owner, { defend: 'all' });
  await stranger.round();
  expect((await readDemand(connection, id, place)).state).toBe('open');
  const { replyTime, demandPrice } = await readTerms(connection);
  await chain.pass(Math.ceil(replyTime / 2) + 1);
  await stranger.round();
  expect((await readDemand(connection, id, place)).state).toBe('answered');
  expect(stranger.of(id)).toContain('shown');
  // The round ends with the bond withdrawn, where it is worth the gas; else it is there.
  const { disputes } = await readBalances(connection, owner.address);
  expect(disputes === demandPrice.reply + demandPrice.leaf || stranger.events.some(({ event }) => event === 'withdrawn')).toBe(true);
}, 60_000);

test('a demand that somebody else answers meanwhile does not hold back the replies to others', async () => {
  const { connection } = chain;
  const id = await claim(right);
  const [one, other] = [leafOf(0, 5, 0), leafOf(0, 6, 0)];
  await demandPlaces(connection, guard, id, [one, other]);
  let open = true;
  const own = watcher('meanwhile', claimant, {
    meanwhile: async () => {
      const { answer, state } = await readClaim(connection, id);
      if (!open || state !== 'open') return;
      open = false;
      await revealPlaces(connection, owner, id, openAnswer(adapterId, [answer!], 0), await repliesTo(tracer, inputs, [one]));
    },
  });
  await own.round();
  expect([(await readDemand(connection, id, one)).state, (await readDemand(connection, id, other)).state]).toEqual(['answered', 'answered']);
  expect(own.of(id).sort()).toEqual(['failed', 'found', 'shown']);
}, 60_000);

test('nothing is sent without a key, in a dry run, above the gas price or the bond that are allowed', async () => {
  const trace = changed(60, (values) => values.set([0.5, 0.25]));
  const id = await claim(trace);
  const [nobody, dry, dear, poor] = [
    watcher('nobody', undefined), watcher('dry', guard, { dryRun: true }), watcher('dear', guard, { limits: { gasPrice: 1n } }), watcher('poor', guard, { limits: { bond: 1n } }),
  ];
  for (const one of [nobody, dry, dear, poor]) await one.round();
  expect([nobody.of(id), dry.of(id), dear.of(id), poor.of(id)]).toEqual([['found', 'would'], ['found', 'would'], ['found', 'waiting'], ['found', 'waiting']]);
  const feed = createEventFeed(chain.connection, memoryEventStore());
  await feed.refresh();
  expect(demandsOf(disputeEvents(feed)).filter(({ claimId }) => claimId === id)).toEqual([]);
  // A claimant's own false claim is said aloud, and not challenged.
  const own = watcher('own-false', claimant);
  await own.round();
  expect(own.events.some(({ claim: at, text }) => at === String(id) && text.includes('YOUR OWN'))).toBe(true);
}, 60_000);
