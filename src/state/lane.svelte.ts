import { OpenLedgerError, type WireError, fromWire, toWire } from '../errors.ts';
import type { AdapterRef, AskOptions, LibraryAdapterRef, LoadProgress } from '../workers/engine.api.ts';
import type { FastAnswer, FastApi, FastStatus, LaneChoice } from '../workers/fast.api.ts';
import { EngineState } from './engine.svelte.ts';
import { readPreference, writePreference } from './preferences.ts';
import type { Session } from './session.svelte.ts';

export type LanePreference = 'auto' | 'exact' | 'fast';
type Adapter = AdapterRef | LibraryAdapterRef | undefined;

/** Below this many tokens a second an answer is slower than people read, and a second lane is worth looking for. */
const READING_SPEED = 30;

/**
 * Which lane writes answers: the exact one, or ONNX Runtime, whose text the exact one reads again. Nothing of ONNX
 * Runtime is fetched before it is measured or used.
 */
export class LaneState {
  preference = $state<LanePreference>('auto');
  /** Both lanes' speeds on this machine with this base. */
  choice = $state.raw<LaneChoice | undefined>(undefined);
  phase = $state<'closed' | 'opening' | 'measuring' | 'ready' | 'failed'>('closed');
  status = $state.raw<FastStatus | undefined>(undefined);
  progress = $state.raw<LoadProgress | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);

  #session: Session;
  #opening: Promise<{ api: FastApi }> | undefined;
  #measuring: Promise<void> | undefined;
  /** What base the open lane and the choice belong to. */
  #openedFor = '';
  #next = 1;

  constructor(session: Session) {
    this.#session = session;
    const kept = readPreference('lane');
    if (kept === 'exact' || kept === 'fast') this.preference = kept;
  }

  /** The lane that writes the next greedy answer. */
  get lane(): 'exact' | 'fast' {
    if (this.preference !== 'auto') return this.preference;
    return this.#known()?.lane ?? 'exact';
  }

  /** One sentence: which lane, and why. */
  get why(): string {
    if (this.preference === 'exact') return 'You chose the exact lane.';
    if (this.preference === 'fast') return 'You chose ONNX Runtime; the exact lane reads each answer again before it is attributed.';
    return this.#known()?.why ?? 'Not measured on this machine: the exact lane writes the answers. Both are measured when it is slower than reading.';
  }

  choose(preference: LanePreference): void {
    this.preference = preference;
    writePreference('lane', preference === 'auto' ? undefined : preference);
  }

  /** Measures both lanes, once for this machine and base unless asked again. Says what went wrong in `error` only. */
  measure(): Promise<void> {
    this.#measuring ??= this.#measureNow().finally(() => (this.#measuring = undefined));
    return this.#measuring;
  }

  /** After an exact answer: where that was slow and nobody chose, looks whether the other lane is faster. */
  noteSpeed(tokensPerSecond: number): void {
    if (this.preference === 'auto' && tokensPerSecond < READING_SPEED && !this.#known() && this.phase === 'closed') void this.measure();
  }

  /** Text from ONNX Runtime. Its tokens are to be confirmed by the exact lane. */
  async ask(adapter: Adapter, question: string, options: AskOptions, onText: (piece: string) => void, signal: AbortSignal, onProgress: (at: LoadProgress) => void): Promise<FastAnswer> {
    const { api } = await this.#open(onProgress);
    const job = `lane-${this.#next++}`;
    const cancel = () => void api.cancel(job);
    if (signal.aborted) throw new OpenLedgerError({ code: 'cancelled', what: 'Cancelled.' });
    signal.addEventListener('abort', cancel);
    try {
      return value(await api.ask(job, adapter, question, options, onText));
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  /** Gives the runtime's memory back. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.phase = 'closed';
    this.status = undefined;
    await opening?.then(({ api }) => api.close()).catch(() => {});
  }

  async #measureNow(): Promise<void> {
    this.error = undefined;
    const { engine } = this.#session;
    const question = 'What happened, and why?';
    try {
      const exact = await engine.job((api, job) => api.measure(job, question));
      const { api } = await this.#open((at) => (this.progress = at));
      this.phase = 'measuring';
      const fast = value(await api.measure(undefined, question));
      const { decideLane } = await import('../workers/fast.api.ts');
      this.choice = decideLane(exact, fast);
      writePreference(`lane-measured:${this.#key()}`, JSON.stringify(this.choice));
      this.phase = 'ready';
      if (this.lane === 'exact') await this.close();
    } catch (error) {
      this.error = toWire(error);
      this.phase = 'failed';
    } finally {
      this.progress = undefined;
    }
  }

  #known(): LaneChoice | undefined {
    if (this.choice && this.#openedFor === this.#key()) return this.choice;
    try {
      const kept = JSON.parse(readPreference(`lane-measured:${this.#key()}`) ?? 'null') as LaneChoice | null;
      return kept && (kept.lane === 'exact' || kept.lane === 'fast') && typeof kept.why === 'string' ? kept : undefined;
    } catch {
      return undefined;
    }
  }

  /** Speeds belong to a base, a format and a device. */
  #key(): string {
    const { engine } = this.#session;
    const { base, preference, status } = engine;
    return `${status?.base?.root.slice(0, 18) ?? base?.id ?? 'own'}:${base?.format ?? 'auto'}:${status?.kind ?? preference}`;
  }

  #open(onProgress: (at: LoadProgress) => void): Promise<{ api: FastApi }> {
    const key = this.#key();
    if (this.#opening && this.#openedFor === key) return this.#opening;
    const before = this.#opening ? this.close() : Promise.resolve();
    const opening = before.then(() => this.#openNow(onProgress));
    this.#opening = opening;
    this.#openedFor = key;
    opening.catch((error: unknown) => {
      if (this.#opening !== opening) return;
      this.#opening = undefined;
      this.phase = 'failed';
      this.error = toWire(error);
    });
    return opening;
  }

  async #openNow(onProgress: (at: LoadProgress) => void): Promise<{ api: FastApi }> {
    this.phase = 'opening';
    const { deployment, deploymentUrl, engine } = this.#session;
    const { connectFast } = await import('../workers/fast.client.ts');
    const api = connectFast((error) => {
      this.#opening = undefined;
      this.phase = 'failed';
      this.error = toWire(error);
    });
    const progress = EngineState.until<LoadProgress>(onProgress);
    const source = { gateways: deployment.gateways.map((url) => new URL(url, deploymentUrl).href), base: engine.base ?? deployment.base };
    try {
      this.status = value(await api.open(source, engine.preference === 'cpu' ? 'wasm' : 'auto', progress.listen));
    } finally {
      progress.done();
    }
    this.phase = 'ready';
    return { api };
  }
}

function value<T>(answered: { ok: true; value: T } | { ok: false; error: WireError }): T {
  if (answered.ok) return answered.value;
  throw fromWire(answered.error);
}
