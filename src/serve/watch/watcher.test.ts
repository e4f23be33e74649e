import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { disputeEvents } from '../../chain/game-events.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LeavesPlace, assertionFrom } from '../../attribution/trace/assertion.ts';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import type { Matrix } from '../../attribution/trace/run.ts';
import { noSuchPlace, repliesTo } from '../../attribution/trace/replies.ts';
import { inputsHash } from '../../attribution/trace/step.ts';
import { type SmallTrace, randomInputs, runAll, smallTrace } from '../../attribution/trace/testing/small-trace.ts';
import { ALL_MATRICES, TraceNodes } from '../../attribution/trace/trace-nodes.ts';
import { Tracer } from '../../attribution/trace/tracer.ts';
import { TraceTree, cutOf } from '../../attribution/trace/tree.ts';
import { assertLeaves, commitRoot, rootCommittedIn } from '../../chain/assert-leaves.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { convictSilence, demandPlaces } from '../../chain/demand-places.ts';
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
import { type MadeClaim, openDemands, refuteAsserted, sentBy, showAsClaimed, total } from './testing/cheat.ts';
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

function watcher(name: string, wallet: Wallet | undefined, change: { limits?: Partial<WatchLimits>; dryRun?: boolean; defend?: 'own' | 'all' | 'none'; meanwhile?: () => Promise<void>; tracer?: Tracer } = {}) {
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
  const examiner = new Examiner(connection, store, { open: async () => (await change.meanwhile?.(), { tracer: change.tracer ?? tracer, records }) });
  const made = new Watcher({ connection, feed, examiner, wallet, file, limits: { ...LIMITS, ...change.limits }, defend: change.defend ?? 'own', dryRun: change.dryRun ?? false, tell: (event) => events.push(event) });
  return { events, path, feed, round: () => made.round(), of: (id: bigint) => events.filter((event) => event.claim === String(id)).map(({ event }) => event) };
}

const stateOf = async (id: bigint) => (await readClaim(chain.connection, id)).state;
const gasOf = (events: WatchEvent[], event: string) => events.filter((one) => one.event === event).map(({ gas }) => Number(gas));

/** The claim as its maker knows it. */
async function madeClaim(id: bigint, trace: Matrix[]): Promise<MadeClaim> {
  const { answer } = await readClaim(chain.connection, id);
  return { claimId: id, adapterId, tracer, made: [{ answer: answer!, inputs, trace }] };
}
const reveal = async (id: bigint, trace: Matrix[]) => showAsClaimed(chain.connection, claimant, await madeClaim(id, trace));
const refuteFor = async (id: bigint, trace: Matrix[], by = claimant) => refuteAsserted(chain.connection, by, await madeClaim(id, trace));
/** Until no demand can be answered any more. */
const silence = async () => chain.pass(Math.ceil((await readTerms(chain.connection)).replyTime * 1.25) + 1);

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

test('a withheld trace takes six transactions of both sides at most, and five million gas, wherever it is false', async () => {
  const { demandPrice } = await readTerms(chain.connection);
  const faults: [number, (values: Float32Array) => void][] = [[700, (values) => values.set([0.5])], [right.length - 1, (values) => values.set([0.5, 0.25])], [40, flip]];
  for (const [k, [at, change]] of faults.entries()) {
    const trace = changed(at % right.length, change);
    const id = await claim(trace, { publish: false });
    const { events, round, of } = watcher(`search-${k}`, guard);
    const [replies, before] = [[] as number[], (await readBalances(chain.connection, claimant.address)).disputes];
    const ended = () => of(id).some((event) => event === 'asserted' || event === 'committed');
    for (let rounds = 0; !ended() && rounds < 4; rounds++) {
      await round();
      replies.push(...(await reveal(id, trace)));
    }
    const asserted = of(id).includes('asserted');
    // What is right cannot be refuted.
    if (asserted) await expect(refuteFor(id, trace)).rejects.toMatchObject({ code: 'contract/assertion-holds' });
    await (asserted ? silence() : chain.pass(1));
    await round();
    expect(await stateOf(id)).toBe('refuted');
    expect((await readClaim(chain.connection, id)).challenger).toBe(guard.address);
    const sent = await sentBy(chain.connection, events, id);
    expect(sent.map(({ event }) => event).slice(-2)).toEqual(asserted ? ['asserted', 'silence'] : ['committed', 'proved']);
    const gas = [...sent.map((one) => one.gas), ...replies];
    console.info(`withheld, false in instruction ${at % right.length}: ${sent.map(({ event, gas: each }) => `${event} ${each}`).join(', ')}; replies ${replies.join(', ')}: ${gas.length} transactions, ${total(gas)} gas`);
    expect(gas.length).toBeLessThanOrEqual(6);
    expect(total(gas)).toBeLessThanOrEqual(5_000_000);
    // The bonds of the demands cover what the replies cost; that of the assertion came back.
    const bonds = (await readBalances(chain.connection, claimant.address)).disputes - before;
    expect(bonds / (demandPrice.hash / NODE_GAS)).toBeGreaterThanOrEqual(BigInt(total(replies)));
    expect((await readBalances(chain.connection, guard.address)).disputes).toBe(0n);
  }
}, 60_000);

test('who cannot be told what was asked has the tokens shown; a claimant who always replies at the last moment is refuted all the same', async () => {
  const id = await claim(changed(3, flip), { publish: false, receipt: false });
  const { events, round, of, feed } = watcher('tokens', guard);
  await round();
  // A gateway may be slow: not at once.
  expect(of(id)).toEqual(['found', 'waiting']);
  await chain.pass(1001);
  await round();
  expect(of(id)).toEqual(['found', 'waiting', 'demanded']);
  const { replyTime } = await readTerms(chain.connection);
  /** From the first demand on, each reply at the last moment. */
  const goOn = async (trace: Matrix[], one: ReturnType<typeof watcher>, claimId: bigint) => {
    const replies: number[] = [];
    for (let rounds = 0; rounds < 6 && !one.of(claimId).some((event) => event === 'asserted' || event === 'proved'); rounds++) {
      const open = await openDemands(chain.connection, claimId);
      await chain.pass(open.length ? replyTime - 10 : 1);
      replies.push(...(await reveal(claimId, trace)));
      await one.round();
    }
    if (one.of(claimId).includes('asserted')) await silence();
    await one.round();
    expect(await stateOf(claimId)).toBe('refuted');
    return { replies, sent: (await sentBy(chain.connection, one.events, claimId)).map(({ event }) => event) };
  };
  const first = await goOn(changed(3, flip), { events, round, of, path: '', feed }, id);
  // The first reply showed nodes too: the search goes on where it would be. Its root could not be committed to before: one transaction more.
  expect(first.replies).toHaveLength(2);
  expect(first.sent).toEqual(['demanded', 'demanded', 'committed', 'asserted', 'silence']);

  const trace = changed(700 % right.length, (values) => values.set([0.5, 0.25]));
  const more = await claim(trace, { publish: false, receipt: false });
  await chain.pass(1001);
  const other = watcher('tokens-more', guard);
  await other.round();
  const second = await goOn(trace, other, more);
  expect(second.replies).toHaveLength(2);
  expect(second.sent).toEqual(['demanded', 'demanded', 'committed', 'asserted', 'silence']);
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

test('what somebody asserts of a right claim and does not follow is refuted: by its claimant, and once the bond is theirs by anybody', async () => {
  const { connection } = chain;
  const id = await claim(right);
  const { answer } = await readClaim(connection, id);
  const opening = openAnswer(adapterId, [answer!], 0);
  const wide = right.findIndex(({ rows, columns }) => rows * columns > 512);
  const wrong = changed(wide, (values) => values.set([0.5, 0.25], values.length - 2));
  /** Asserts leaves of a trace, as whoever made them up could. */
  const asserted = async (trace: Matrix[], at: LeavesPlace) => {
    const assertion = assertionFrom(tracer, inputs, TraceTree.of(trace), at, trace[at.index]!)!;
    if ((await rootCommittedIn(connection, guard.address, id, 0, assertion.ownRoot)) === undefined) await commitRoot(connection, guard, id, 0, assertion.ownRoot);
    await chain.pass(1);
    return (await assertLeaves(connection, guard, id, opening, assertion)).place;
  };
  // One leaf that does not follow, several of which one does not, and the claim's own.
  const [last, above] = [cutOf(right[wide]!.rows, right[wide]!.columns).count - 1, 1];
  const places = [await asserted(wrong, { index: wide, leaf: last, level: 0 }), await asserted(wrong, { index: wide, leaf: last >> above, level: above }), await asserted(right, { index: 60, leaf: 0, level: 0 })];
  const own = watcher('asserted-own', claimant);
  await own.round();
  expect(own.of(id).filter((event) => event === 'refuted')).toHaveLength(3);
  for (const place of places) expect((await readDemand(connection, id, place)).state).toBe('answered');
  console.info(`gas of a refutation ${gasOf(own.events, 'refuted').join(', ')}`);

  const more = await asserted(wrong, { index: wide, leaf: last, level: 0 });
  const stranger = watcher('asserted-stranger', owner, { defend: 'all' });
  await stranger.round();
  expect((await readDemand(connection, id, more)).state).toBe('open');
  await chain.pass(Math.ceil((await readTerms(connection)).replyTime / 2) + 1);
  await stranger.round();
  expect((await readDemand(connection, id, more)).state).toBe('answered');
  expect(stranger.of(id)).toContain('refuted');
  expect(stranger.events.filter(({ event }) => event === 'failed')).toEqual([]);
  await silence();
  await expect(convictSilence(connection, guard, id, more)).rejects.toMatchObject({ code: 'contract/no-open-demand' });
}, 60_000);

test('whoever computes something else than everybody loses only bonds by it, and asserts nothing twice', async () => {
  const { connection } = chain;
  // The claims before this one are beyond dispute.
  await chain.pass(8001);
  const id = await claim(right, { publish: false });
  const wrong = changed(700 % right.length, (values) => values.set([0.5, 0.25]));
  const broken = new Proxy(tracer, {
    get: (whole, name) => {
      if (name === 'trace') return () => Promise.resolve({ tree: TraceTree.of(wrong), scores: wrong.at(-2)!.values, noise: wrong.at(-1)!.values });
      if (name === 'matrices') return (_: TraceInputs, indices: number[]) => Promise.resolve(new Map(indices.map((index) => [index, wrong[index]!])));
      return Reflect.get(whole, name) as unknown;
    },
  });
  const [mistaken, own] = [watcher('mistaken', guard, { tracer: broken }), watcher('defends', claimant)];
  for (let rounds = 0; rounds < 4; rounds++) {
    await mistaken.round();
    await own.round();
  }
  expect((await sentBy(connection, mistaken.events, id)).map(({ event }) => event)).toEqual(['demanded', 'demanded', 'asserted']);
  expect(own.of(id).filter((event) => event === 'shown' || event === 'refuted')).toEqual(['shown', 'shown', 'refuted']);
  expect(mistaken.events.find(({ event, claim: at }) => event === 'failed' && at === String(id))?.text).toMatch(/Nothing is asserted again/);
  expect(await openDemands(connection, id)).toEqual([]);
  // Nor after it was begun anew.
  const again = watcher('mistaken', guard, { tracer: broken });
  await again.round();
  expect(again.of(id)).toEqual(['found', 'failed']);
  await chain.pass(8001);
  await finalizeClaim(connection, owner, id);
  expect(await stateOf(id)).toBe('final');
}, 60_000);

test('where somebody else has asserted the same, that counts; should nobody say that it was not refuted, the watcher does', async () => {
  const { connection } = chain;
  const trace = changed(700 % right.length, (values) => values.set([0.5, 0.25]));
  const id = await claim(trace, { publish: false });
  const [theirs, mine] = [watcher('theirs', owner), watcher('follows', guard)];
  for (let rounds = 0; rounds < 3; rounds++) {
    await theirs.round();
    await mine.round();
    await reveal(id, trace);
  }
  expect((await sentBy(connection, theirs.events, id)).map(({ event }) => event)).toEqual(['demanded', 'demanded', 'asserted']);
  expect(await sentBy(connection, mine.events, id)).toEqual([]);
  const { replyTime } = await readTerms(connection);
  await chain.pass(replyTime + 1);
  await mine.round();
  expect(await stateOf(id)).toBe('open');
  await chain.pass(Math.ceil(replyTime / 4) + 1);
  await mine.round();
  expect(await stateOf(id)).toBe('refuted');
  expect((await readClaim(connection, id)).challenger).toBe(owner.address);
}, 60_000);

test('two false claims about the same answer share the commitment to its root: one is asserted after the other', async () => {
  const trace = changed(700 % right.length, (values) => values.set([0.5, 0.25]));
  const ids = [await claim(trace, { publish: false }), await claim(trace, { publish: false })];
  const { events, round } = watcher('twins', guard);
  for (let rounds = 0; rounds < 6; rounds++) {
    await round();
    for (const id of ids) await reveal(id, trace);
    await chain.pass(1);
  }
  const sent = await Promise.all(ids.map((id) => sentBy(chain.connection, events, id)));
  expect(sent.map((all) => all.at(-1)!.event)).toEqual(['asserted', 'asserted']);
  // No more than one commitment for each: it was the other's since the first demand.
  expect(sent.flat().filter(({ event }) => event === 'committed').length).toBeLessThanOrEqual(2);
  await silence();
  await round();
  expect(await Promise.all(ids.map(stateOf))).toEqual(['refuted', 'refuted']);
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
