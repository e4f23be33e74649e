/** Whole disputes with the contracts as they are deployed: the referee, the judge of payouts, the games and the money. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { disputeEvents } from './game-events.ts';
import { ELEMENTS } from '../attribution/trace/element.ts';
import { type FalsePayout, payoutEvidence } from '../attribution/trace/payout-evidence.ts';
import { firstFalsePayout } from '../attribution/trace/payouts-search.ts';
import { endToEnd } from '../attribution/trace/workings-tree.ts';
import { type Program, fixed, instructionBytes, instructionLeaves, programHash } from '../attribution/trace/instruction.ts';
import type { Matrix } from '../attribution/trace/run.ts';
import { buildStep, headerOf, inputsBytes, inputsHash } from '../attribution/trace/step.ts';
import { answerTexts } from '../attribution/trace/texts.ts';
import { ALL_MATRICES, TraceNodes } from '../attribution/trace/trace-nodes.ts';
import type { Tracer } from '../attribution/trace/tracer.ts';
import { TraceTree, leafValues, floatBytes } from '../attribution/trace/tree.ts';
import { bitsOf, fromBits } from '../arithmetic/rf32.ts';
import { type AnswerOpening, type ClaimedAnswer, answersRoot, digestOf, inputsHashOf, openAnswer } from '../protocol/answers.ts';
import { type Hex, keccak256, toHex } from '../protocol/bytes.ts';
import { answerWorkings } from '../protocol/answer-workings.ts';
import { type Payout, payoutLeaf, payoutRoot } from '../protocol/fee.ts';
import { merkleProof, merkleProofs } from '../protocol/merkle.ts';
import type { Workings } from '../protocol/payout-workings.ts';
import { type VersionRecord, versionRoot } from '../protocol/record.ts';
import { commitProof } from './commit-proof.ts';
import { createDatanet } from './create-datanet.ts';
import { convictSilence, demandPlaces } from './demand-places.ts';
import { leafOf as leafPlaceOf } from './place.ts';
import { demandBond, demandBonds } from './demand-price.ts';
import { createEventFeed } from './events.ts';
import { memoryEventStore } from './event-store.ts';
import { finalizeClaim } from './finalize-claim.ts';
import { settlementAbi } from './generated/abis.ts';
import { listClaims, readClaim } from './list-claims.ts';
import { payAnswer } from './pay-answer.ts';
import { inputsProof, payoutProof, stepProof, sumsProof } from './proof-call.ts';
import { publishVersion } from './publish-version.ts';
import { quoteFee } from './quote-fee.ts';
import { readAccounting, readBalances } from './read-balances.ts';
import { readDemand, readDisputeClock } from './read-dispute.ts';
import { readTerms } from './read-terms.ts';
import { registerAdapter } from './register-adapter.ts';
import { revealPlaces, showNoSuchPlace } from './reveal-places.ts';
import { sendProof } from './send-proof.ts';
import { sendTransaction } from './send-transaction.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from './testing/scratch-chain.ts';
import type { Wallet } from './wallets.ts';
import { withdrawBalance } from './withdraw-balance.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const RECORDS = 5;
const scores = Float32Array.of(9, -2, 0, 14, 6);
const noise = Float32Array.of(1, 1, 0, 1.5, 1);
const inputs = { tokens: [3, 1, 4, 1, 5, 9, 2], answer: 3 };

/** Two instructions: the scores are twice one constant, the noise half of another. */
const source = (index: number) => ({ space: 'constant' as const, index, rows: fixed(1), columns: fixed(RECORDS) });
const scaled = (name: string, index: number, scale: number) => ({ op: 'scale' as const, name, rows: fixed(1), columns: fixed(RECORDS), params: [bitsOf(scale)], inputs: [source(index)] });
const program: Program = {
  instructions: [scaled('scores', 0, 2), scaled('noise', 1, 0.5)],
  constants: [{ name: 'halves', rows: 1, columns: RECORDS }, { name: 'doubles', rows: 1, columns: RECORDS }],
  window: 0,
};
const row = (values: Float32Array): Matrix => ({ rows: 1, columns: values.length, values });
const constants = [row(scores.map((value) => value / 2)), row(noise.map((value) => value * 2))];
const constantsTree = TraceTree.of(constants);
const honest = [row(scores), row(noise)];
const header = headerOf(program, constantsTree.root);

let chain: ScratchChain;
let curator: Wallet, claimant: Wallet, challenger: Wallet;
let adapterId: bigint;
let contributors: Hex[];
let nextReceipt = 1;

beforeAll(async () => {
  chain = await startScratchChain({ window: 400 });
  const { connection } = chain;
  [curator, claimant, challenger] = (await Promise.all(['curator', 'claimant', 'challenger'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet];
  contributors = [word('a1'), word('b2'), word('a1'), word('c3'), word('b2')].map((text) => text.slice(0, 42) as Hex);
  await createDatanet(connection, curator, { name: 'Disputed', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, curator, { datanetId: 1n, root: versionRoot(records()), recordsRoot: word('02'), cid, count: RECORDS });
  ({ adapterId } = await registerAdapter(connection, curator, {
    datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'),
    programHash: programHash(program, constantsTree.root), cid, name: 'Disputed', rateIn: OPEN / 10n, rateOut: OPEN,
  }));
}, 60_000);
afterAll(() => chain?.stop());

const records = () => contributors.map((contributor, k): VersionRecord => ({ text: `Record ${k}.`, questions: [], contributor, contribution: String(k + 1) }));

interface Made {
  claimId: bigint;
  opening: AnswerOpening;
  trace: Matrix[];
  tree: TraceTree;
  /** What follows, whatever is claimed. */
  workings: Workings;
}

/** Pays for an answer whose trace is `trace`; `change` makes the claim say something else than what follows. */
async function claim(trace: Matrix[], change: (payouts: Payout[]) => Payout[] = (payouts) => payouts, read: number[] = []): Promise<Made> {
  const { connection } = chain;
  const terms = await readTerms(connection);
  const [tokensIn, tokensOut] = [inputs.tokens.length - inputs.answer, inputs.answer];
  const prices = { rateIn: String(OPEN / 10n), rateOut: String(OPEN), platformFee: String(terms.platformFee), split: terms.split, payout: terms.payoutRule };
  const workings = answerWorkings({ tokensIn, tokensOut, prices, scores: trace[0]!.values, noise: trace[1]!.values, contributors, read });
  const tree = TraceTree.of(trace);
  const { contributors: contributorsPart } = await quoteFee(connection, { adapterId, tokensIn, tokensOut });
  const { claimId } = await payAnswer(connection, claimant, {
    adapterId, tokensIn, tokensOut, receiptHash: toHex(keccak256(Uint8Array.of(nextReceipt++))), receiptCid: cid,
    inputsHash: inputsHashOf(inputs.tokens.slice(0, -inputs.answer), inputs.tokens.slice(-inputs.answer)), traceRoot: tree.root, workingsRoot: workings.root, read, payouts: change(workings.payouts), contributorsPart,
  });
  const { answer } = await readClaim(connection, claimId);
  return { claimId, opening: openAnswer(adapterId, [answer!], 0), trace, tree, workings };
}

const stepOf = ({ trace, tree }: Made, index: number, column: number) =>
  buildStep({ program, inputs, tree, constants: constantsTree, valuesOf: (space, tensor, leaf) => leafValues((space === 'trace' ? trace : constants)[tensor]!, leaf).values }, index, 0, column);

const matrixOf = (index: number) => ({
  header, inputs: toHex(inputsBytes(inputs)), index, instruction: toHex(instructionBytes(program.instructions[index]!)),
  instructionProof: merkleProof(instructionLeaves(program), index),
});
const leafOf = ({ trace, tree }: Made, index: number) => ({ input: 0, leaf: 0, values: toHex(floatBytes(trace[index]!.values)), proof: tree.proof(index, 0) });

function evidenceOf({ opening, trace, tree, workings }: Made, found: FalsePayout) {
  const ground = { tracer: { program, committed: constantsTree } as unknown as Tracer, inputs, own: { tree, scores: trace[0]!.values, noise: trace[1]!.values }, workings, records: records(), read: opening.answer.read };
  return payoutEvidence(ground, found)!;
}
const payoutLeaves = (payouts: readonly Payout[]) => payouts.map(payoutLeaf);

/** What could be said of payouts that are right. */
function honestPayouts({ workings }: Made): FalsePayout[] {
  const leaves = payoutLeaves(workings.payouts);
  return [{ kind: 'totals' }, { kind: 'read' }, ...leaves.map((hash, leaf): FalsePayout => ({ kind: 'payout', leaf, hash: toHex(hash), proof: merkleProofs(leaves)[leaf]! }))];
}

test('an honest claim survives every proof, is paid for its replies, and becomes final', async () => {
  const { connection } = chain;
  const made = await claim(honest, undefined, [3, 1]);
  for (const proof of [
    stepProof(made.claimId, made.opening, stepOf(made, 0, 3)),
    stepProof(made.claimId, made.opening, stepOf(made, 1, 0)),
    ...honestPayouts(made).map((found) => payoutProof(made.claimId, made.opening, evidenceOf(made, found))),
    sumsProof(made.claimId, [digestOf(made.opening.answer)]),
    inputsProof(made.claimId, made.opening, toHex(inputsBytes(inputs))),
  ]) {
    await commitProof(connection, challenger, proof);
    await chain.pass(1);
    await expect(sendProof(connection, challenger, proof)).rejects.toMatchObject({ code: 'contract/claim-holds' });
  }
  const place = leafPlaceOf(0, 1, 0);
  const both = { answer: 0, index: ALL_MATRICES, leaf: 0, level: 1, depth: 1 };
  await demandPlaces(connection, challenger, made.claimId, [place, both]);
  expect(await readDisputeClock(connection, made.claimId)).toMatchObject({ openDemands: 2 });
  const wrong = { ...leafOf(made, 1), values: toHex(floatBytes(scores)) };
  const nodes = { matrix: { ...matrixOf(1), index: ALL_MATRICES, instruction: '0x' as const, instructionProof: [] }, leaves: [], nodes: [new TraceNodes(made.tree).opening(both)] };
  const reveal = ({ leaf, values, proof }: typeof wrong, hashes = nodes.nodes[0]!.hashes) =>
    revealPlaces(connection, claimant, made.claimId, made.opening, [{ matrix: matrixOf(1), leaves: [{ leaf, level: 0, values, proof }], nodes: [] }, { ...nodes, nodes: [{ ...nodes.nodes[0]!, hashes }] }]);
  await expect(reveal(wrong)).rejects.toMatchObject({ code: 'contract/not-the-leaf' });
  await expect(reveal(leafOf(made, 1), [word('01'), word('02')])).rejects.toMatchObject({ code: 'contract/not-the-nodes' });
  const { gasUsed } = await reveal(leafOf(made, 1));
  expect(gasUsed).toBeLessThan(500_000n);
  expect([(await readDemand(connection, made.claimId, place)).state, (await readDemand(connection, made.claimId, both)).state]).toEqual(['answered', 'answered']);
  // What is not there cannot be demanded to anybody's harm.
  const beyond = leafPlaceOf(0, 1, 1);
  await demandPlaces(connection, challenger, made.claimId, [beyond]);
  await showNoSuchPlace(connection, claimant, made.claimId, made.opening, matrixOf(1), beyond);
  const { demandPrice } = await readTerms(connection);
  const bonds = demandBonds(demandPrice, [place, both]) + demandBond(demandPrice, beyond);
  expect((await readBalances(connection, claimant.address)).disputes).toBe(bonds);
  expect((await withdrawBalance(connection, claimant, 'disputes')).amount).toBe(bonds);
  await expect(finalizeClaim(connection, claimant, made.claimId)).rejects.toMatchObject({ code: 'contract/window-open' });
  await chain.pass(801);
  await finalizeClaim(connection, claimant, made.claimId);
  expect(await readClaim(connection, made.claimId)).toMatchObject({ state: 'final', challenger: undefined });
});

test('one flipped bit of a score loses the bond, and the gas of it', async () => {
  const { connection } = chain;
  const false_ = [row(scores.map((value, k) => (k === 3 ? fromBits(bitsOf(value) ^ 1) : value))), row(noise)];
  const made = await claim(false_);
  const proof = stepProof(made.claimId, made.opening, stepOf(made, 0, 3));
  await commitProof(connection, challenger, proof);
  await chain.pass(1);
  // Another who saw it.
  await expect(sendProof(connection, curator, proof)).rejects.toMatchObject({ code: 'contract/not-committed' });
  const { bond } = await readClaim(connection, made.claimId);
  const { reward, toPool, gasUsed } = await sendProof(connection, challenger, proof);
  expect([reward, toPool]).toEqual([bond / 2n, bond - bond / 2n + made.opening.answer.allocated]);
  // One element, not one block: referee-parity.test.ts measures blocks. What the games add to the referee's step stays small.
  expect(gasUsed).toBeLessThan(350_000n);
  expect(await readClaim(connection, made.claimId)).toMatchObject({ state: 'refuted', challenger: challenger.address });
  const feed = createEventFeed(connection, memoryEventStore());
  expect(await listClaims(connection, feed, { state: 'refuted' })).toHaveLength(1);
  expect(disputeEvents(feed).some(({ eventName }) => eventName === 'Convicted')).toBe(true);
  expect((await readAccounting(connection)).pools).toBe(toPool);
});

test('gas of proving one block of 256 products, with proofs as long as a model of 1,024 matrices of 4,096 rows has them', async () => {
  const { connection } = chain;
  const source = (index: number, rows: number) => ({ space: 'constant' as const, index, rows: fixed(rows), columns: fixed(256) });
  // What is not opened is never looked at: hashes stand for all other rows and matrices.
  const dot = { op: 'dot' as const, name: 'block', rows: fixed(1), columns: fixed(RECORDS), params: [], inputs: [source(0, 4096), source(1, 4096)] };
  const long: Program = {
    instructions: [dot, ...Array.from({ length: 1023 }, () => scaled('noise', 2, 0.5))],
    constants: Array.from({ length: 1024 }, (_, k) => (k < 2 ? { name: 'rows', rows: 4096, columns: 256 } : { name: 'noise', rows: 1, columns: RECORDS })),
    window: 0,
  };
  const values = Float32Array.from({ length: 256 }, (_, k) => Math.fround((((k * 37) % 100) - 50) / 7));
  const wide = { rows: 4096, columns: 256, values: new Float32Array(4096 * 256) };
  wide.values.set(values);
  const stored = long.constants.map((_, k) => (k < 2 ? wide : row(noise)));
  const tree = TraceTree.of(stored);
  const product = ELEMENTS.dot({ instruction: dot, texts: answerTexts(inputs, 0), columns: RECORDS, i: 0, j: 0 }, { get: (_, i, j) => wide.values[i * 256 + j]!, columns: () => 256 });
  const claimed = [row(Float32Array.of(fromBits(bitsOf(product) ^ 1), 0, 0, 0, 0)), ...Array.from({ length: 1023 }, () => row(noise))];
  const trace = TraceTree.of(claimed);
  const { adapterId: longId } = await registerAdapter(connection, curator, {
    datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'),
    programHash: programHash(long, tree.root), cid, name: 'Long', rateIn: OPEN / 10n, rateOut: OPEN,
  });
  const { claimId } = await payAnswer(connection, claimant, {
    adapterId: longId, tokensIn: 4, tokensOut: 3, receiptHash: toHex(keccak256(Uint8Array.of(nextReceipt++))), receiptCid: cid,
    inputsHash: inputsHash(inputs), traceRoot: trace.root, workingsRoot: word('aa'), payouts: [],
    contributorsPart: (await quoteFee(connection, { adapterId: longId, tokensIn: 4, tokensOut: 3 })).contributors,
  });
  const { answer } = await readClaim(connection, claimId);
  const step = buildStep({ program: long, inputs, tree: trace, constants: tree, valuesOf: (space, tensor, leaf) => leafValues((space === 'trace' ? claimed : stored)[tensor]!, leaf).values }, 0, 0, 0);
  const proof = stepProof(claimId, openAnswer(longId, [answer!], 0), step);
  const { gasPaid } = await commitProof(connection, challenger, proof);
  expect(gasPaid).toBeGreaterThan(0n);
  await chain.pass(1);
  const { gasUsed } = await sendProof(connection, challenger, proof);
  console.info(`gas: one block proved ${gasUsed}`);
  expect(gasUsed).toBeLessThanOrEqual(450_000n);
});

describe('payouts that do not follow from the scores', () => {
  test.each([
    ['a wei moved', (payouts: Payout[]) => payouts.map((payout, k) => ({ ...payout, amount: payout.amount + (k === 0 ? 1n : k === 1 ? -1n : 0n) }))],
    ['a wei kept', (payouts: Payout[]) => payouts.map((payout, k) => ({ ...payout, amount: payout.amount - (k === 0 ? 1n : 0n) }))],
    ['a contributor twice', (payouts: Payout[]) => [...payouts.slice(0, -1), { ...payouts.at(-1)!, amount: payouts.at(-1)!.amount - 5n }, { ...payouts.at(-1)!, amount: 5n }]],
    ['nobody paid', () => []],
  ])('%s', async (_, change) => {
    const { connection } = chain;
    const made = await claim(honest, change, [2]);
    const changed = change(made.workings.payouts);
    const found = firstFalsePayout(endToEnd(payoutLeaves(made.workings.payouts)), endToEnd(payoutLeaves(changed)));
    const totals = changed.length !== made.workings.payouts.length || changed.reduce((sum, { amount }) => sum + amount, 0n) !== made.workings.allocated;
    const proof = payoutProof(made.claimId, made.opening, evidenceOf(made, totals ? { kind: 'totals' } : found!));
    await commitProof(connection, challenger, proof);
    await chain.pass(1);
    await sendProof(connection, challenger, proof);
    expect((await readClaim(connection, made.claimId)).state).toBe('refuted');
  });
});

test('silence loses the claim to whoever asked', async () => {
  const { connection } = chain;
  const made = await claim(honest);
  const place = leafPlaceOf(0, 0, 0);
  const { due } = await demandPlaces(connection, challenger, made.claimId, [place]);
  await expect(convictSilence(connection, curator, made.claimId, place)).rejects.toMatchObject({ code: 'contract/reply-not-due' });
  await chain.pass(101);
  expect(due).toBeGreaterThan(0);
  await convictSilence(connection, curator, made.claimId, place);
  expect(await readClaim(connection, made.claimId)).toMatchObject({ state: 'refuted', challenger: challenger.address });
});

test('gas of submitting: at most 200,000 alone, 3,000 for each of 256', async () => {
  const { connection } = chain;
  // The counters’ words are in use, as they always are but once.
  await claim(honest);
  const { gasUsed } = await paidGas();
  expect(gasUsed).toBeLessThanOrEqual(200_000n);
  // A batch: one root, whatever is under it.
  const answers = 256;
  const [tokensIn, tokensOut] = [256 * 12, 256 * 20];
  const target = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  const fee = await connection.publicClient.readContract({ ...target, functionName: 'quoteBatch', args: [adapterId, answers, tokensIn, tokensOut] });
  const { payoutRuleVersion } = await readTerms(connection);
  const allocated = fee.contributors / 2n;
  const bond = await connection.publicClient.readContract({ ...target, functionName: 'bondFor', args: [allocated] });
  const request = { adapterId, answersRoot: word('77'), answers, tokensIn, tokensOut, cid, contributorsPart: fee.contributors, allocated, ruleVersion: payoutRuleVersion };
  const receipt = await sendTransaction(connection, claimant, 'Paying', { ...target, functionName: 'payBatch', args: [request], value: fee.total + bond });
  expect(receipt.gasUsed).toBeLessThanOrEqual(3_000n * 256n);
  const feed = createEventFeed(connection, memoryEventStore());
  expect((await listClaims(connection, feed))[0]).toMatchObject({ answers: 256, answer: undefined, tokensOut });
  console.info(`gas: alone ${gasUsed}, batch of 256 ${receipt.gasUsed}`);

  async function paidGas() {
    const made = await claim(honest);
    const feed = createEventFeed(connection, memoryEventStore());
    const [one] = await listClaims(connection, feed);
    expect(one!.claimId).toBe(made.claimId);
    const { gasUsed } = await receiptOf(one!.transaction);
    return { gasUsed };
  }
});

async function receiptOf(hash: Hex): Promise<{ gasUsed: bigint }> {
  const response = await fetch(chain.anvil.url, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_getTransactionReceipt', params: [hash] }),
  });
  const { result } = (await response.json()) as { result: { gasUsed: Hex } };
  return { gasUsed: BigInt(result.gasUsed) };
}

test('the leaf of an answer is the same on chain', async () => {
  const made = await claim(honest, undefined, [4, 0, 2]);
  const claimed = await readClaim(chain.connection, made.claimId);
  const answer: ClaimedAnswer = claimed.answer!;
  expect(answer.inputsHash).toBe(inputsHash(inputs));
  expect(claimed.answersRoot).toBe(answersRoot(adapterId, [answer]));
  expect(answer.payoutRoot).not.toBe(payoutRoot([]));
});
