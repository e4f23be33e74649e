import { SvelteMap } from 'svelte/reactivity';
import { disputeEvents } from '../chain/game-events.ts';
import { demandFile } from '../chain/answers-file.ts';
import { asksAboutAnswer } from '../chain/ask-referee.ts';
import { assertLeaves, commitRoot, rootCommitment, rootCommittedIn } from '../chain/assert-leaves.ts';
import { commitProof } from '../chain/commit-proof.ts';
import { MOST_AT_ONCE, asDemanded, convictSilence, demandPlaces, takeBackDemand } from '../chain/demand-places.ts';
import { ASSERTION, FILE, type Place, samePlace } from '../chain/place.ts';
import { type ClaimRecord, openingOf } from '../chain/list-claims.ts';
import { type ProofCall, evidenceProof } from '../chain/proof-call.ts';
import { readDemand } from '../chain/read-dispute.ts';
import { sendProof } from '../chain/send-proof.ts';
import type { SendOptions } from '../chain/send-transaction.ts';
import { type BalanceSource, withdrawBalance } from '../chain/withdraw-balance.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { LoadProgress } from '../workers/engine.api.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import { type Challengeable, ClaimCheck, type Finding, isAnswered, isChallengeable } from './claim-check.ts';
import { assertionRefuted, sameAsserted } from './disputes-assertions.ts';
import { type DemandSeen, type Dispute, NO_DISPUTE, disputesOf } from './disputes-events.ts';
import type { Pursuit } from './disputes-kept.ts';
import { Replies } from './disputes-reply.ts';
import { Pursuits, notJudged } from './pursuits.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';

/** What this machine found about one claim, and what is being done about it. */
export class ClaimWork {
  phase = $state<'idle' | 'checking' | 'checked' | 'failed'>('idle');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  finding = $state.raw<Finding | undefined>(undefined);
  /** Of several answers, how many are right so far. */
  right = $state(0);
  error = $state.raw<WireError | undefined>(undefined);
  /** The challenge goes on by itself while this is true. */
  pursuing = $state(false);
  /** What is waited for, in words; the transactions say the rest. */
  waiting = $state('');
  tx = $state(new Transaction());
  /** Demands are being answered. */
  replying = $state(false);
  stop: AbortController | undefined;
}

/** Claims, their clocks and demands, and this account's challenges. */
export class DisputesState {
  readonly lists: ChainLists;
  readonly withdrawing = new Transaction();
  /** Wei for a unit of gas now; undefined before it was read. */
  gasPrice = $state<bigint | undefined>(undefined);
  /** Wei that the last withdrawal brought. */
  received = $state<bigint | undefined>(undefined);
  #disputes = $state.raw<ReadonlyMap<bigint, Dispute>>(new Map());
  /** Of the connected account, by claim. */
  readonly #pursuits: Pursuits;
  #work = new SvelteMap<bigint, ClaimWork>();
  readonly #check: ClaimCheck;
  readonly #replies: Replies;
  #session: Session;
  #looking: Promise<void> = Promise.resolve();

  constructor(session: Session) {
    this.#session = session;
    this.lists = session.part(ChainLists);
    this.#pursuits = new Pursuits(session, 'disputes');
    this.#check = new ClaimCheck(session, (claimId) => this.disputeOf(claimId));
    this.#replies = new Replies(session, this.#check);
  }

  /** False where the browser keeps nothing: a challenge is then lost with the tab. */
  get lasting(): boolean {
    return this.#pursuits.lasting;
  }

  /** Keeps claims and disputes as new as the chain until the returned function is called. */
  watch(): () => void {
    const endLists = this.lists.watch();
    void this.#look();
    void this.#session.chain.connection.publicClient.getGasPrice().then((price) => (this.gasPrice = price), () => {});
    const endBlocks = this.#session.chain.onBlock(() => void this.#look());
    return () => {
      endLists();
      endBlocks();
    };
  }

  disputeOf(claimId: bigint): Dispute {
    return this.#disputes.get(claimId) ?? NO_DISPUTE;
  }

  pursuitOf(claimId: bigint): Pursuit | undefined {
    return this.#pursuits.of(claimId);
  }

  /** Undefined before anything was done about the claim. */
  workOf(claimId: bigint): ClaimWork | undefined {
    return this.#work.get(claimId);
  }

  /** Reads what the connected account has begun in this browser. */
  readPursuits(): Promise<void> {
    return this.#pursuits.read();
  }

  /** Computes a claim again here. */
  async check(claim: ClaimRecord): Promise<void> {
    const work = this.#workFor(claim.claimId);
    if (work.phase === 'checking' || work.pursuing) return;
    work.stop = new AbortController();
    try {
      await this.#inspect(claim, work, work.stop.signal);
    } catch {
      // Said in work.error.
    }
  }

  stop(claimId: bigint): void {
    this.#work.get(claimId)?.stop?.abort();
  }

  /**
   * Takes a challenge as far as it goes: demand, wait, commit, then prove, or assert and wait. Goes on by itself from block to block; after a reload, or
   * where a transaction failed, calling it again goes on where it stopped.
   */
  async pursue(claim: ClaimRecord): Promise<void> {
    const work = this.#workFor(claim.claimId);
    if (work.pursuing || work.phase === 'checking') return;
    work.pursuing = true;
    work.error = undefined;
    work.tx.reset();
    work.stop = new AbortController();
    const { signal } = work.stop;
    try {
      const account = this.#session.wallet.require().address;
      if (!this.#pursuits.of(claim.claimId)) {
        const { finding } = work;
        if (!finding || !isChallengeable(finding)) return;
        await this.#pursuits.keep({ openledger: 'pursuit/1', claimId: String(claim.claimId), account, where: finding.where, demanded: [], gas: '0', answer: answerOf(finding) });
      }
      while (!signal.aborted && this.#session.wallet.address === account && (await this.#advance(claim, work, signal)));
    } catch (error) {
      // What a transaction ran into stands with the transaction.
      if (work.tx.stage !== 'failed' && work.phase !== 'failed') work.error = toWire(error);
    } finally {
      work.waiting = '';
      work.pursuing = false;
      void this.#session.wallet.refresh();
      void this.lists.claims.load();
    }
  }

  /** Forgets a challenge: what it spent is spent. */
  async drop(pursuit: Pursuit): Promise<void> {
    await this.#pursuits.drop(pursuit);
  }

  /** Answers what was demanded or asserted of a claim, computed again here. Anyone may; the bonds are the claimant's, late in their time the caller's. */
  async reply(claim: ClaimRecord, demands: readonly DemandSeen[]): Promise<void> {
    const work = this.#workFor(claim.claimId);
    if (work.replying || work.phase === 'checking') return;
    work.replying = true;
    work.error = undefined;
    work.stop = new AbortController();
    try {
      await this.#look();
      await this.#replies.run(claim, demands, { signal: work.stop.signal, onProgress: (at) => (work.progress = at), send: (send) => this.#send(work, send) });
    } catch (error) {
      if (work.tx.stage !== 'failed') work.error = toWire(error);
    } finally {
      work.replying = false;
      await this.#look();
      void this.#session.wallet.refresh();
    }
  }

  /** The bond of this account's own demand that a refuted claim left open. */
  async takeBack(claim: ClaimRecord, { place }: DemandSeen): Promise<void> {
    const work = this.#workFor(claim.claimId);
    if (work.tx.busy) return;
    await this.#send(work, (options) => takeBackDemand(this.#session.chain.connection, this.#session.wallet.require(), claim.claimId, place, options)).catch(() => {});
    await this.#look();
    await this.#session.wallet.refresh();
  }

  /** Fetches rewards and returned bonds into the account. */
  async withdraw(): Promise<void> {
    this.received = undefined;
    await this.withdrawing.run(async (options) => {
      const wallet = this.#session.wallet.require();
      const { balances } = this.#session.wallet;
      let sum = 0n;
      for (const source of ['settlement', 'disputes'] satisfies BalanceSource[]) {
        if (!balances?.[source]) continue;
        sum += (await withdrawBalance(this.#session.chain.connection, wallet, source, wallet.address, options)).amount;
        this.received = sum;
      }
    });
    await this.#session.wallet.refresh();
  }

  // ---- Inside ----

  /** One step of a challenge. Resolves to whether there is another. */
  async #advance(claim: ClaimRecord, work: ClaimWork, signal: AbortSignal): Promise<boolean> {
    const { chain, wallet } = this.#session;
    const { connection } = chain;
    const { claimId } = claim;
    const pursuit = this.pursuitOf(claimId)!;
    await this.#look();
    const dispute = this.disputeOf(claimId);
    if (pursuit.reward !== undefined || dispute.convicted) return false;

    if (pursuit.proof && pursuit.committedIn !== undefined) {
      if (pursuit.proveBy !== undefined && chain.blockTime > pursuit.proveBy) return this.#pursuits.forgetProof(pursuit);
      if ((chain.block ?? 0n) <= BigInt(pursuit.committedIn)) return this.#nextBlock(work, 'Waiting for the next block: a proof comes after its commitment.', signal);
      const proof: ProofCall = { claimId, data: pursuit.proof };
      try {
        const { reward, gasPaid } = await this.#send(work, (options) => sendProof(connection, wallet.require(), proof, options));
        await this.#pursuits.keep({ ...pursuit, gas: add(pursuit.gas, gasPaid), reward: String(reward) });
      } catch (error) {
        const { code } = toWire(error);
        if (code === 'contract/not-committed' || code === 'contract/proof-too-late') return this.#pursuits.forgetProof(pursuit);
        throw error;
      }
      return false;
    }
    if (pursuit.proof) {
      const proof: ProofCall = { claimId, data: pursuit.proof };
      const { blockNumber, proveBy, gasPaid } = await this.#send(work, (options) => commitProof(connection, wallet.require(), proof, options));
      await this.#pursuits.keep({ ...pursuit, committedIn: String(blockNumber), proveBy, gas: add(pursuit.gas, gasPaid) });
      return true;
    }

    // Nothing is proved by what is known yet: pieces are demanded and waited for.
    for (const place of pursuit.demanded) {
      if (dispute.demands.some((one) => samePlace(one.place, place))) continue;
      // Its block is not read yet; or it was undone with its block, and is made again.
      if ((await readDemand(connection, claimId, place)).state !== 'none') return this.#nextBlock(work, 'Waiting for the next block.', signal);
      await this.#pursuits.keep({ ...pursuit, demanded: pursuit.demanded.filter((one) => !samePlace(one, place)) });
      return true;
    }
    const followed = pursuit.demanded.flatMap((place) => dispute.demands.filter((one) => samePlace(one.place, place)));
    if (followed.some(({ state }) => state === 'disproved')) throw assertionRefuted();
    const waiting = followed.filter(({ state }) => state === 'open').sort((a, b) => a.due - b.due)[0];
    if (waiting) {
      const what = waiting.place.depth === ASSERTION ? 'Waiting until the claimant’s time to refute what was asserted is over.' : 'Waiting for the claimant to show what was demanded.';
      if (chain.blockTime <= waiting.due) return this.#nextBlock(work, `${what} This page goes on by itself while it is open.`, signal);
      await this.#send(work, (options) => convictSilence(connection, wallet.require(), claimId, waiting.place, options));
      // What is won is whose demand it was.
      const mine = waiting.demander.toLowerCase() === pursuit.account.toLowerCase();
      await this.#pursuits.keep({ ...pursuit, reward: String(mine ? claim.bond / 2n : 0n) });
      return false;
    }
    const finding = work.finding && !isAnswered(work.finding, dispute) ? work.finding : await this.#inspect(claim, work, signal);
    if (finding.kind === 'false') {
      await this.#askReferee(finding);
      // A proof that is forgotten is made anew, with another salt.
      if (finding.evidence.kind === 'batch') work.finding = undefined;
      await this.#pursuits.keep({ ...pursuit, where: finding.where, proof: proofOf(finding).data, answer: answerOf(finding) });
      return true;
    }
    if (finding.kind === 'assert') return this.#assert(claim, pursuit, finding, work, signal);
    if (finding.kind !== 'demand') {
      await this.drop(pursuit);
      return false;
    }
    if (isAnswered(finding, this.disputeOf(claimId))) throw noProgress(finding.where);
    const { demands } = this.disputeOf(claimId);
    const places = asDemanded(finding.places, demands).filter((place) => !pursuit.demanded.some((one) => samePlace(one, place)));
    for (let from = 0; from < places.length; from += MOST_AT_ONCE) {
      const part = places.slice(from, from + MOST_AT_ONCE);
      // What somebody else has demanded serves both.
      const mine = part.filter((place) => !demands.some((one) => samePlace(one.place, place)));
      if (mine.length) await this.#send(work, (options) => mine[0]!.depth === FILE
        ? demandFile(connection, wallet.require(), claimId, options)
        : demandPlaces(connection, wallet.require(), claimId, mine, { ...options, commitment: this.#commitment(claimId, finding, mine) }));
      const before = this.pursuitOf(claimId) ?? pursuit;
      await this.#pursuits.keep({ ...before, where: finding.where, demanded: [...before.demanded, ...part], answer: answerOf(finding) });
    }
    return true;
  }

  /** What is right in place of the first leaves that are false: committed to, and asserted in a later block. */
  async #assert(claim: ClaimRecord, pursuit: Pursuit, finding: Extract<Finding, { kind: 'assert' }>, work: ClaimWork, signal: AbortSignal): Promise<true> {
    const { chain, wallet } = this.#session;
    const { connection } = chain;
    const { of, ownRoot, assertion, where } = finding;
    const { claimId } = claim;
    const opening = openingOf(of);
    const answer = Number(opening.index);
    const begun: Pursuit = { ...pursuit, where, answer, asserts: true };
    const there = sameAsserted(this.disputeOf(claimId), { ...finding, answer });
    if (there) {
      await this.#pursuits.keep({ ...begun, demanded: [...pursuit.demanded, there.place] });
      return true;
    }
    const committedIn = await rootCommittedIn(connection, pursuit.account, claimId, answer, ownRoot);
    if (committedIn === undefined) {
      const { gasPaid } = await this.#send(work, (options) => commitRoot(connection, wallet.require(), claimId, answer, ownRoot, options));
      await this.#pursuits.keep({ ...begun, gas: add(pursuit.gas, gasPaid) });
    } else if ((chain.block ?? 0n) <= committedIn) {
      await this.#nextBlock(work, 'Waiting for the next block: an assertion comes after its commitment.', signal);
    } else {
      const { place, gasPaid } = await this.#send(work, (options) => assertLeaves(connection, wallet.require(), claimId, opening, assertion, options));
      await this.#pursuits.keep({ ...begun, gas: add(pursuit.gas, gasPaid), demanded: [...pursuit.demanded, place] });
    }
    return true;
  }

  /** To the own trace, which an assertion at the end of a search needs; undefined where it is not known yet, or has to be made by itself. */
  #commitment(claimId: bigint, { ownRoot }: Extract<Finding, { kind: 'demand' }>, [first]: readonly Place[]): Hex | undefined {
    return ownRoot && first?.levels && rootCommitment(this.#session.wallet.require().address, claimId, first.answer, ownRoot);
  }

  async #inspect(claim: ClaimRecord, work: ClaimWork, signal: AbortSignal): Promise<Finding> {
    work.phase = 'checking';
    work.error = undefined;
    work.finding = undefined;
    work.right = 0;
    try {
      await this.#look();
      const finding = await this.#check.run(claim, {
        signal, onProgress: (at) => (work.progress = at), onRight: (count) => (work.right = count), first: this.pursuitOf(claim.claimId)?.answer,
      });
      work.finding = finding;
      work.phase = 'checked';
      return finding;
    } catch (error) {
      work.error = toWire(error);
      work.phase = work.error.code === 'cancelled' ? 'idle' : 'failed';
      if (work.error.code === 'cancelled') work.error = undefined;
      throw error;
    }
  }

  /** Throws `dispute/not-judged-false`, and the referee's own errors. */
  async #askReferee({ of, evidence, where }: Extract<Finding, { kind: 'false' }>): Promise<void> {
    if (!of) return;
    const { chain } = this.#session;
    const { adapter } = chain.knownAdapter(String(of.adapterId))!;
    if (!(await asksAboutAnswer(chain.connection, adapter.programHash, of.claimId, openingOf(of), evidence))) throw notJudged(where);
  }

  /** One transaction, shown. Throws what it failed with. */
  #send<T>(work: ClaimWork, send: (options: SendOptions) => Promise<T>): Promise<T> {
    return work.tx.send('of this claim', send);
  }

  async #nextBlock(work: ClaimWork, words: string, signal: AbortSignal): Promise<true> {
    work.waiting = words;
    await this.#pursuits.nextBlock(signal);
    work.waiting = '';
    return true;
  }

  /** One after another: a reading that began before a transaction does not know of it. */
  #look(): Promise<void> {
    return (this.#looking = this.#looking.then(() => this.#lookNow()));
  }

  async #lookNow(): Promise<void> {
    try {
      const { chain } = this.#session;
      const [terms] = await Promise.all([chain.terms.once(), chain.feed.refresh()]);
      if (terms) this.#disputes = disputesOf(disputeEvents(chain.feed), terms.proveTime);
    } catch {
      // The status line says that the chain cannot be reached.
    }
  }

  #workFor(claimId: bigint): ClaimWork {
    let work = this.#work.get(claimId);
    if (!work) this.#work.set(claimId, (work = new ClaimWork()));
    return work;
  }
}

const add = (a: string, b: bigint) => String(BigInt(a) + b);

function noProgress(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'dispute/no-progress', what: 'What was shown does not lead to a proof.', why, next: 'Check the claim again; if it stays, it needs the watcher: npm run serve -- watch' });
}

/** Which answer of its claim a finding is about; undefined where it is about several. */
function answerOf(finding: Challengeable): number | undefined {
  if (finding.kind !== 'demand') return finding.of && Number(openingOf(finding.of).index);
  if (finding.places.some(({ depth }) => depth === FILE)) return undefined;
  const answers = new Set(finding.places.map(({ answer }) => answer));
  return answers.size === 1 ? finding.places[0]!.answer : undefined;
}

const proofOf = (finding: Extract<Finding, { kind: 'false' }>): ProofCall =>
  finding.of ? evidenceProof(finding.of.claimId, openingOf(finding.of), finding.evidence) : finding.evidence.proof;
