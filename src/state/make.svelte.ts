import type { Datanet, DatanetVersion } from '../chain/list-datanets.ts';
import { registerAdapter } from '../chain/register-adapter.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { DatanetVersionFile, VersionRecord } from '../protocol/record.ts';
import { type RunFile, parseRunFile } from '../protocol/run.ts';
import { trainedRoot } from '../protocol/trained-records.ts';
import type { KeptRun, LoadProgress, LossPoint, TrainInput, TrainStep, Trained, TrainingPlan } from '../workers/engine.api.ts';
import { dropKept, keep, readKept } from './local-database.ts';
import { Loadable } from './loadable.svelte.ts';
import { DEFAULT_SETTINGS, type NumberSetting, type RunNote, type Settings, areValid, copySettings, parseRunNote, problemOf, recipeOf, stepsOf } from './make-settings.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';
import { VersionFiles } from './version-files.ts';

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

type Phase = 'choose' | 'training' | 'paused' | 'trained' | 'published' | 'failed';

/** What is trained on; another choice on the page does not change it. */
export interface Subject {
  datanet: Datanet;
  version: DatanetVersion;
  file: DatanetVersionFile;
  settings: Settings;
}

/** One training run at a time: choose, train, compare, publish. It goes on while other pages are shown. */
export class MakeState {
  datanetId = $state<bigint | undefined>(undefined);
  versionNumber = $state<number | undefined>(undefined);
  settings = $state<Settings>(copySettings(DEFAULT_SETTINGS));
  phase = $state<Phase>('choose');
  progress = $state.raw<LoadProgress | undefined>(undefined);
  last = $state.raw<TrainStep | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  /** What was asked of the run, until it has stopped. */
  stopping = $state<'pause' | 'cancel' | undefined>(undefined);
  trained = $state.raw<Trained | undefined>(undefined);
  comparisons = $state<Comparison[]>([]);
  subject = $state.raw<Subject | undefined>(undefined);
  unregistered = $state.raw<Unregistered | undefined>(undefined);
  /** The adapter's id on chain, once it has one. */
  adapterId = $state<bigint | undefined>(undefined);
  /** Runs on this network that were begun and neither published nor discarded. */
  kept = $state.raw<{ run: KeptRun; note: RunNote }[]>([]);
  /** What the run as it is set now would take of this device, or why it cannot be. */
  plan = $state.raw<{ value?: TrainingPlan; error?: WireError } | undefined>(undefined);
  readonly publishing = new Transaction();

  /** Loss of each step so far; grows in place, `last` tells that it did. */
  readonly curve: LossPoint[] = [];
  #session: Session;
  #stop: AbortController | undefined;
  #job: string | undefined;
  #planning: ReturnType<typeof setTimeout> | undefined;
  #files = new Map<string, Loadable<DatanetVersionFile>>();

  constructor(session: Session) {
    this.#session = session;
    void this.#restoreUnregistered();
    void this.loadKept();
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

  problemOf(name: NumberSetting | 'targets'): string | undefined {
    return problemOf(this.settings, name);
  }

  get valid(): boolean {
    return areValid(this.settings);
  }

  /** Steps of a run over n records with the chosen settings. */
  steps(records: number): number {
    return stepsOf(this.settings, records);
  }

  /** Whether the run holds records out: it shows how well the settings teach, and its adapter is of no version on chain. */
  get trial(): boolean {
    return (this.subject?.settings.heldOut ?? 0) > 0;
  }

  /** Counts what the chosen run would take; some time later, since settings are typed digit by digit. */
  lookAhead(file: DatanetVersionFile): void {
    clearTimeout(this.#planning);
    if (!this.valid) {
      this.plan = undefined;
      return;
    }
    const input = inputOf(file, this.settings);
    const planning = (this.#planning = setTimeout(() => void this.#plan(input, () => this.#planning === planning), 300));
  }

  async #plan(input: TrainInput, wanted: () => boolean): Promise<void> {
    let plan: MakeState['plan'];
    try {
      plan = { value: await this.#session.engine.job((api) => api.planTraining(input)) };
    } catch (error) {
      const wire = toWire(error);
      // What is wrong with the device or the network is said when it is used.
      plan = /^(train|ledger|record)\//.test(wire.code) ? { error: wire } : undefined;
    }
    if (wanted()) this.plan = plan;
  }

  async loadKept(): Promise<void> {
    try {
      const runs = await this.#session.engine.job((api) => api.keptRuns());
      this.kept = runs.flatMap((run) => {
        const note = parseRunNote(run.about);
        return note?.network === this.#network ? [{ run, note }] : [];
      });
      // Another tab has it, or this one's worker of before a reload is not quite gone.
      if (this.phase === 'choose' && this.kept.some(({ run }) => run.running)) setTimeout(() => void this.loadKept(), 3_000);
    } catch {
      // What keeps the model from being loaded is said where it is used.
    }
  }

  async start(): Promise<void> {
    const { datanet, version } = this;
    if (!datanet || !version || !this.valid || this.phase === 'training' || this.unregistered) return;
    await this.#train(datanet, version, copySettings(this.settings), undefined);
  }

  /** Goes on with a run that was paused, or that a closed tab or a lost device ended. */
  async goOn(id: string, note: RunNote): Promise<void> {
    if (this.phase === 'training' || this.unregistered) return;
    const datanet = (await this.#session.chain.datanets.once())?.find((one) => one.id === BigInt(note.datanetId));
    const version = datanet?.versions.find((one) => one.version === note.version);
    if (!datanet || !version) {
      this.error = toWire(new OpenLedgerError({ code: 'make/no-such-version', what: `The version that “${note.name}” was begun on is not there.`, why: 'The chain does not list it.', next: 'Wait for the chain, or discard the run.' }));
      this.phase = 'failed';
      return;
    }
    this.settings = copySettings(note.settings);
    this.choose(datanet.id, version.version);
    await this.#train(datanet, version, copySettings(note.settings), id);
  }

  /** The paused run goes on. */
  async resume(): Promise<void> {
    const { subject, last } = this;
    if (this.phase === 'paused' && subject) await this.#train(subject.datanet, subject.version, subject.settings, last?.run);
  }

  async #train(datanet: Datanet, version: DatanetVersion, settings: Settings, resume: string | undefined): Promise<void> {
    this.#reset();
    const stop = (this.#stop = new AbortController());
    this.phase = 'training';
    addEventListener('beforeunload', this.#leaving);
    document.addEventListener('visibilitychange', this.#hidden);
    try {
      const file = await this.#session.part(VersionFiles).read(version);
      this.subject = { datanet, version, file, settings };
      const note: RunNote = { network: this.#network, datanetId: String(datanet.id), version: version.version, name: datanet.name, settings };
      this.trained = await this.#session.engine.job((api, job) => {
        this.#job = job;
        return api.train(job, { ...inputOf(file, settings), name: datanet.name, keep: { about: note }, resume }, (step) => this.#took(step), (progress) => (this.progress = progress));
      }, stop.signal);
      this.phase = 'trained';
      const held = new Set(this.trained.heldOut);
      this.comparisons = pickQuestions(held.size ? file.records.filter((_, k) => held.has(k)) : file.records).map(({ question, answer }) => waiting(question, answer));
      void this.#compare();
    } catch (error) {
      await this.#ended(toWire(error));
    } finally {
      this.stopping = undefined;
      this.progress = undefined;
      this.#job = undefined;
      document.removeEventListener('visibilitychange', this.#hidden);
      // What is kept needs no warning; the adapter of a browser that keeps nothing does.
      if (this.phase !== 'trained' || this.last?.lasting) removeEventListener('beforeunload', this.#leaving);
      void this.loadKept();
    }
  }

  #took({ earlier, ...step }: TrainStep): void {
    this.progress = undefined;
    if (earlier) {
      this.curve.length = 0;
      this.curve.push(...earlier);
    } else {
      this.curve.push({ step: step.step, loss: step.loss, ...(step.heldOut === undefined ? {} : { heldOut: step.heldOut }) });
    }
    this.last = step;
  }

  async #ended(error: WireError): Promise<void> {
    if (error.code !== 'cancelled') {
      this.error = error;
      this.phase = 'failed';
    } else if (this.stopping === 'pause' && this.last) {
      this.phase = 'paused';
    } else {
      if (this.last) await this.#drop(this.last.run);
      this.#reset();
    }
  }

  /** Stops after the step under way; what was learned stays. */
  pause(): void {
    this.stopping = 'pause';
    this.#stop?.abort();
  }

  /** Stops after the step under way, and drops what was learned. */
  cancel(): void {
    this.stopping = 'cancel';
    this.#stop?.abort();
  }

  /** From a paused run back to the choice; the run stays in the list. */
  leave(): void {
    if (this.phase !== 'paused') return;
    this.#reset();
    void this.loadKept();
  }

  /** Drops a run of the list. */
  async discardKept(id: string): Promise<void> {
    await this.#drop(id);
    await this.loadKept();
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
        // Its files are in IPFS now.
        if (this.last) await this.#drop(this.last.run);
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
          checkpointsRoot: run.ledger.checkpointsRoot,
          ledgerRoot: run.ledger.root,
          programHash: run.ledger.program,
          trainedRoot: trainedRoot(run.datanet.clusters),
        },
        options,
      );
    });
    if (!done) return;
    this.adapterId = done.adapterId;
    this.phase = 'published';
    this.unregistered = undefined;
    removeEventListener('beforeunload', this.#leaving);
    await dropKept(this.#key);
    await this.#session.chain.adapters.load();
  }

  /** Back to the choice; a run or adapter that was not published is dropped. */
  async discard(): Promise<void> {
    if (this.unregistered) {
      this.unregistered = undefined;
      await dropKept(this.#key);
    }
    const { last, phase } = this;
    this.#reset();
    if (last && phase !== 'published') await this.#drop(last.run);
    await this.loadKept();
  }

  /** From a trial to the run that can be published, with the same settings. */
  async trainOnAll(): Promise<void> {
    await this.discard();
    this.settings.heldOut = 0;
    await this.start();
  }

  async #drop(run: string): Promise<void> {
    // Where the worker is gone, the run stays in the list and can be dropped from there.
    await this.#session.engine.job((api) => api.dropKeptRun(run)).catch(() => {});
  }

  #reset(): void {
    const { trained } = this;
    this.trained = undefined;
    this.adapterId = undefined;
    this.subject = undefined;
    this.last = undefined;
    this.error = undefined;
    this.comparisons = [];
    this.curve.length = 0;
    this.publishing.reset();
    this.phase = 'choose';
    removeEventListener('beforeunload', this.#leaving);
    if (!trained) return;
    const drop = this.#session.engine.job(async (api) => {
      await api.discardTrained(trained.trained);
      return { ok: true, value: undefined };
    });
    // A worker that died holds nothing any more.
    drop.catch(() => {});
  }

  /** Asks the worker to keep the run now: while the browser asks whether to leave, a step ends. */
  #keepNow(): void {
    const job = this.#job;
    if (!job || this.phase !== 'training') return;
    const kept = this.#session.engine.job(async (api) => {
      await api.keepTraining(job);
      return { ok: true, value: undefined };
    });
    kept.catch(() => {});
  }

  #leaving = (event: BeforeUnloadEvent): void => {
    this.#keepNow();
    event.preventDefault();
  };

  /** Phones end hidden tabs without a word. */
  #hidden = (): void => {
    if (document.visibilityState === 'hidden') this.#keepNow();
  };

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

  get #network(): string {
    const { connection } = this.#session.chain;
    return `${connection.chain.id}:${connection.contracts.adapterRegistry}`;
  }

  get #key(): string {
    return `unregistered:${this.#network}`;
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

function inputOf(file: DatanetVersionFile, settings: Settings): TrainInput {
  const records = file.records.map(({ text, questions }) => ({ text, questions }));
  return { name: file.name, records, recipe: recipeOf(settings), heldOut: settings.heldOut / 100 };
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
