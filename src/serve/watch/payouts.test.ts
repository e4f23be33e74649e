/** Claims whose payouts do not follow, with everything published and with nothing: found and convicted by the watcher, row by row of their workings. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTransactions, shownOf } from '../../attribution/trace/replies.ts';
import { randomInputs, smallTrace } from '../../attribution/trace/testing/small-trace.ts';
import { type Tables, withRowFault } from '../../attribution/trace/testing/workings-faults.ts';
import { TraceNodes, leafPlace } from '../../attribution/trace/trace-nodes.ts';
import { Tracer } from '../../attribution/trace/tracer.ts';
import { TraceTree, leafValues } from '../../attribution/trace/tree.ts';
import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import { shownOfWorkings } from '../../attribution/trace/workings-replies.ts';
import { workingsTree } from '../../attribution/trace/workings-tree.ts';
import type { Matrix } from '../../attribution/trace/run.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { demandPlaces } from '../../chain/demand-places.ts';
import type { Place } from '../../chain/place.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { createEventFeed } from '../../chain/events.ts';
import { finalizeClaim } from '../../chain/finalize-claim.ts';
import { disputeEvents } from '../../chain/game-events.ts';
import { readClaim } from '../../chain/list-claims.ts';
import { payAnswer } from '../../chain/pay-answer.ts';
import { publishVersion } from '../../chain/publish-version.ts';
import { readTerms } from '../../chain/read-terms.ts';
import { registerAdapter } from '../../chain/register-adapter.ts';
import { revealPlaces } from '../../chain/reveal-places.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../chain/testing/scratch-chain.ts';
import type { Wallet } from '../../chain/wallets.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { answerWorkings } from '../../protocol/answer-workings.ts';
import { openAnswer } from '../../protocol/answers.ts';
import { answerOfReceipt } from '../../protocol/batch.ts';
import { type Hex, keccak256, toHex } from '../../protocol/bytes.ts';
import { canonicalJson } from '../../protocol/canonical.ts';
import { type Payout, computeFee, payoutRoot } from '../../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../../protocol/payout-rule.ts';
import { WORKINGS_TABLES, type Workings } from '../../protocol/payout-workings.ts';
import { type Receipt, receiptHash } from '../../protocol/receipt.ts';
import { type VersionRecord, recordsRoot, versionRoot } from '../../protocol/record.ts';
import { trainedRoot } from '../../protocol/trained-records.ts';
import { ALL_TABLES, PAYOUTS, WORKINGS, isOfWorkings } from '../../protocol/workings-places.ts';
import { demandsOf } from './demands.ts';
import { Examiner } from './examine.ts';
import { StateFile } from './watch-state.node.ts';
import { type WatchEvent, Watcher } from './watcher.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const folder = mkdtempSync(join(tmpdir(), 'openledger-payouts-'));
const backend = await createCpuBackend();

/** An adapter on the chain, and one answer of it. */
interface Asked {
  adapterId: bigint;
  records: VersionRecord[];
  clusters: number[] | undefined;
  tracer: Tracer;
  inputs: TraceInputs;
  right: Matrix[];
  tree: TraceTree;
  read: number[];
}

let chain: ScratchChain;
let owner: Wallet, claimant: Wallet, guard: Wallet;
/** Of 60 records, eleven of them copies; three were read with the question, two by people without any column. */
let few: Asked;
/** Computes each claim once, whoever watches. */
let examiner: Examiner;
const content = new Map<string, Uint8Array>();
const subjects = new Map<Hex, Pick<Asked, 'tracer' | 'records' | 'clusters'>>();
let made = 0;

async function asked(number: number, people: number, copyOf: ((k: number) => number) | undefined, read: number[]): Promise<Asked> {
  const { connection } = chain;
  const who = Array.from({ length: people }, (_, k) => toHex(keccak256(Uint8Array.of(k, k >> 8))).slice(0, 42) as Hex);
  const records = Array.from({ length: number }, (_, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contribution: String(k + 1), contributor: who[(k * 7) % people]! }));
  const clusters = copyOf && records.map((_, k) => copyOf(k));
  const columns = clusters ? clusters.filter((k, at) => k === at).length : number;
  const small = await smallTrace(backend, { records: columns });
  // Most records stand out from their noise.
  small.ledger.noise.forEach((one, k, all) => (all[k] = Math.fround(one / 64)));
  const tracer = await Tracer.of(backend, small.model, small.ledger);
  const inputs = randomInputs(small.model.config.vocab, 12, 5);
  const all = tracer.program.instructions.map((_, k) => k);
  const found = await tracer.matrices(inputs, all);
  const { datanetId } = await createDatanet(connection, owner, { name: `Of ${number}`, metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId, root: versionRoot(records), recordsRoot: recordsRoot(records), cid, count: number });
  const { adapterId } = await registerAdapter(connection, owner, {
    datanetId, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'),
    programHash: tracer.programHash, trainedRoot: trainedRoot(clusters), cid, name: `Of ${number}`, rateIn: OPEN, rateOut: 10n * OPEN,
  });
  subjects.set(tracer.programHash, { tracer, records, clusters });
  const right = all.map((k) => found.get(k)!);
  return { adapterId, records, clusters, tracer, inputs, right, tree: TraceTree.of(right), read };
}

beforeAll(async () => {
  chain = await startScratchChain({ window: 4000 });
  chain.connection.publicClient.pollingInterval = 50;
  [owner, claimant, guard] = (await Promise.all(['owner', 'claimant', 'guard'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet];
  const store = {
    readFile: (at: string) => {
      const found = content.get(at);
      return found ? Promise.resolve(found) : Promise.reject(new Error('not there'));
    },
  };
  examiner = new Examiner(chain.connection, store, { open: (adapter) => Promise.resolve(subjects.get(adapter.programHash)!) });
  few = await asked(60, 13, (k) => (k % 7 === 5 || k === 58 ? k - 1 : k), [19, 58, 7]);
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await chain?.stop();
});

interface Claimed {
  id: bigint;
  of: Asked;
  workings: Tables & { payouts: Payout[] };
}

/** Pays for the answer with workings and payouts as they are changed. `list`: what the receipt says the payouts are. */
async function claim(of: Asked, change: { workings?: (right: Workings) => Tables; payouts?: (right: Payout[]) => Payout[]; list?: (right: Payout[]) => Payout[]; receipt?: boolean } = {}): Promise<Claimed> {
  const { connection } = chain;
  const { tracer, inputs, right, tree, records, clusters, read } = of;
  const terms = await readTerms(connection);
  const prices = { rateIn: String(OPEN), rateOut: String(10n * OPEN), platformFee: String(terms.platformFee), split: terms.split, payout: DEFAULT_PAYOUT_RULE };
  const honest = answerWorkings({ tokensIn: 7, tokensOut: 5, prices, scores: right.at(-2)!.values, noise: right.at(-1)!.values, contributors: records.map(({ contributor }) => contributor), clusters, read });
  expect(honest.payouts.length).toBeGreaterThan(5);
  const { tables } = change.workings?.(honest) ?? honest;
  const payouts = change.payouts?.(honest.payouts) ?? honest.payouts;
  const listed = change.list?.(payouts) ?? payouts;
  const [traceCid, receiptCid] = [`bafkreitrace${++made}`, `bafkreireceipt${made}`];
  const receipt: Receipt = {
    openledger: 'receipt/4', arithmetic: 'rf32', method: 'curvature', nonce: `0x${made.toString(16).padStart(32, '0')}`, base: { cid, root: word('03') }, adapter: { id: String(of.adapterId), cid, root: word('04') },
    datanet: { id: '1', version: 1, cid, root: versionRoot(records) }, ledger: { checkpointsRoot: word('05'), root: word('06') }, trace: { program: tracer.programHash, root: tree.root, cid: traceCid },
    prompt: { text: 'What?', tokens: inputs.tokens.slice(0, 7) }, answer: { text: 'This.', tokens: inputs.tokens.slice(7) }, loss: '0x00000000', scores: [], noise: [], scoresRoot: word('07'), prices,
    retrieval: { method: 'bm25/1', most: 3, retrieved: read.map((record) => ({ record, score: 1 })) },
    fee: { total: '0', platform: '0', owner: '0', stakers: '0', contributors: '0' }, payouts: listed.map(({ contributor, amount }) => ({ contributor, amount: String(amount) })),
    payoutRoot: payoutRoot(payouts), workingsRoot: workingsTree({ tables }).root,
  };
  content.set(traceCid, tree.bytes());
  if (change.receipt ?? true) content.set(receiptCid, new TextEncoder().encode(canonicalJson(receipt as never)));
  const { contributors: contributorsPart } = computeFee(7, 5, { rateIn: OPEN, rateOut: 10n * OPEN, platformFee: 0n }, terms.split);
  const { claimId } = await payAnswer(connection, claimant, { ...answerOfReceipt(receipt), adapterId: of.adapterId, receiptHash: receiptHash(receipt), receiptCid, payouts, contributorsPart });
  return { id: claimId, of, workings: { tables, payouts } };
}

function watcher(name: string, wallet: Wallet) {
  const { connection } = chain;
  const events: WatchEvent[] = [];
  const file = new StateFile(join(folder, `${name}.json`), { chainId: connection.chain.id, disputes: connection.contracts.disputes, account: wallet.address });
  const watching = new Watcher({
    connection, wallet, file, feed: createEventFeed(connection, memoryEventStore()), examiner,
    limits: { gasPrice: 100n * 10n ** 9n, bond: OPEN, demands: 24, confirmations: 0 }, defend: 'own', dryRun: false, tell: (event) => events.push(event),
  });
  return { events, round: () => watching.round(), of: ({ id }: Claimed) => events.filter((event) => event.claim === String(id)) };
}

const stateOf = async ({ id }: Claimed) => (await readClaim(chain.connection, id)).state;

/** What the claimant would do to keep the bond: shows whatever is demanded, as it was claimed. Gas of each transaction. */
async function reveal({ id, of: { tracer, inputs, right, tree, adapterId }, workings }: Claimed): Promise<number[]> {
  const { connection } = chain;
  const feed = createEventFeed(connection, memoryEventStore());
  await feed.refresh();
  const { answer } = await readClaim(connection, id);
  const places = demandsOf(disputeEvents(feed)).flatMap(({ claimId, place, state }) => (claimId === id && state === 'open' ? [place] : []));
  const shown = [
    ...shownOf(tracer, inputs, places.filter((place) => !isOfWorkings(place)), new TraceNodes(tree), (index, leaf) => leafValues(right[index]!, leaf).values),
    ...shownOfWorkings(tracer, inputs, workings, places.filter(isOfWorkings)),
  ];
  const gas: number[] = [];
  for (const part of inTransactions(shown)) gas.push(Number((await revealPlaces(connection, claimant, id, openAnswer(adapterId, [answer!], 0), part)).gasUsed));
  return gas;
}

/** From the first look to the proof. What the watcher and the claimant sent, and the gas of it. */
async function dispute(name: string, claimed: Claimed): Promise<{ sent: string[]; gas: number }> {
  const { round, of } = watcher(name, guard);
  const replies: number[] = [];
  for (let rounds = 0; !of(claimed).some(({ event }) => event === 'committed') && rounds < 5; rounds++) {
    await round();
    replies.push(...(await reveal(claimed)));
  }
  await chain.pass(1);
  await round();
  expect(of(claimed).filter(({ event }) => event === 'failed')).toEqual([]);
  expect(await stateOf(claimed)).toBe('refuted');
  expect((await readClaim(chain.connection, claimed.id)).challenger).toBe(guard.address);
  const sent = of(claimed).filter(({ gas }) => gas !== undefined);
  const gas = [...sent.map((event) => Number(event.gas)), ...replies];
  console.info(`${name}: ${sent.map(({ event, gas: each }) => `${event} ${each}`).join(', ')}; replies ${replies.join(', ')}: ${gas.length} transactions, ${gas.reduce((a, b) => a + b, 0)} gas`);
  return { sent: [...sent.map(({ event }) => event), ...replies.map(() => 'reply')], gas: gas.reduce((a, b) => a + b, 0) };
}

const moved = (payouts: Payout[]) => payouts.map((payout, k) => ({ ...payout, amount: payout.amount + (k === 3 ? 1n : k === 4 ? -1n : 0n) }));
const bit = (table: number, row: number) => (right: Workings) => withRowFault(right, 'bit', table, row, (end) => end >> 1)!;

test('one wei moved, or kept, with everything published: two transactions', async () => {
  for (const [name, payouts] of [['moved', moved], ['kept', (all: Payout[]) => all.map((one, k) => (k ? one : { ...one, amount: one.amount - 1n }))], ['one left out', (all: Payout[]) => all.slice(1)]] as const) {
    const { sent, gas } = await dispute(`payout ${name}`, await claim(few, { payouts }));
    expect(sent).toEqual(['committed', 'proved']);
    expect(gas).toBeLessThan(1_000_000);
  }
}, 60_000);

test('a false row of any table is found in two rounds of demands and proved', async () => {
  for (const [table, { name }] of WORKINGS_TABLES.entries()) {
    // Two bits or more differ in all rows that follow: nothing can be told from a hash.
    const claimed = await claim(few, { workings: (right) => withRowFault(right, 'left out', table, 9, () => 0)! });
    const { sent, gas } = await dispute(name, claimed);
    expect(sent.length).toBeLessThanOrEqual(6);
    expect(gas).toBeLessThan(3_000_000);
  }
}, 120_000);

test('nothing published at all: the tokens, the workings and their row take eight transactions of both sides at most', async () => {
  const claimed = await claim(few, { workings: bit(3, 30), receipt: false });
  await chain.pass(1001);
  const { sent, gas } = await dispute('nothing published', claimed);
  expect(sent.length).toBeLessThanOrEqual(8);
  expect(gas).toBeLessThan(5_000_000);
}, 60_000);

test('payouts that nobody lists are searched in their tree; who shows none loses by silence', async () => {
  const [searched, silent, none] = [await claim(few, { payouts: moved, list: () => [] }), await claim(few, { payouts: moved, list: () => [] }), await claim(few, { workings: bit(0, 0) })];
  const { sent } = await dispute('payouts not listed', searched);
  expect(sent.sort()).toEqual(['committed', 'demanded', 'proved', 'reply']);
  // The same watcher asked the others, who say nothing.
  await chain.pass(1100);
  const { round, events } = watcher('payouts not listed', guard);
  await round();
  expect([await stateOf(silent), await stateOf(none)]).toEqual(['refuted', 'refuted']);
  expect(events.filter(({ event }) => event === 'silence').map(({ text }) => /refuted: (.*) was not shown/.exec(text)![1]).sort()).toEqual([expect.stringMatching(/of the payouts$/), expect.stringMatching(/of the tree of the payouts’ workings$|of the payouts’ workings/)]);
}, 60_000);

test('right payouts stand, whatever is demanded of them: the claimant’s watcher shows it, or that it is not there', async () => {
  const { connection } = chain;
  const right = await claim(few);
  const places: Place[] = [
    { index: ALL_TABLES, leaf: 0, level: 3, depth: 3 }, leafPlace({ index: WORKINGS + 2, leaf: 1 }), { index: WORKINGS + 1, leaf: 0, level: 2, depth: 2 }, { index: PAYOUTS, leaf: 1, level: 1, depth: 1 },
    leafPlace({ index: WORKINGS, leaf: 99 }), { index: PAYOUTS, leaf: 0, level: 30, depth: 1 }, leafPlace({ index: 3, leaf: 0 }),
  ].map((place) => ({ answer: 0, ...place }));
  await demandPlaces(connection, guard, right.id, places);
  const own = watcher('own', claimant);
  await own.round();
  const said = own.of(right).filter(({ event }) => event === 'shown').map(({ text }) => text);
  expect(said.filter((text) => /does not exist/.test(text))).toHaveLength(2);
  expect(said.at(-1)).toMatch(/what was demanded: .*8 nodes below node 0 at level 3 of the tree of the payouts’ workings/);
  expect(own.events.filter(({ event }) => event === 'failed')).toEqual([]);
  const other = watcher('looks', guard);
  await other.round();
  expect(other.of(right).map(({ text }) => text)).toEqual([expect.stringMatching(/right\. Every value of its trace and every payout follows/)]);
  await chain.pass(8001);
  await finalizeClaim(connection, owner, right.id);
  expect(await stateOf(right)).toBe('final');
}, 60_000);

test('of 3,000 records: the right claim stands, a false row and a false payout are proved with as little', async () => {
  const many = await asked(3000, 900, (k) => (k % 50 === 9 ? k - 1 : k), [2999, 9, 1500]);
  const right = await claim(many);
  for (const [name, change] of [['evidence', { workings: bit(1, 2000) }], ['people', { workings: bit(2, 700) }], ['sums', { workings: bit(5, 850) }], ['a payout', { payouts: moved }]] as const) {
    const { sent, gas } = await dispute(`3,000 records, ${name}`, await claim(many, change));
    expect(sent.length).toBeLessThanOrEqual(6);
    expect(gas).toBeLessThan(4_000_000);
  }
  const { round, of } = watcher('many', guard);
  await round();
  expect(of(right).map(({ text }) => text)).toEqual([expect.stringMatching(/right\./)]);
}, 120_000);
