/** Disputes about claims whose maker published nothing, from the first demand to the end, on a chain of their own. */
import { getTransactionReceipt } from 'viem/actions';
import { randomBelow } from '../../../src/arithmetic/random.ts';
import { stepEvidence } from '../../../src/attribution/trace/evidence.ts';
import { PIECE, type TraceInputs } from '../../../src/attribution/trace/instruction.ts';
import type { ShownPiece } from '../../../src/attribution/trace/node-search.ts';
import { workingsBegin } from '../../../src/attribution/trace/payout-finding.ts';
import { type Shown, inTransactions, shownOf } from '../../../src/attribution/trace/replies.ts';
import type { Matrix } from '../../../src/attribution/trace/run.ts';
import { SEARCH_LIMITS, SearchPlan } from '../../../src/attribution/trace/search-plan.ts';
import { searchWithheld } from '../../../src/attribution/trace/search-withheld.ts';
import { inputsHash } from '../../../src/attribution/trace/step.ts';
import { ALL_MATRICES, TraceNodes, type TracePlace } from '../../../src/attribution/trace/trace-nodes.ts';
import type { Tracer } from '../../../src/attribution/trace/tracer.ts';
import { TraceTree, hashLeaf, leafValues, tensorOf } from '../../../src/attribution/trace/tree.ts';
import { cutNodes, depthOf } from '../../../src/attribution/trace/tree-nodes.ts';
import { shownOfWorkings } from '../../../src/attribution/trace/workings-replies.ts';
import { workingsTree } from '../../../src/attribution/trace/workings-tree.ts';
import { demandFile, showFile } from '../../../src/chain/answers-file.ts';
import { assertLeaves, rootCommitment } from '../../../src/chain/assert-leaves.ts';
import { commitProof } from '../../../src/chain/commit-proof.ts';
import { createDatanet } from '../../../src/chain/create-datanet.ts';
import { convictSilence, demandPlaces } from '../../../src/chain/demand-places.ts';
import { settlementAbi } from '../../../src/chain/generated/abis.ts';
import { readClaim } from '../../../src/chain/list-claims.ts';
import { payAnswer } from '../../../src/chain/pay-answer.ts';
import { stepProof } from '../../../src/chain/proof-call.ts';
import { publishVersion } from '../../../src/chain/publish-version.ts';
import { readBalances } from '../../../src/chain/read-balances.ts';
import { readTerms } from '../../../src/chain/read-terms.ts';
import { receiptEvent } from '../../../src/chain/receipt-event.ts';
import { registerAdapter } from '../../../src/chain/register-adapter.ts';
import { revealPlaces } from '../../../src/chain/reveal-places.ts';
import { sendProof } from '../../../src/chain/send-proof.ts';
import { sendTransaction } from '../../../src/chain/send-transaction.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../../src/chain/testing/scratch-chain.ts';
import type { Wallet } from '../../../src/chain/wallets.ts';
import { answerWorkings } from '../../../src/protocol/answer-workings.ts';
import { type AnswerOpening, type ClaimedAnswer, answersRoot, openAnswer } from '../../../src/protocol/answers.ts';
import { shortForm } from '../../../src/protocol/answers-file.ts';
import { type Hex, fromHex, keccak256, toHex, uint256Bytes } from '../../../src/protocol/bytes.ts';
import { merkleRoot } from '../../../src/protocol/merkle.ts';
import type { Workings } from '../../../src/protocol/payout-workings.ts';
import { isOfWorkings } from '../../../src/protocol/workings-places.ts';

export interface Dispute {
  where: string;
  /** Gas of each transaction of both sides, in order. */
  gas: { what: string; gas: number }[];
  /** Hashes and leaves that were shown. */
  hashes: number;
  leaves: number;
  /** Bonds of the demands, in gas at the price that they are reckoned with. */
  bonds: number;
}

/** float32, little-endian, as this machine has them. */
const floatsOf = (values: Hex): Float32Array => new Float32Array(fromHex(values).slice().buffer);

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** An adapter of which answers are claimed, and who disputes about them. */
interface Ground {
  chain: ScratchChain;
  maker: Wallet;
  challenger: Wallet;
  adapterId: bigint;
  tracer: Tracer;
}

/** One answer with a false leaf, as its claimant and its challenger know it. */
interface FalseAnswer {
  inputs: TraceInputs;
  own: TraceTree;
  theirs: TraceTree;
  claimed: Matrix;
  index: number;
  leaf: number;
  /** Of its payouts, where they are asked for with the trace. */
  workings?: Workings;
}

async function onGround<T>(tracer: Tracer, records: number, work: (ground: Ground) => Promise<T>): Promise<T> {
  const chain = await startScratchChain({ window: 4000 });
  try {
    chain.connection.publicClient.pollingInterval = 50;
    const [owner, maker, challenger] = (await Promise.all(['owner', 'maker', 'challenger'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet];
    await createDatanet(chain.connection, owner, { name: 'Withheld', metadataCid: cid, minStakePerRecord: 0n });
    await publishVersion(chain.connection, owner, { datanetId: 1n, root: merkleRoot([keccak256(Uint8Array.of(1))]), recordsRoot: word('02'), cid, count: records });
    const { adapterId } = await registerAdapter(chain.connection, owner, {
      datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'), programHash: tracer.programHash, cid, name: 'Withheld', rateIn: OPEN / 100n, rateOut: OPEN / 100n,
    });
    return await work({ chain, maker, challenger, adapterId, tracer });
  } finally {
    await chain.stop();
  }
}

/** Disputes about false leaves in these matrices; all that follows is right, which is as hard to find as all that follows being false. */
export function disputeWithheld(tracer: Tracer, inputs: TraceInputs, tree: TraceTree, indices: readonly number[]): Promise<Dispute[]> {
  return onGround(tracer, 1, async (ground) => {
    const out: Dispute[] = [];
    for (const index of indices) {
      const answer = await falseAnswer(tracer, inputs, tree, index);
      const { claimId } = await payAnswer(ground.chain.connection, ground.maker, {
        adapterId: ground.adapterId, tokensIn: inputs.tokens.length - inputs.answer, tokensOut: inputs.answer, receiptHash: toHex(keccak256(uint256Bytes(index))), receiptCid: cid,
        inputsHash: inputsHash(inputs), traceRoot: answer.theirs.root, workingsRoot: answer.theirs.root, payouts: [],
      });
      const { answer: stated } = await readClaim(ground.chain.connection, claimId);
      out.push(await search(ground, claimId, openAnswer(ground.adapterId, [stated!], 0), answer, []));
    }
    return out;
  });
}

/** The answer of a batch that is disputed about. */
export interface Computed {
  inputs: TraceInputs;
  tree: TraceTree;
  scores: Float32Array;
  noise: Float32Array;
  /** Tokens of the model. */
  vocab: number;
}

/**
 * The same about the last of `count` answers in one claim, of which nothing is published. Of the others only that matters what they take on
 * chain: tokens and hashes like any, three records read each; that they are right is not computed again.
 */
export function disputeBatch(tracer: Tracer, computed: Computed, count: number, indices: readonly number[]): Promise<Dispute[]> {
  const { inputs, tree, scores, noise, vocab } = computed;
  return onGround(tracer, noise.length, async (ground) => {
    const { chain: { connection }, maker, challenger, adapterId } = ground;
    const terms = await readTerms(connection);
    const contributors = Array.from(noise, (_, k) => toHex(keccak256(uint256Bytes(k % 13))).slice(0, 42) as Hex);
    const prices = { rateIn: String(OPEN / 100n), rateOut: String(OPEN / 100n), platformFee: '0', split: terms.split, payout: terms.payoutRule };
    const [tokensIn, tokensOut] = [inputs.tokens.length - inputs.answer, inputs.answer];
    const workings = answerWorkings({ tokensIn, tokensOut, prices, scores, noise, contributors, read: [] });
    const out: Dispute[] = [];
    for (const index of indices) {
      const one = { ...(await falseAnswer(tracer, inputs, tree, index)), workings };
      const all = Array.from({ length: count }, (_, k): TraceInputs => (k === count - 1 ? inputs : { tokens: inputs.tokens.map((_, at) => randomBelow(vocab, index, k, at)), answer: inputs.answer }));
      const hash = (...of: number[]) => toHex(keccak256(...of.map((number) => uint256Bytes(number))));
      const answers = all.map((its, k): ClaimedAnswer => ({
        tokensIn, tokensOut, receiptHash: hash(index, k, 1), inputsHash: inputsHash(its), traceRoot: k === count - 1 ? one.theirs.root : hash(index, k, 2), workingsRoot: k === count - 1 ? workingsTree(workings).root : hash(index, k, 3),
        payoutRoot: merkleRoot([]), payoutCount: 0, allocated: 0n, read: [0, 1, 2].map((place) => randomBelow(noise.length, index, k, place)),
      }));
      const claimId = await payUnchecked(ground, answers);
      const before = (await readBalances(connection, maker.address)).disputes;
      const demanded = await demandFile(connection, challenger, claimId);
      const file = shortForm(answers, all);
      const shown = await showFile(connection, maker, claimId, file);
      const sent = [{ what: 'demand of the file', gas: Number(demanded.gasUsed) }, { what: `file of ${file.length} bytes`, gas: Number(shown.gasUsed) }];
      out.push(await search(ground, claimId, openAnswer(adapterId, answers, count - 1), one, sent, before));
    }
    return out;
  });
}

/** Claims them in one batch, as a cheat would. */
async function payUnchecked({ chain: { connection }, maker, adapterId }: Ground, answers: readonly ClaimedAnswer[]): Promise<bigint> {
  const target = { address: connection.contracts.settlement, abi: settlementAbi } as const;
  const sum = (of: 'tokensIn' | 'tokensOut') => answers.reduce((all, one) => all + one[of], 0);
  const [{ payoutRuleVersion: ruleVersion }, fee, bond] = await Promise.all([
    readTerms(connection), connection.publicClient.readContract({ ...target, functionName: 'quoteBatch', args: [adapterId, answers.length, sum('tokensIn'), sum('tokensOut')] }),
    connection.publicClient.readContract({ ...target, functionName: 'bondFor', args: [0n] }),
  ]);
  const request = { adapterId, answersRoot: answersRoot(adapterId, answers), answers: answers.length, tokensIn: sum('tokensIn'), tokensOut: sum('tokensOut'), cid, contributorsPart: fee.contributors, allocated: 0n, ruleVersion };
  const receipt = await sendTransaction(connection, maker, 'Paying', { ...target, functionName: 'payBatch', args: [request], value: fee.total + bond });
  return receiptEvent(receipt, target.address, settlementAbi, 'BatchPaid').claimId;
}

/** The answer with two bits of the last but one leaf of a matrix changed: one alone is told from the leaf's hash, and saves a round. */
async function falseAnswer(tracer: Tracer, inputs: TraceInputs, own: TraceTree, index: number): Promise<FalseAnswer> {
  const right = (await tracer.matrices(inputs, [index])).get(index)!;
  const claimed = { ...right, values: right.values.slice() };
  const leaf = Math.floor(own.tensors[index]!.leaves.length / 32) - 1;
  new Uint32Array(claimed.values.buffer)[leafValues(right, leaf).first]! ^= 0b101;
  const leaves = own.tensors[index]!.leaves.slice();
  leaves.set(hashLeaf(leafValues(claimed, leaf).values), 32 * leaf);
  const theirs = new TraceTree(own.tensors.map((tensor, k) => (k === index ? tensorOf(tensor.rows, tensor.columns, leaves) : tensor)));
  return { inputs, own, theirs, claimed, index, leaf };
}

/** From the first demand to the end: an assertion that nobody can refute, or a proof. The claimant shows all that is demanded. */
async function search(ground: Ground, claimId: bigint, opening: AnswerOpening, falseOne: FalseAnswer, sent: Dispute['gas'], credited?: bigint): Promise<Dispute> {
  const { chain: { connection, pass }, maker, challenger, tracer } = ground;
  const { inputs, own, theirs, index, leaf, workings } = falseOne;
  const before = credited ?? (await readBalances(connection, maker.address)).disputes;
  const answer = Number(opening.index);
  const commitment = rootCommitment(challenger.address, claimId, answer, own.root);
  const gas = [...sent];
  const add = (what: string, used: bigint) => void gas.push({ what, gas: Number(used) });
  const shown: ShownPiece[] = [];
  let further: TracePlace[] = workings ? workingsBegin(workings) : [];
  for (;;) {
    const found = await searchWithheld(tracer, inputs, own, theirs.root, shown);
    if (found.kind === 'demand') {
      const places = [...found.places, ...further];
      further = [];
      add(`demand of ${places.length}`, (await demandPlaces(connection, challenger, claimId, places.map((place) => ({ answer, ...place })), { commitment })).gasUsed);
      const replies = await repliesOf(ground, falseOne, places);
      for (const part of inTransactions(replies)) add('reply', (await revealPlaces(connection, maker, claimId, opening, part)).gasUsed);
      shown.push(...replies.filter(({ matrix }) => !isOfWorkings(matrix)).flatMap(piecesOf));
      continue;
    }
    if (found.kind === 'assert') {
      const { place, gasUsed } = await assertLeaves(connection, challenger, claimId, opening, found.assertion);
      add(`assertion of ${Math.ceil((fromHex(found.assertion.own.values).length / 4) / PIECE)} leaves`, gasUsed);
      const { replyTime } = await readTerms(connection);
      await pass(Math.ceil(replyTime * 1.25) + 1);
      const hash = await convictSilence(connection, challenger, claimId, place);
      add('silence', (await getTransactionReceipt(connection.publicClient, { hash })).gasUsed);
    } else {
      const proof = stepProof(claimId, opening, (await stepEvidence(tracer, inputs, found.tree, found.place, found.values))!);
      add('commitment', (await commitProof(connection, challenger, proof)).gasUsed);
      await pass(1);
      add('proof', (await sendProof(connection, challenger, proof)).gasUsed);
    }
    if ((await readClaim(connection, claimId)).state !== 'refuted') throw new Error('the claim was not refuted');
    const { demandPrice } = await readTerms(connection);
    const bonds = (await readBalances(connection, maker.address)).disputes - before;
    return {
      where: `${tracer.program.instructions[index]!.name} (${tracer.program.instructions[index]!.op}), leaf ${leaf} of ${own.tensors[index]!.leaves.length / 32}`, gas,
      hashes: shown.reduce((sum, piece) => sum + ('hashes' in piece ? piece.hashes.length : 0), 0), leaves: shown.reduce((sum, piece) => sum + ('values' in piece ? Math.ceil(piece.values.length / PIECE) : 0), 0),
      bonds: Number(bonds / demandPrice.gas),
    };
  }
}

/** What the claimant shows. One run is enough where the false matrix is all that is asked for. */
async function repliesOf({ tracer }: Ground, { inputs, theirs, claimed, index, workings }: FalseAnswer, places: readonly TracePlace[]): Promise<Shown[]> {
  const ofTrace = places.filter((place) => !isOfWorkings(place));
  const wanted = ofTrace.filter(({ depth }) => depth === 0).map((place) => place.index);
  const matrices = wanted.some((at) => at !== index) ? await tracer.matrices(inputs, wanted) : new Map<number, Matrix>();
  const replies = shownOf(tracer, inputs, ofTrace, new TraceNodes(theirs), (at, place) => leafValues(at === index ? claimed : matrices.get(at)!, place).values);
  if (workings) replies.push(...shownOfWorkings(tracer, inputs, workings, places.filter(isOfWorkings)));
  return replies;
}

function piecesOf({ matrix: { index }, leaves, nodes }: Shown): ShownPiece[] {
  return [...leaves.map(({ leaf, level, values, proof }) => ({ index, leaf, level, values: floatsOf(values), proof })), ...nodes.map((one) => ({ index, ...one }))];
}

/** The matrix in which a false leaf costs most: the largest of the dearest part of the first cut. */
export function dearestMatrix(tree: TraceTree): number {
  const counts = tree.tensors.map(({ leaves }) => leaves.length / 32);
  const plan = new SearchPlan(counts, SEARCH_LIMITS.places, SEARCH_LIMITS.asserts);
  const [cut] = plan.places({ index: ALL_MATRICES, level: depthOf(counts.length), leaf: 0 }, SEARCH_LIMITS);
  const parts = cutNodes(counts.length, cut!.levels ?? []);
  const worst = parts.map(({ level, place }) => plan.worst({ index: ALL_MATRICES, level, leaf: place }, SEARCH_LIMITS.rounds - 1, false) ?? 0);
  const { level, place } = parts[worst.indexOf(Math.max(...worst))]!;
  const here = Array.from({ length: 2 ** level }, (_, k) => place * 2 ** level + k).filter((k) => k < counts.length);
  return here.reduce((best, k) => (counts[k]! > counts[best]! ? k : best), here[0]!);
}
