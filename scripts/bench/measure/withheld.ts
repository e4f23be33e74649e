/** A dispute about a claim whose maker published nothing, from the first demand to the proof, on a chain of its own. */
import { stepEvidence } from '../../../src/attribution/trace/evidence.ts';
import { PIECE, type TraceInputs } from '../../../src/attribution/trace/instruction.ts';
import type { ShownPiece } from '../../../src/attribution/trace/node-search.ts';
import { inTransactions, shownOf } from '../../../src/attribution/trace/replies.ts';
import { SEARCH_LIMITS, SearchPlan } from '../../../src/attribution/trace/search-plan.ts';
import { searchWithheld } from '../../../src/attribution/trace/search-withheld.ts';
import { inputsHash } from '../../../src/attribution/trace/step.ts';
import { ALL_MATRICES, TraceNodes } from '../../../src/attribution/trace/trace-nodes.ts';
import type { Tracer } from '../../../src/attribution/trace/tracer.ts';
import { TraceTree, hashLeaf, leafValues, tensorOf } from '../../../src/attribution/trace/tree.ts';
import { cutNodes, depthOf } from '../../../src/attribution/trace/tree-nodes.ts';
import { commitProof } from '../../../src/chain/commit-proof.ts';
import { createDatanet } from '../../../src/chain/create-datanet.ts';
import { demandPlaces } from '../../../src/chain/demand-places.ts';
import { readClaim } from '../../../src/chain/list-claims.ts';
import { payAnswer } from '../../../src/chain/pay-answer.ts';
import { stepProof } from '../../../src/chain/proof-call.ts';
import { publishVersion } from '../../../src/chain/publish-version.ts';
import { readBalances } from '../../../src/chain/read-balances.ts';
import { readTerms } from '../../../src/chain/read-terms.ts';
import { registerAdapter } from '../../../src/chain/register-adapter.ts';
import { revealPlaces } from '../../../src/chain/reveal-places.ts';
import { sendProof } from '../../../src/chain/send-proof.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../../src/chain/testing/scratch-chain.ts';
import type { Wallet } from '../../../src/chain/wallets.ts';
import { openAnswer } from '../../../src/protocol/answers.ts';
import { type Hex, fromHex, keccak256, toHex, uint256Bytes } from '../../../src/protocol/bytes.ts';
import { merkleRoot } from '../../../src/protocol/merkle.ts';

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

/** Games.NODE_GAS. */
const NODE_GAS = 1300n;
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';

/** Disputes about false leaves in these matrices; all that follows is right, which is as hard to find as all that follows being false. */
export async function disputeWithheld(tracer: Tracer, inputs: TraceInputs, tree: TraceTree, indices: readonly number[]): Promise<Dispute[]> {
  const chain = await startScratchChain({ window: 4000 });
  try {
    chain.connection.publicClient.pollingInterval = 50;
    const [owner, maker, challenger] = (await Promise.all(['owner', 'maker', 'challenger'].map((name) => chain.wallet(name)))) as [Wallet, Wallet, Wallet];
    await createDatanet(chain.connection, owner, { name: 'Withheld', metadataCid: cid, minStakePerRecord: 0n });
    await publishVersion(chain.connection, owner, { datanetId: 1n, root: merkleRoot([keccak256(Uint8Array.of(1))]), recordsRoot: word('02'), cid, count: 1 });
    const { adapterId } = await registerAdapter(chain.connection, owner, {
      datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'), programHash: tracer.programHash, cid, name: 'Withheld', rateIn: OPEN / 100n, rateOut: OPEN / 100n,
    });
    const out: Dispute[] = [];
    for (const index of indices) out.push(await oneDispute(chain, { maker, challenger }, adapterId, tracer, inputs, tree, index));
    return out;
  } finally {
    await chain.stop();
  }
}

async function oneDispute({ connection, pass }: ScratchChain, { maker, challenger }: { maker: Wallet; challenger: Wallet }, adapterId: bigint, tracer: Tracer, inputs: TraceInputs, own: TraceTree, index: number): Promise<Dispute> {
  const right = (await tracer.matrices(inputs, [index])).get(index)!;
  const claimed = { ...right, values: right.values.slice() };
  const leaf = Math.floor(own.tensors[index]!.leaves.length / 32) - 1;
  const { first } = leafValues(right, leaf);
  // Two bits: one alone is told from the leaf's hash, and saves a round.
  new Uint32Array(claimed.values.buffer)[first]! ^= 0b101;
  const leaves = own.tensors[index]!.leaves.slice();
  leaves.set(hashLeaf(leafValues(claimed, leaf).values), 32 * leaf);
  const theirs = new TraceTree(own.tensors.map((tensor, k) => (k === index ? tensorOf(tensor.rows, tensor.columns, leaves) : tensor)));
  const nodes = new TraceNodes(theirs);

  const before = (await readBalances(connection, maker.address)).disputes;
  const { claimId } = await payAnswer(connection, maker, {
    adapterId, tokensIn: inputs.tokens.length - inputs.answer, tokensOut: inputs.answer, receiptHash: toHex(keccak256(uint256Bytes(index))), receiptCid: cid,
    inputsHash: inputsHash(inputs), traceRoot: theirs.root, workingsRoot: theirs.root, payouts: [],
  });
  const { answer } = await readClaim(connection, claimId);
  const opening = openAnswer(adapterId, [answer!], 0);
  const gas: Dispute['gas'] = [];
  const shown: ShownPiece[] = [];
  for (;;) {
    const found = await searchWithheld(tracer, inputs, own, theirs.root, shown, { limits: { ...SEARCH_LIMITS, asserts: false } });
    if (found.kind === 'demand') {
      const demand = await demandPlaces(connection, challenger, claimId, found.places.map((place) => ({ answer: 0, ...place })));
      gas.push({ what: `demand of ${found.places.length}`, gas: Number(demand.gasUsed) });
      const wanted = found.places.filter(({ depth }) => depth === 0).map((place) => place.index);
      // One run is enough where the false matrix is all that is asked for.
      const matrices = wanted.some((at) => at !== index) ? await tracer.matrices(inputs, wanted) : new Map();
      const valuesOf = (at: number, place: number) => leafValues(at === index ? claimed : matrices.get(at), place).values;
      const replies = shownOf(tracer, inputs, found.places, nodes, valuesOf);
      const parts = inTransactions(replies);
      for (const part of parts) gas.push({ what: 'reply', gas: Number((await revealPlaces(connection, maker, claimId, opening, part)).gasUsed) });
      for (const { matrix, leaves, nodes: inner } of replies) {
        for (const { leaf: first, level, values, proof } of leaves) shown.push({ index: matrix.index, leaf: first, level, values: floatsOf(values), proof });
        for (const one of inner) shown.push({ index: matrix.index, ...one });
      }
      continue;
    }
    if (found.kind === 'assert') throw new Error('asserted what was to be shown');
    const step = (await stepEvidence(tracer, inputs, found.tree, found.place, found.values))!;
    const proof = stepProof(claimId, opening, step);
    gas.push({ what: 'commitment', gas: Number((await commitProof(connection, challenger, proof)).gasUsed) });
    await pass(1);
    gas.push({ what: 'proof', gas: Number((await sendProof(connection, challenger, proof)).gasUsed) });
    const { demandPrice } = await readTerms(connection);
    const bonds = (await readBalances(connection, maker.address)).disputes - before;
    return {
      where: `${tracer.program.instructions[index]!.name} (${tracer.program.instructions[index]!.op}), leaf ${leaf} of ${leaves.length / 32}`, gas,
      hashes: shown.reduce((sum, piece) => sum + ('hashes' in piece ? piece.hashes.length : 0), 0), leaves: shown.reduce((sum, piece) => sum + ('values' in piece ? Math.ceil(piece.values.length / PIECE) : 0), 0),
      bonds: Number(bonds / (demandPrice.hash / NODE_GAS)),
    };
  }
}

/** The matrix in which a false leaf costs most: the largest of the dearest part of the first cut. */
export function dearestMatrix(tree: TraceTree): number {
  const counts = tree.tensors.map(({ leaves }) => leaves.length / 32);
  const plan = new SearchPlan(counts, SEARCH_LIMITS.places);
  const [cut] = plan.places({ index: ALL_MATRICES, level: depthOf(counts.length), leaf: 0 }, SEARCH_LIMITS);
  const parts = cutNodes(counts.length, cut!.levels ?? []);
  const worst = parts.map(({ level, place }) => plan.worst({ index: ALL_MATRICES, level, leaf: place }, SEARCH_LIMITS.rounds - 1, false) ?? 0);
  const { level, place } = parts[worst.indexOf(Math.max(...worst))]!;
  const here = Array.from({ length: 2 ** level }, (_, k) => place * 2 ** level + k).filter((k) => k < counts.length);
  return here.reduce((best, k) => (counts[k]! > counts[best]! ? k : best), here[0]!);
}
