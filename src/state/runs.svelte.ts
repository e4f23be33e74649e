import { takeBackRunDemand } from '../chain/demand-run.ts';
import { runEvents } from '../chain/game-events.ts';
import { type RunTerms, readRunTerms } from '../chain/read-run-terms.ts';
import { revealOfRun, showNoSuchPlaceOfRun } from '../chain/reveal-run.ts';
import { type RunDemand, type SeenRun, runsOf } from '../chain/run-facts.ts';
import { standRun, vouchRun } from '../chain/vouch-run.ts';
import { toWire } from '../errors.ts';
import type { Answered, EngineApi, LoadProgress } from '../workers/engine.api.ts';
import type { RegisteredRun, RunFinding, SearchTime, VouchedRun } from '../workers/runs.api.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import { EngineState } from './engine.svelte.ts';
import { Loadable } from './loadable.svelte.ts';
import { clockOf } from './runs-clock.ts';
import { RunWork } from './runs-work.svelte.ts';
import type { Session } from './session.svelte.ts';

type Call<T> = (api: EngineApi, job: string, run: RegisteredRun, onProgress: (progress: LoadProgress) => void) => Promise<Answered<T>>;

/** Statements about runs, and this machine's work on them: vouching, checking, showing what is demanded, taking the bond back. */
export class RunsState {
  readonly statements: Loadable<Map<bigint, SeenRun>>;
  readonly terms: Loadable<RunTerms>;
  /** Wei for a unit of gas now; undefined before it was read. */
  gasPrice = $state<bigint | undefined>(undefined);
  #work = new Map<bigint, RunWork>();
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
    const { connection, feed } = session.chain;
    this.statements = new Loadable(async () => {
      await feed.refresh();
      return new Map(runsOf(runEvents(feed)).map((run) => [run.adapterId, run]));
    });
    this.terms = new Loadable(() => readRunTerms(connection));
  }

  /** Keeps the statements as new as the chain until the returned function is called. */
  watch(): () => void {
    void this.statements.load();
    void this.terms.once();
    void this.#session.chain.connection.publicClient.getGasPrice().then((price) => (this.gasPrice = price), () => {});
    return this.#session.chain.onBlock(() => void this.statements.load());
  }

  /** Undefined where nobody has vouched, and before the chain was read. */
  of(adapterId: bigint): SeenRun | undefined {
    return this.statements.value?.get(adapterId);
  }

  workOf(adapterId: bigint): RunWork {
    const found = this.#work.get(adapterId);
    if (found) return found;
    const made = new RunWork();
    this.#work.set(adapterId, made);
    return made;
  }

  stop(adapterId: bigint): void {
    this.#work.get(adapterId)?.stop?.abort();
  }

  /** Makes the whole run again, and vouches for the roots of its units with the bond. Where posting them broke off, it goes on there. */
  async vouch(item: KnownAdapter): Promise<boolean> {
    const { connection } = this.#session.chain;
    const adapterId = item.adapter.id;
    const made = await this.#compute(item, 'making', (engine, job, run, onProgress) => engine.makeRunStatement(job, run, onProgress));
    if (!made) return false;
    const work = this.workOf(adapterId);
    const onPart = (part: number, parts: number) => (work.part = { part, parts });
    const done = await work.tx.run((options) => vouchRun(connection, this.#session.wallet.require(), { adapterId, ...made }, { ...options, onPart }));
    if (done) work.part = undefined;
    await this.statements.load();
    return done !== undefined;
  }

  /** Makes the run again and says whether it is what was vouched for. Undefined where that failed (said in `error`) or was stopped. */
  async check(item: KnownAdapter): Promise<RunFinding | undefined> {
    const statement = this.of(item.adapter.id);
    const work = this.workOf(item.adapter.id);
    if (!statement || work.phase !== 'idle') return undefined;
    const { traces, shown } = statement;
    const foundWith = shownText(statement);
    work.finding = undefined;
    const finding = await this.#compute(item, 'checking', async (engine, job, run, onProgress) =>
      engine.checkRun(job, run, vouchedOf(statement), { traces: [...traces], shown, left: await this.#left(statement) }, onProgress));
    work.foundWith = foundWith;
    return (work.finding = finding);
  }

  /** After the window: the bond goes back to whoever vouched. */
  async stand(adapterId: bigint): Promise<void> {
    const { connection } = this.#session.chain;
    await this.workOf(adapterId).tx.run((options) => standRun(connection, this.#session.wallet.require(), adapterId, options));
    await this.statements.load();
  }

  /** Shows what is demanded of the own statement, made again here; the demands' bonds are the owner's. */
  async reply(item: KnownAdapter, demands: readonly RunDemand[]): Promise<void> {
    const { id } = item.adapter;
    const statement = this.of(id);
    const work = this.workOf(id);
    if (!statement || work.phase !== 'idle' || work.replying) return;
    const { connection } = this.#session.chain;
    const places = demands.map(({ place }) => place);
    work.replying = true;
    try {
      const replies = await this.#compute(item, 'replying', (engine, job, run, onProgress) => engine.replyToRun(job, run, vouchedOf(statement), places, onProgress));
      if (!replies) return;
      const wallet = this.#session.wallet.require();
      for (const { opening, shape, replies: parts, missing } of replies) {
        for (const part of parts) await work.send((options) => revealOfRun(connection, wallet, id, opening, shape, part, options));
        for (const { place, matrix } of missing) await work.send((options) => showNoSuchPlaceOfRun(connection, wallet, id, opening, shape, matrix, place, options));
      }
    } catch (error) {
      if (work.tx.stage !== 'failed') work.error = toWire(error);
    } finally {
      work.replying = false;
      await this.statements.load();
      void this.#session.wallet.refresh();
    }
  }

  /** The bond of this account's own demand that a refuted statement left open. */
  async takeBack(adapterId: bigint, { place }: RunDemand): Promise<void> {
    const { connection } = this.#session.chain;
    await this.workOf(adapterId).tx.run((options) => takeBackRunDemand(connection, this.#session.wallet.require(), adapterId, place, options));
    await this.statements.load();
    void this.#session.wallet.refresh();
  }

  /** Time to demand more in; undefined where the chain does not tell. */
  async #left(statement: SeenRun): Promise<SearchTime | undefined> {
    const { chain } = this.#session;
    const [times, terms] = await Promise.all([this.terms.once(), chain.terms.once()]);
    if (!times || !terms) return undefined;
    return { seconds: clockOf(statement, { ...times, window: terms.window }).demandUntil - (chain.blockTime || chain.now), replyTime: times.replyTime };
  }

  async #compute<T>(item: KnownAdapter, phase: Exclude<RunWork['phase'], 'idle'>, call: Call<T>): Promise<T | undefined> {
    const work = this.workOf(item.adapter.id);
    if (work.phase !== 'idle') return undefined;
    work.phase = phase;
    work.error = undefined;
    const progress = EngineState.until<LoadProgress>((at) => (work.progress = at));
    // A challenge that goes on is stopped as a whole.
    if (!work.pursuing) work.stop = new AbortController();
    const { adapter: { baseRoot, adapterRoot, checkpointsRoot, ledgerRoot, programHash, trainedRoot }, version, ref } = item;
    const run: RegisteredRun = { adapter: ref, baseRoot, adapterRoot, checkpointsRoot, ledgerRoot, programHash, trainedRoot, versionRoot: version.root };
    try {
      return await this.#session.engine.job((api, job) => call(api, job, run, progress.listen), work.stop!.signal);
    } catch (error) {
      const wire = toWire(error);
      if (wire.code !== 'cancelled') work.error = wire;
      return undefined;
    } finally {
      progress.done();
      work.phase = 'idle';
      work.progress = undefined;
    }
  }
}

const vouchedOf = ({ planRoot, outputsRoot, units, list }: SeenRun): VouchedRun => ({ planRoot, outputsRoot, units, list });

/** Changes with everything that is shown. */
export const shownText = ({ traces, shown }: SeenRun) => `${traces.size} ${shown.length}`;
