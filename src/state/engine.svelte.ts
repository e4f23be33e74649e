import { OpenLedgerError, type WireError, fromWire, toWire } from '../errors.ts';
import type { Deployment } from '../protocol/deployment.ts';
import type { Answered, BaseChoice, EngineApi, EngineStatus, LoadProgress, WeightFormat } from '../workers/engine.api.ts';
import { readPreference, writePreference } from './preferences.ts';

export type EnginePreference = 'auto' | 'webgpu' | 'cpu';

/** Errors after which worker or device have to be opened anew. */
const GONE = new Set(['engine/worker-died', 'webgpu/device-lost']);

/** The model's worker: opened when first needed, opened anew after it died. */
export class EngineState {
  phase = $state<'closed' | 'opening' | 'ready' | 'failed'>('closed');
  status = $state.raw<EngineStatus | undefined>(undefined);
  progress = $state.raw<LoadProgress | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  preference = $state<EnginePreference>('auto');
  /** The base from this machine's library; undefined for the deployment's own. */
  base = $state.raw<BaseChoice | undefined>(undefined);
  /** Jobs under way. */
  running = $state(0);

  #deployment: Deployment;
  #url: string;
  /** In a box: the worker's proxy answers any name, so it must never be what a promise resolves to. */
  #opening: Promise<{ api: EngineApi }> | undefined;
  #api: EngineApi | undefined;
  #next = 1;

  constructor(deployment: Deployment, deploymentUrl: string) {
    this.#deployment = deployment;
    this.#url = deploymentUrl;
    const kept = readPreference('engine');
    if (kept === 'webgpu' || kept === 'cpu') this.preference = kept;
    this.base = parseBase(readPreference('base'));
    setInterval(() => void this.#look(), 3_000);
  }

  /** Opens backend and base once; calls that overlap share it. */
  #open(): Promise<{ api: EngineApi }> {
    if (this.#opening) return this.#opening;
    const opening = this.#openNow();
    this.#opening = opening;
    opening.catch((error: unknown) => {
      if (this.#opening === opening) this.#gone(toWire(error));
    });
    return opening;
  }

  /** Opens, and says what went wrong in `error` only. */
  async warm(): Promise<void> {
    await this.#open().catch(() => {});
  }

  async choose(preference: EnginePreference): Promise<void> {
    this.preference = preference;
    writePreference('engine', preference === 'auto' ? undefined : preference);
    if (this.phase !== 'closed') await this.restart();
  }

  /** Opens another base; `undefined` is the deployment's own. Resolves when it is there or has failed. */
  async chooseBase(base: BaseChoice | undefined): Promise<void> {
    this.base = base;
    writePreference('base', base && `${base.format}:${base.id}`);
    await this.restart();
  }

  async restart(): Promise<void> {
    this.#opening = undefined;
    this.status = undefined;
    await this.warm();
  }

  #gone(error: WireError): void {
    this.#opening = undefined;
    this.status = undefined;
    this.phase = 'failed';
    this.error = error;
  }

  /**
   * A callback for the worker that falls silent when `done` is called: callbacks travel on a channel of their own,
   * and the last ones can arrive after the result.
   */
  static until<T>(listen: (value: T) => void): { listen: (value: T) => void; done: () => void } {
    let live = true;
    return { listen: (value) => void (live && listen(value)), done: () => void (live = false) };
  }

  /**
   * Runs one long call of the worker: gives it an id, cancels it when `signal` aborts, turns an error as data into a
   * thrown OpenLedgerError. Where worker or device died it is opened anew at the next call.
   */
  async job<T>(work: (api: EngineApi, job: string) => Promise<Answered<T>>, signal?: AbortSignal): Promise<T> {
    const { api } = await this.#open();
    const job = `page-${this.#next++}`;
    const cancel = () => void api.cancel(job);
    if (signal?.aborted) throw new OpenLedgerError({ code: 'cancelled', what: 'Cancelled.' });
    signal?.addEventListener('abort', cancel);
    this.running++;
    try {
      const answered = await work(api, job);
      if (answered.ok) return answered.value;
      throw fromWire(answered.error);
    } catch (error) {
      if (error instanceof OpenLedgerError && GONE.has(error.code)) this.#gone(toWire(error));
      throw error;
    } finally {
      this.running--;
      signal?.removeEventListener('abort', cancel);
      void this.#look();
    }
  }

  async readJson(cid: string): Promise<unknown> {
    return this.job((api) => api.readJson(cid));
  }

  async #openNow(): Promise<{ api: EngineApi }> {
    this.phase = 'opening';
    this.error = undefined;
    this.progress = undefined;
    const { connectEngine } = await import('../workers/engine.client.ts');
    this.#api ??= connectEngine((error) => {
      this.#api = undefined;
      this.#gone(toWire(error));
    });
    const api = this.#api;
    const progress = EngineState.until<LoadProgress>((at) => (this.progress = at));
    const answered = await api.open(this.#deployment, this.#url, this.preference, this.base, progress.listen);
    progress.done();
    this.progress = undefined;
    if (!answered.ok) throw fromWire(answered.error);
    this.status = answered.value;
    this.phase = 'ready';
    return { api };
  }

  /** Memory and device change while it works. */
  async #look(): Promise<void> {
    if (this.phase !== 'ready' || document.visibilityState === 'hidden' || !this.#opening) return;
    try {
      const { api } = await this.#opening;
      const answered = await api.status();
      if (answered.ok && this.phase === 'ready') this.status = answered.value;
    } catch {
      // The next job says what is wrong.
    }
  }
}

const FORMATS: readonly string[] = ['auto', 'f32', 'f16', 'bf16', 'q8', 'q4'] satisfies WeightFormat[];

function parseBase(kept: string | undefined): BaseChoice | undefined {
  const [, format, id] = /^([a-z0-9]+):([\w.-]{1,200})$/.exec(kept ?? '') ?? [];
  return id && format && FORMATS.includes(format) ? { id, format: format as WeightFormat } : undefined;
}
