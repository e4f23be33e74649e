import { samePlace } from '../chain/place.ts';
import { convictRunSilence, demandOfRun } from '../chain/demand-run.ts';
import { type RunProof, asksAboutRun, commitRunProof, readRunCommitment, runProof, sendRunProof } from '../chain/prove-run.ts';
import { isDemandedOfRun } from '../chain/read-run-terms.ts';
import type { RunDemand } from '../chain/run-facts.ts';
import { OpenLedgerError, toWire } from '../errors.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import type { Pursuit } from './disputes-kept.ts';
import { Pursuits, notJudged } from './pursuits.svelte.ts';
import type { RunWork } from './runs-work.svelte.ts';
import { RunsState, shownText } from './runs.svelte.ts';
import type { Session } from './session.svelte.ts';

/** This account's challenges of statements about runs: demand, wait, commit, prove. */
export class RunPursuits {
  /** By adapter. */
  readonly #pursuits: Pursuits;
  #session: Session;
  #runs: RunsState;

  constructor(session: Session) {
    this.#session = session;
    this.#runs = session.part(RunsState);
    this.#pursuits = new Pursuits(session, 'runs');
  }

  /** False where the browser keeps nothing: a challenge is then lost with the tab. */
  get lasting(): boolean {
    return this.#pursuits.lasting;
  }

  of(adapterId: bigint): Pursuit | undefined {
    return this.#pursuits.of(adapterId);
  }

  /** Reads what the connected account has begun in this browser. */
  read(): Promise<void> {
    return this.#pursuits.read();
  }

  /**
   * Takes a challenge as far as it goes. Goes on by itself from block to block; after a reload, or where a transaction failed, calling
   * it again goes on where it stopped.
   */
  async pursue(item: KnownAdapter): Promise<void> {
    const { id } = item.adapter;
    const work = this.#runs.workOf(id);
    if (work.pursuing || work.phase !== 'idle') return;
    work.pursuing = true;
    work.error = undefined;
    work.tx.reset();
    const { signal } = (work.stop = new AbortController());
    try {
      const account = this.#session.wallet.require().address;
      if (!this.of(id)) {
        const { finding } = work;
        if (finding?.kind !== 'false' && finding?.kind !== 'demand') return;
        await this.#pursuits.keep({ openledger: 'pursuit/1', claimId: String(id), account, where: finding.why, demanded: [], gas: '0' });
      }
      while (!signal.aborted && this.#session.wallet.address === account && (await this.#advance(item, work, signal)));
    } catch (error) {
      // What a transaction ran into stands with the transaction.
      if (work.tx.stage !== 'failed') work.error = toWire(error);
    } finally {
      work.waiting = '';
      work.pursuing = false;
      void this.#runs.statements.load();
      void this.#session.wallet.refresh();
    }
  }

  /** Forgets a challenge: what it spent is spent. */
  async drop(pursuit: Pursuit): Promise<void> {
    await this.#pursuits.drop(pursuit);
  }

  /** One step. Resolves to whether there is another. */
  async #advance(item: KnownAdapter, work: RunWork, signal: AbortSignal): Promise<boolean> {
    const { chain, wallet } = this.#session;
    const { connection } = chain;
    const { id } = item.adapter;
    const pursuit = this.of(id)!;
    await this.#runs.statements.load();
    const run = this.#runs.of(id);
    if (!run || run.state !== 'open') return false;
    if (pursuit.proof) return this.#prove(pursuit, work, signal);

    const asked = run.demands.find(({ state, demander }) => state === 'open' && demander.toLowerCase() === this.#pursuits.account);
    if (asked) return this.#wait(item, work, asked, signal);
    const finding = work.finding && work.foundWith === shownText(run) ? work.finding : await this.#runs.check(item);
    // Stopped, or said in work.error.
    if (!finding) return false;
    if (finding.kind === 'false') {
      if (!(await asksAboutRun(connection, run, item.adapter.programHash, finding.evidence))) throw notJudged(finding.why);
      await this.#pursuits.keep({ ...pursuit, where: finding.why, proof: runProof(id, finding.evidence).data });
      return true;
    }
    if (finding.kind !== 'demand') {
      await this.drop(pursuit);
      return false;
    }
    await this.#pursuits.keep({ ...pursuit, where: finding.why });
    const known = finding.places.flatMap((place) => run.demands.find((one) => samePlace(one.place, place)) ?? []);
    const waited = known.find(({ state }) => state === 'open');
    if (known.length < finding.places.length) {
      // What somebody else has demanded serves both.
      const wanted = finding.places.filter((place) => !known.some((one) => samePlace(one.place, place)));
      const there = await Promise.all(wanted.map((place) => isDemandedOfRun(connection, id, place)));
      const fresh = wanted.filter((_, k) => !there[k]);
      // Its block is not read yet.
      if (!fresh.length) return this.#nextBlock(work, 'Waiting for the next block.', signal);
      await work.send((options) => demandOfRun(connection, wallet.require(), id, fresh, options));
      return true;
    }
    // A demand of somebody else's: the reward is theirs, should it not be answered.
    if (waited) return this.#wait(item, work, waited, signal);
    throw new OpenLedgerError({ code: 'run/no-progress', what: 'What was shown does not lead to a proof.', why: finding.why, next: 'Check its training again; if it stays, it needs the watcher: npm run serve -- watch' });
  }

  /** For what was demanded; where it is not shown in time, the statement falls. */
  async #wait({ adapter: { id } }: KnownAdapter, work: RunWork, { due, place }: RunDemand, signal: AbortSignal): Promise<true> {
    const { chain, wallet } = this.#session;
    if (chain.blockTime <= due) return this.#nextBlock(work, 'Waiting for the owner to show what was demanded. This page goes on by itself while it is open.', signal);
    await work.send((options) => convictRunSilence(chain.connection, wallet.require(), id, place, options));
    return true;
  }

  /** As #advance, with a proof in hand. */
  async #prove(pursuit: Pursuit, work: RunWork, signal: AbortSignal): Promise<boolean> {
    const { chain, wallet } = this.#session;
    const { connection } = chain;
    const proof: RunProof = { adapterId: BigInt(pursuit.claimId), data: pursuit.proof! };
    // The chain knows best: a commitment may have been undone with its block.
    const { committedIn, proveBy } = await readRunCommitment(connection, wallet.require(), proof);
    if (proveBy === 0) {
      await work.send((options) => commitRunProof(connection, wallet.require(), proof, options));
      return true;
    }
    if (chain.blockTime > proveBy) return this.#pursuits.forgetProof(pursuit);
    if ((chain.block ?? 0n) <= committedIn) return this.#nextBlock(work, 'Waiting for the next block: a proof comes after its commitment.', signal);
    try {
      await work.send((options) => sendRunProof(connection, wallet.require(), proof, options));
    } catch (error) {
      const { code } = toWire(error);
      if (code === 'contract/not-committed' || code === 'contract/proof-too-late') return this.#pursuits.forgetProof(pursuit);
      throw error;
    }
    return false;
  }

  async #nextBlock(work: RunWork, words: string, signal: AbortSignal): Promise<true> {
    work.waiting = words;
    await this.#pursuits.nextBlock(signal);
    work.waiting = '';
    return true;
  }
}
