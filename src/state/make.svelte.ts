import type { Datanet, DatanetVersion } from '../chain/list-datanets.ts';
import { registerAdapter } from '../chain/register-adapter.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import { DEFAULT_RECIPE, type TrainRecipe, stepCount } from '../workers/engine.api.ts';
import type { DatanetVersionFile, VersionRecord } from '../protocol/record.ts';
import { type RunFile, parseRunFile } from '../protocol/run.ts';
import type { LoadProgress, TrainStep, Trained } from '../workers/engine.api.ts';
import { dropKept, keep, readKept } from './local-database.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import { VersionFiles } from './version-files.ts';

/** What a person may change of a recipe; the rest follows. */
export type Settings = Pick<TrainRecipe, 'rank' | 'rate' | 'epochs' | 'batch' | 'seed'>;

export const DEFAULT_SETTINGS: Settings = {
  rank: DEFAULT_RECIPE.rank,
  rate: DEFAULT_RECIPE.rate,
  epochs: DEFAULT_RECIPE.epochs,
  batch: DEFAULT_RECIPE.batch,
  seed: DEFAULT_RECIPE.seed,
};

export const SETTING_BOUNDS: Record<keyof Settings, { least: number; most: number; whole: boolean }> = {
  rank: { least: 1, most: 64, whole: true },
  rate: { least: 1e-6, most: 0.1, whole: false },
  epochs: { least: 1, most: 500, whole: true },
  batch: { least: 1, most: 256, whole: true },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true },
};

/** A question about the records, answered without and with the new adapter. */
export interface Comparison {
  question: string;
  /** What the record says; undefined for a question of one's own. */
  expected: string | undefined;
  state: 'waiting' | 'working' | 'done' | 'failed';
  before: string;
  after: string;
  error?: WireError;
}

/** An adapter that is in IPFS and not on the chain yet; kept on this device until it is. */
export interface Unregistered {
  cid: string;
  run: RunFile;
  datanetId: string;
  version: number;
  name: string;
}

type Phase = 'choose' | 'training' | 'trained' | 'published' | 'failed';

/** One training run at a time: choose, train, compare, publish. It goes on while other pages are shown. */
export class MakeState {
  datanetId = $state<bigint | undefined>(undefined);
  versionNumber = $state<number | undefined>(undefined);
  settings = $state<Settings>({ ...DEFAULT_SETTINGS });
  phase = $state<Phase>('choose');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  last = $state.raw<TrainStep | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  cancelling = $state(false);
  trained = $state.raw<Trained | undefined>(undefined);
  comparisons = $state<Comparison[]>([]);
  /** What is trained on; another choice on the page does not change it. */
  subject = $state.raw<{ datanet: Datanet; version: DatanetVersion; file: DatanetVersionFile; settings: Settings } | undefined>(undefined);
  unregistered = $state.raw<Unregistered | undefined>(undefined);
  /** The adapter's id on chain, once it has one. */
  adapterId = $state<bigint | undefined>(undefined);
  /** Settings of a run that ended with a reload of this tab. */
  interrupted = $state.raw<Settings | undefined>(undefined);
  readonly publishing = new Transaction();

  /** Loss of each step so far; grows in place, `last` tells that it did. */
  readonly curve: { step: number; loss: number }[] = [];
  #session: Session;
  #stop: AbortController | undefined;
  #files = new Map<string, Loadable<DatanetVersionFile>>();

  constructor(session: Session) {
    this.#session = session;
    this.interrupted = readInterrupted();
    void this.#restoreUnregistered();
  }

  get datanet(): Datanet | undefined {
    const all = this.#session.chain.datanets.value?.filter(({ versions }) => versions.length > 0);
    return all?.find(({ id }) => id === this.datanetId) ?? all?.[0];
  }

  get version(): DatanetVersion | undefined {
    return this.datanet?.versions.find(({ version }) => version === this.versionNumber) ?? this.datanet?.versions.at(-1);
  }

  choose(datanetId: bigint, version?: number): void {
    this.datanetId = datanetId;
    this.versionNumber = version;
  }

  /** Records of the chosen version. */
  file(version: DatanetVersion): Loadable<DatanetVersionFile> {
    let file = this.#files.get(version.root);
    if (!file) {
      file = new Loadable(() => this.#session.part(VersionFiles).read(version));
      this.#files.set(version.root, file);
      // Not at once: this may be called while something is derived, where no state may change.
      queueMicrotask(() => void file!.load());
    }
    return file;
  }

  /** What is wrong with a setting; undefined where nothing is. */
  problemOf(name: keyof Settings): string | undefined {
    const { least, most, whole } = SETTING_BOUNDS[name];
    const value = this.settings[name];
    if (typeof value !== 'number' || !Number.isFinite(value)) return 'A number is needed.';
    if (whole && !Number.isInteger(value)) return 'A whole number is needed.';
    return value < least || value > most ? `It has to be from ${least} to ${most}.` : undefined;
  }

  get valid(): boolean {
    return (Object.keys(SETTING_BOUNDS) as (keyof Settings)[]).every((name) => !this.problemOf(name));
  }

  /** Steps of a run over n records with the chosen settings. */
  steps(records: number): number {
    return stepCount(recipeOf(this.settings), records);
  }

  async start(): Promise<void> {
    const { datanet, version } = this;
    if (!datanet || !version || !this.valid || this.phase === 'training' || this.unregistered) return;
    await this.discard();
    const stop = (this.#stop = new AbortController());
    const settings = { ...this.settings };
    this.phase = 'training';
    this.interrupted = undefined;
    markRunning(settings);
    addEventListener('beforeunload', warn);
    try {
      const file = await this.#session.part(VersionFiles).read(version);
      this.subject = { datanet, version, file, settings };
      const records = file.records.map(({ text, questions }) => ({ text, questions }));
      this.trained = await this.#session.engine.job(
        (api, job) =>
          api.train(
            job,
            { name: datanet.name, records, recipe: recipeOf(settings) },
            (step) => {
              this.progress = undefined;
              this.curve.push({ step: step.step, loss: step.loss });
              this.last = step;
            },
            (progress) => (this.progress = progress),
          ),
        stop.signal,
      );
      this.phase = 'trained';
      this.comparisons = pickQuestions(file.records).map(({ question, answer }) => waiting(question, answer));
      void this.#compare();
    } catch (error) {
      const wire = toWire(error);
      this.error = wire.code === 'cancelled' ? undefined : wire;
      this.phase = wire.code === 'cancelled' ? 'choose' : 'failed';
      removeEventListener('beforeunload', warn);
    } finally {
      this.cancelling = false;
      this.progress = undefined;
      markRunning(undefined);
    }
  }

  cancel(): void {
    this.cancelling = true;
    this.#stop?.abort();
  }

  /** A question of one's own, answered before and after. */
  async askAlso(question: string): Promise<void> {
    this.comparisons.push(waiting(question, undefined));
    await this.#compare();
  }

  /** Adapter into IPFS, then onto the chain. What was done stays done when a later part fails: pressing again goes on. */
  async publish(name: string, rateIn: bigint, rateOut: bigint): Promise<void> {
    const done = await this.publishing.run(async (options) => {
      const wallet = this.#session.wallet.require();
      if (!this.unregistered) {
        const { trained, subject } = this;
        if (!trained || !subject) throw nothingToPublish();
        const { cid, run } = await this.#session.engine.job((api) => api.publishTrained(trained.trained));
        this.unregistered = { cid, run, name, datanetId: String(subject.datanet.id), version: subject.version.version };
        await keep(this.#key, JSON.stringify(this.unregistered));
      }
      const { cid, run, datanetId, version } = this.unregistered;
      return registerAdapter(
        this.#session.chain.connection,
        wallet,
        {
          datanetId: BigInt(datanetId),
          version,
          cid,
          name,
          rateIn,
          rateOut,
          baseRoot: run.base.root,
          adapterRoot: run.adapter.root,
          gradientsRoot: run.ledger.gradientsRoot,
          gramRoot: run.ledger.gramRoot,
        },
        options,
      );
    });
    if (!done) return;
    this.adapterId = done.adapterId;
    this.phase = 'published';
    this.unregistered = undefined;
    removeEventListener('beforeunload', warn);
    await dropKept(this.#key);
    await this.#session.chain.adapters.load();
  }

  /** Back to the choice; an adapter that was not published is dropped. */
  async discard(): Promise<void> {
    const { trained } = this;
    if (this.unregistered) {
      this.unregistered = undefined;
      await dropKept(this.#key);
    }
    this.trained = undefined;
    this.adapterId = undefined;
    this.subject = undefined;
    this.last = undefined;
    this.error = undefined;
    this.comparisons = [];
    this.curve.length = 0;
    this.publishing.reset();
    this.phase = 'choose';
    removeEventListener('beforeunload', warn);
    if (!trained) return;
    const drop = this.#session.engine.job(async (api) => {
      await api.discardTrained(trained.trained);
      return { ok: true, value: undefined };
    });
    // A worker that died holds nothing any more.
    await drop.catch(() => {});
  }

  async #compare(): Promise<void> {
    const { trained } = this;
    for (const comparison of this.comparisons) {
      if (!trained || this.trained !== trained) return;
      if (comparison.state !== 'waiting') continue;
      comparison.state = 'working';
      try {
        const answers = await this.#session.engine.job((api, job) => api.askTrained(job, trained.trained, comparison.question));
        Object.assign(comparison, answers, { state: 'done' });
      } catch (error) {
        comparison.error = toWire(error);
        comparison.state = 'failed';
      }
    }
  }

  get #key(): string {
    const { connection } = this.#session.chain;
    return `unregistered:${connection.chain.id}:${connection.contracts.adapterRegistry}`;
  }

  async #restoreUnregistered(): Promise<void> {
    const kept = await readKept(this.#key);
    if (typeof kept !== 'string' || this.phase !== 'choose') return;
    try {
      const found = JSON.parse(kept) as Unregistered;
      parseRunFile(found.run);
      this.unregistered = found;
    } catch {
      // Kept by another version of this page.
    }
  }
}

/** Alpha follows the rank, so that a change of rank does not change the size of the steps. */
function recipeOf(settings: Settings): TrainRecipe {
  return { ...DEFAULT_RECIPE, ...settings, alpha: 2 * settings.rank };
}

/** Three questions from records far apart. */
function pickQuestions(records: readonly VersionRecord[]): { question: string; answer: string }[] {
  const asking = records.filter(({ questions }) => questions.length > 0);
  const places = [0, Math.floor(asking.length / 2), asking.length - 1];
  return [...new Set(places)].flatMap((place) => asking[place]?.questions[0] ?? []);
}

function waiting(question: string, expected: string | undefined): Comparison {
  return { question, expected, state: 'waiting', before: '', after: '' };
}

function nothingToPublish(): OpenLedgerError {
  return new OpenLedgerError({ code: 'make/nothing-trained', what: 'There is no trained adapter to publish.', next: 'Train one first.' });
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** In sessionStorage: it is this tab that was reloaded, whatever other tabs do. */
const RUNNING = 'openledger:training';

function markRunning(settings: Settings | undefined): void {
  try {
    if (settings) sessionStorage.setItem(RUNNING, JSON.stringify(settings));
    else sessionStorage.removeItem(RUNNING);
  } catch {
    // Storage is blocked: an interrupted run is just not mentioned.
  }
}

function readInterrupted(): Settings | undefined {
  try {
    const kept = sessionStorage.getItem(RUNNING);
    sessionStorage.removeItem(RUNNING);
    const settings = kept ? (JSON.parse(kept) as Settings) : undefined;
    return settings && Object.values(settings).every(Number.isFinite) ? { ...DEFAULT_SETTINGS, ...settings } : undefined;
  } catch {
    return undefined;
  }
}
