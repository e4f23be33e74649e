import { standRun, vouchRun } from '../chain/vouch-run.ts';
import { leastRunBond } from '../chain/read-run.ts';
import type { EventFeed } from '../chain/events.ts';
import { type WireError, toWire } from '../errors.ts';
import type { Answered, EngineApi, LoadProgress } from '../workers/engine.api.ts';
import type { RegisteredRun, RunFinding, VouchedRun } from '../workers/runs.api.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import { EngineState } from './engine.svelte.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';

/** What the owner of an adapter has said on chain about how it was made. */
export interface Statement extends VouchedRun {
  maker: string;
  bond: bigint;
  /** End of the window, Unix seconds. */
  deadline: number;
  state: 'open' | 'refuted' | 'stands';
  /** Who showed it to be false. */
  challenger?: string;
}

/** What this machine does about one adapter's run. */
export class RunWork {
  phase = $state<'idle' | 'making' | 'checking'>('idle');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  finding = $state.raw<RunFinding | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  readonly tx = new Transaction();
  stop: AbortController | undefined;
}

/** Statements about runs, and this machine's work on them: vouching, checking, taking the bond back. */
export class RunsState {
  readonly statements: Loadable<Map<bigint, Statement>>;
  /** Least bond of a statement, wei. */
  readonly bond: Loadable<bigint>;
  #work = new Map<bigint, RunWork>();
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
    const { connection, feed } = session.chain;
    this.statements = new Loadable(async () => {
      await feed.refresh();
      return statementsOf(feed.runs());
    });
    this.bond = new Loadable(() => leastRunBond(connection));
  }

  /** Keeps the statements as new as the chain until the returned function is called. */
  watch(): () => void {
    void this.statements.load();
    void this.bond.once();
    return this.#session.chain.onBlock(() => void this.statements.load());
  }

  /** Undefined where nobody has vouched, and before the chain was read. */
  of(adapterId: bigint): Statement | undefined {
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

  /** Makes the run again, publishes the roots of its units, and vouches for them with the bond. */
  async vouch(item: KnownAdapter): Promise<boolean> {
    const { connection } = this.#session.chain;
    const adapterId = item.adapter.id;
    const made = await this.#compute(item, 'making', (engine, job, run, onProgress) => engine.makeRunStatement(job, run, onProgress));
    if (!made) return false;
    const done = await this.workOf(adapterId).tx.run((options) => vouchRun(connection, this.#session.wallet.require(), { adapterId, ...made }, options));
    await this.statements.load();
    return done !== undefined;
  }

  /** Makes the run again and says whether it is what was vouched for. */
  async check(item: KnownAdapter): Promise<void> {
    const statement = this.of(item.adapter.id);
    if (!statement) return;
    const { planRoot, outputsRoot, units, cid } = statement;
    const work = this.workOf(item.adapter.id);
    work.finding = undefined;
    work.finding = await this.#compute(item, 'checking', (engine, job, run, onProgress) => engine.checkRun(job, run, { planRoot, outputsRoot, units, cid }, onProgress));
  }

  /** After the window: the bond goes back to whoever vouched. */
  async stand(adapterId: bigint): Promise<void> {
    const { connection } = this.#session.chain;
    await this.workOf(adapterId).tx.run((options) => standRun(connection, this.#session.wallet.require(), adapterId, options));
    await this.statements.load();
  }

  async #compute<T>(item: KnownAdapter, phase: 'making' | 'checking', call: (api: EngineApi, job: string, run: RegisteredRun, onProgress: (progress: LoadProgress) => void) => Promise<Answered<T>>): Promise<T | undefined> {
    const work = this.workOf(item.adapter.id);
    if (work.phase !== 'idle') return undefined;
    work.phase = phase;
    work.error = undefined;
    const progress = EngineState.until<LoadProgress>((at) => (work.progress = at));
    work.stop = new AbortController();
    const { adapterRoot, checkpointsRoot } = item.adapter;
    try {
      return await this.#session.engine.job((api, job) => call(api, job, { adapter: item.ref, adapterRoot, checkpointsRoot }, progress.listen), work.stop.signal);
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

/** The newest state of every statement. */
function statementsOf(events: ReturnType<EventFeed['runs']>): Map<bigint, Statement> {
  const all = new Map<bigint, Statement>();
  for (const { eventName, args } of events) {
    if (eventName === 'Vouched') {
      const { adapterId, deadline, ...rest } = args;
      all.set(adapterId, { ...rest, deadline: Number(deadline), state: 'open' });
    } else if (eventName === 'Stood' || eventName === 'RunRefuted') {
      const before = all.get(args.adapterId);
      if (before) all.set(args.adapterId, { ...before, state: eventName === 'Stood' ? 'stands' : 'refuted', ...(eventName === 'RunRefuted' && { challenger: args.challenger }) });
    }
  }
  return all;
}
