import { MemoryBlocks } from '../../src/storage/block-store.ts';
import { disputeEvents } from '../../src/chain/game-events.ts';
import { Catalog } from '../../src/attribution/catalog.ts';
import type { Engine, LoadedAdapter } from '../../src/attribution/engine.ts';
import { makeReceipt } from '../../src/attribution/make-receipt.ts';
import type { CurvatureLedger } from '../../src/attribution/curvature/curvature-ledger.ts';
import { assertionFrom } from '../../src/attribution/trace/assertion.ts';
import type { TraceInputs } from '../../src/attribution/trace/instruction.ts';
import type { Matrix } from '../../src/attribution/trace/run.ts';
import { shownOf } from '../../src/attribution/trace/replies.ts';
import { type Tables, withRowFault } from '../../src/attribution/trace/testing/workings-faults.ts';
import { TraceNodes, type TracePlace } from '../../src/attribution/trace/trace-nodes.ts';
import type { Tracer } from '../../src/attribution/trace/tracer.ts';
import { TraceTree, leafValues } from '../../src/attribution/trace/tree.ts';
import { shownOfWorkings } from '../../src/attribution/trace/workings-replies.ts';
import { workingsTree } from '../../src/attribution/trace/workings-tree.ts';
import { showFile } from '../../src/chain/answers-file.ts';
import { assertLeaves, commitRoot, rootCommittedIn } from '../../src/chain/assert-leaves.ts';
import { type ChainConnection, connectChain } from '../../src/chain/client.ts';
import { memoryEventStore } from '../../src/chain/event-store.ts';
import { createEventFeed } from '../../src/chain/events.ts';
import { settlementAbi } from '../../src/chain/generated/abis.ts';
import { listAdapters } from '../../src/chain/list-adapters.ts';
import { listDatanets } from '../../src/chain/list-datanets.ts';
import type { ClaimRecord } from '../../src/chain/list-claims.ts';
import { type Payment, payAnswer } from '../../src/chain/pay-answer.ts';
import { type BatchPayment, payBatch } from '../../src/chain/pay-batch.ts';
import { FILE, type Place, isOfTrace } from '../../src/chain/place.ts';
import { quoteFee } from '../../src/chain/quote-fee.ts';
import { readTerms } from '../../src/chain/read-terms.ts';
import { receiptEvent } from '../../src/chain/receipt-event.ts';
import { revealPlaces } from '../../src/chain/reveal-places.ts';
import { sendTransaction } from '../../src/chain/send-transaction.ts';
import { type Wallet, demoWallet } from '../../src/chain/wallets.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { type AnswerOpening, type ClaimedAnswer, answersRoot, openAnswer, openAnswers } from '../../src/protocol/answers.ts';
import { shortForm } from '../../src/protocol/answers-file.ts';
import { answerOfReceipt, batchFile } from '../../src/protocol/batch.ts';
import { toHex } from '../../src/protocol/bytes.ts';
import { canonicalJson } from '../../src/protocol/canonical.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import type { Payout } from '../../src/protocol/fee.ts';
import { parseReceipt, payoutsOf } from '../../src/protocol/receipt.ts';
import type { VersionRecord } from '../../src/protocol/record.ts';
import { isOfWorkings } from '../../src/protocol/workings-places.ts';
import { demandsOf } from '../../src/serve/watch/demands.ts';
import { ContentStore } from '../../src/storage/content-store.ts';
import { waitFor } from './page-actions.ts';

/** How a claim differs from what is so. */
export interface Cheat {
  /** Flips bits of one value of the trace: instruction, place in its matrix. One bit can be guessed from the hash, two have to be shown. */
  flip?: { index: number; place: number; bits: number[] };
  /** Leaves out a row of a table of the payouts' workings: it and all after it are others. */
  workings?: { table: number; row: number };
  /** Publishes neither receipt nor trace. */
  withhold?: boolean;
}

/** An answer of a claim, with what it takes to show any piece of its trace. */
export interface ClaimedOne {
  claimId: bigint;
  opening: AnswerOpening;
  inputs: TraceInputs;
  matrices: Matrix[];
  tree: TraceTree;
  /** Tables as they are claimed, and the payouts. */
  workings: Tables & { payouts: Payout[] };
}

export type Claimed = Payment & ClaimedOne;
export type ClaimedBatch = BatchPayment & { parts: ClaimedOne[] };

/** Someone beside the browser who asks an adapter, and claims what they like about the answer. */
export class Claimant {
  readonly wallet: Wallet;
  readonly connection: ChainConnection;
  tracer!: Tracer;
  private readonly url: string;
  private readonly store: ContentStore;
  private catalog!: Catalog;
  private engine!: Engine;
  private adapter!: LoadedAdapter;
  private ledger!: CurvatureLedger;
  private about!: { adapterId: bigint; adapterCid: string; rateIn: bigint; rateOut: bigint; datanetId: bigint; version: number; versionCid: string; records: VersionRecord[] };

  private constructor(deployment: Deployment, url: string, name: string) {
    this.url = url;
    this.connection = connectChain(deployment, `${url}/`);
    this.connection.publicClient.pollingInterval = 100;
    this.wallet = demoWallet(this.connection, deployment.demo!.identities.find((one) => one.name === name)!);
    this.store = new ContentStore({ gateways: [`${url}/`], cache: new MemoryBlocks() });
  }

  static async of(deployment: Deployment, url: string, name: string, adapterId: string): Promise<Claimant> {
    const claimant = new Claimant(deployment, url, name);
    await claimant.open(deployment, adapterId);
    return claimant;
  }

  private async open(deployment: Deployment, id: string): Promise<void> {
    const { connection } = this;
    const [adapters, datanets] = await Promise.all([listAdapters(connection), listDatanets(connection)]);
    const adapter = adapters.find((one) => String(one.id) === id)!;
    const version = datanets.find((one) => one.id === adapter.datanetId)!.versions[adapter.version - 1]!;
    this.catalog = new Catalog(await createCpuBackend(), this.store);
    this.engine = await this.catalog.engine(deployment.base);
    this.adapter = await this.catalog.adapter(this.engine, adapter.cid);
    const file = await this.catalog.version(version.cid);
    this.ledger = await this.catalog.ledger(this.engine, this.adapter, adapter.cid, file, version.cid);
    this.tracer = await this.engine.tracer(this.ledger);
    this.about = {
      adapterId: adapter.id, adapterCid: adapter.cid, rateIn: adapter.rateIn, rateOut: adapter.rateOut,
      datanetId: adapter.datanetId, version: version.version, versionCid: version.cid, records: file.records,
    };
  }

  /** Asks, claims and pays. The payouts follow from the scores that are so. */
  async claim(question: string, cheat: Cheat = {}): Promise<Claimed> {
    const { about, connection } = this;
    const { receipt, cid, ...claimed } = await this.ask(question, cheat);
    const answer = answerOfReceipt(receipt);
    const { contributors: contributorsPart } = await quoteFee(connection, { adapterId: about.adapterId, ...answer });
    const payment = await payAnswer(connection, this.wallet, { ...answer, adapterId: about.adapterId, receiptCid: cid, payouts: payoutsOf(receipt), contributorsPart });
    return { ...payment, opening: openAnswer(about.adapterId, [answer], 0), ...claimed };
  }

  /** Several answers with one claim. `withhold`: the file that names their receipts is not published. */
  async claimBatch(questions: readonly { question: string; cheat?: Cheat }[], { withhold = false } = {}): Promise<ClaimedBatch> {
    const { adapterId } = this.about;
    const asked: Awaited<ReturnType<Claimant['ask']>>[] = [];
    for (const { question, cheat } of questions) asked.push(await this.ask(question, cheat));
    const payment = await payBatch(this.connection, this.wallet, adapterId, asked, (file) => this.publish(file, withhold));
    const openings = openAnswers(adapterId, asked.map(({ receipt }) => answerOfReceipt(receipt)));
    return { ...payment, parts: asked.map(({ inputs, matrices, tree, workings }, k) => ({ claimId: payment.claimId, opening: openings[k]!, inputs, matrices, tree, workings })) };
  }

  /** One claim that is false by what its answers say together: `tokensIn` more than they have, or one of them `twice`. Gives the claim and its bond. */
  async claimFalseBatch(questions: readonly string[], { tokensIn = 0, twice = false }: { tokensIn?: number; twice?: boolean }): Promise<{ claimId: bigint; bond: bigint }> {
    const { connection, about: { adapterId } } = this;
    const answers: { answer: ClaimedAnswer; receiptCid: string }[] = [];
    for (const question of questions) {
      const { receipt, cid } = await this.ask(question);
      answers.push({ answer: answerOfReceipt(receipt), receiptCid: cid });
    }
    if (twice) answers.push(answers[0]!);
    const all = answers.map(({ answer }) => answer);
    const tokens = [all.reduce((sum, one) => sum + one.tokensIn, tokensIn), all.reduce((sum, one) => sum + one.tokensOut, 0)] as const;
    const allocated = all.reduce((sum, one) => sum + one.allocated, 0n);
    const settlement = { address: connection.contracts.settlement, abi: settlementAbi } as const;
    const [fee, bond, { payoutRuleVersion }] = await Promise.all([
      connection.publicClient.readContract({ ...settlement, functionName: 'quoteBatch', args: [adapterId, all.length, ...tokens] }),
      connection.publicClient.readContract({ ...settlement, functionName: 'bondFor', args: [allocated] }),
      readTerms(connection),
    ]);
    const cid = await this.publish(new TextEncoder().encode(canonicalJson(batchFile(adapterId, answers) as never)), false);
    const request = {
      adapterId, answersRoot: answersRoot(adapterId, all), answers: all.length, tokensIn: tokens[0], tokensOut: tokens[1], cid, contributorsPart: fee.contributors, allocated, ruleVersion: payoutRuleVersion,
    };
    const sent = await sendTransaction(connection, this.wallet, 'Paying', { ...settlement, functionName: 'payBatch', args: [request], value: fee.total + bond });
    return { claimId: receiptEvent(sent, settlement.address, settlementAbi, 'BatchPaid').claimId, bond };
  }

  /** An answer as it would be claimed, receipt and trace published. */
  private async ask(question: string, { flip, workings: fault, withhold = false }: Cheat = {}) {
    const { engine, about, connection } = this;
    const prompt = engine.prompt(question);
    const answer = await engine.generate(this.adapter, prompt);
    const inputs = { tokens: [...prompt, ...answer], answer: answer.length };
    const matrices = await this.matrices(inputs);
    if (flip) matrices[flip.index] = flipped(matrices[flip.index]!, flip.place, flip.bits);
    const tree = TraceTree.of(matrices);
    const { loss, scores, noise } = await engine.influence(this.adapter, this.ledger, prompt, answer);
    const { split, platformFee, payoutRule } = await readTerms(connection);
    const { receipt: right, workings: honest } = makeReceipt({
      nonce: toHex(crypto.getRandomValues(new Uint8Array(16))),
      base: { cid: engine.identity.cid, root: engine.root },
      adapter: { id: String(about.adapterId), cid: about.adapterCid, root: this.adapter.root },
      datanet: { id: String(about.datanetId), version: about.version, cid: about.versionCid, records: about.records },
      ledger: this.adapter.run.ledger,
      trace: { program: this.tracer.programHash, root: tree.root, cid: await this.publish(tree.bytes(), withhold) },
      prompt: { text: question, tokens: prompt },
      answer: { text: engine.tokenizer.decode(answer).trim(), tokens: answer },
      loss, scores, noise, clusters: this.adapter.run.datanet.clusters,
      prices: { rateIn: String(about.rateIn), rateOut: String(about.rateOut), platformFee: String(platformFee), split, payout: payoutRule },
    });
    const { tables } = fault ? withRowFault(honest, 'left out', fault.table, fault.row, () => 0)! : honest;
    const receipt = { ...right, workingsRoot: workingsTree({ tables }).root };
    return { receipt, cid: await this.publish(new TextEncoder().encode(canonicalJson(receipt as never)), withhold), inputs, matrices, tree, workings: { tables, payouts: honest.payouts } };
  }

  /** Shows parts of a claim's trace, or of its payouts' workings, as they were claimed. */
  async show({ claimId, opening, inputs, matrices, tree, workings }: ClaimedOne, places: readonly TracePlace[]): Promise<void> {
    const shown = shownOf(this.tracer, inputs, places.filter((place) => !isOfWorkings(place)), new TraceNodes(tree), (index, leaf) => leafValues(matrices[index]!, leaf).values);
    shown.push(...shownOfWorkings(this.tracer, inputs, workings, places.filter(isOfWorkings)));
    await revealPlaces(this.connection, this.wallet, claimId, opening, shown);
  }

  /** Shows everything that is demanded of an answer now; says how many places. What is asserted of it stays: it is right. */
  async showDemanded(claimed: ClaimedOne): Promise<number> {
    const places = (await this.openPlaces(claimed.claimId)).filter((place) => isOfTrace(place) && place.answer === Number(claimed.opening.index));
    if (places.length) await this.show(claimed, places);
    return places.length;
  }

  /** Shows what the answers of a batch come from, if that is demanded now. */
  async showFile({ claimId, parts }: ClaimedBatch): Promise<boolean> {
    const demanded = (await this.openPlaces(claimId)).some(({ depth }) => depth === FILE);
    if (demanded) await showFile(this.connection, this.wallet, claimId, shortForm(parts.map(({ opening }) => opening.answer), parts.map(({ inputs }) => inputs)));
    return demanded;
  }

  /** What is demanded or asserted of a claim, and not answered. */
  async openPlaces(id: bigint): Promise<Place[]> {
    const feed = createEventFeed(this.connection, memoryEventStore());
    await feed.refresh();
    return demandsOf(disputeEvents(feed)).flatMap(({ claimId, state, place }) => (claimId === id && state === 'open' ? [place] : []));
  }

  /** What a dispute took so far, of both sides: transactions that the contract said something about, and their gas. */
  async disputeCost(id: bigint): Promise<{ transactions: number; gas: number; committedAlone: boolean }> {
    const feed = createEventFeed(this.connection, memoryEventStore());
    await feed.refresh();
    const events = disputeEvents(feed).filter(({ args }) => 'id' in args && args.id === id);
    const hashes = [...new Set(events.map(({ transactionHash }) => transactionHash!))];
    const receipts = await Promise.all(hashes.map((hash) => this.connection.publicClient.request({ method: 'eth_getTransactionReceipt', params: [hash] })));
    return { transactions: hashes.length, gas: receipts.reduce((sum, receipt) => sum + Number(receipt!.gasUsed), 0), committedAlone: events.some(({ eventName }) => eventName === 'Committed') };
  }

  /** Says of a claim about one answer that values of this instruction are others. The claim is right, so it can be refuted. */
  async assertFalse({ claimId, answer, receiptCid }: ClaimRecord, index: number, wallet = this.wallet): Promise<void> {
    const { connection, tracer } = this;
    const receipt = parseReceipt(JSON.parse(new TextDecoder().decode(await this.store.readFile(receiptCid))));
    const inputs = { tokens: [...receipt.prompt.tokens, ...receipt.answer.tokens], answer: receipt.answer.tokens.length };
    const matrices = await this.matrices(inputs);
    matrices[index] = flipped(matrices[index]!, 0, [12]);
    const tree = TraceTree.of(matrices);
    const assertion = assertionFrom(tracer, inputs, tree, { index, leaf: 0, level: 0 }, matrices[index]!)!;
    await commitRoot(connection, wallet, claimId, 0, tree.root);
    const committed = (await rootCommittedIn(connection, wallet.address, claimId, 0, tree.root))!;
    await waitFor(() => connection.publicClient.getBlockNumber({ cacheTime: 0 }), (block) => block > committed);
    await assertLeaves(connection, wallet, claimId, { index: 0n, answer: answer!, proof: [] }, assertion);
  }

  private async matrices(inputs: TraceInputs): Promise<Matrix[]> {
    const all = this.tracer.program.instructions.map((_, k) => k);
    return [...(await this.tracer.matrices(inputs, all)).entries()].sort(([a], [b]) => a - b).map(([, matrix]) => matrix);
  }

  close(): void {
    this.catalog.close();
  }

  private async publish(bytes: Uint8Array, withhold: boolean): Promise<string> {
    const cid = await this.store.addFile(bytes);
    if (!withhold) await this.store.publish(cid, `${this.url}/api/publish`);
    return cid;
  }
}

function flipped(matrix: Matrix, place: number, bits: number[]): Matrix {
  const values = matrix.values.slice();
  for (const bit of bits) new Uint32Array(values.buffer)[place]! ^= 2 ** bit;
  return { ...matrix, values };
}
