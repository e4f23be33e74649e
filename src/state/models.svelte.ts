import { toWire, type WireError } from '../errors.ts';
import type { BasePlan, LibraryItem, LibraryStorage, LoadProgress, ModelSource, WeightFormat } from '../workers/engine.api.ts';
import { EngineState } from './engine.svelte.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';

/** A download under way, or one that failed and can go on. */
export interface Download {
  source: ModelSource;
  label: string;
  progress: LoadProgress | undefined;
  error: WireError | undefined;
}

/** Models and adapters on this machine: fetched, listed, chosen, deleted. */
export class ModelsState {
  readonly library: Loadable<{ items: LibraryItem[]; storage: LibraryStorage }>;
  download = $state.raw<Download | undefined>(undefined);
  plan = $state.raw<{ id: string; format: WeightFormat; value?: BasePlan; error?: WireError } | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);

  #session: Session;
  #stop: AbortController | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.library = new Loadable(() => session.engine.job((api) => api.libraryList()));
  }

  get downloading(): boolean {
    return this.#stop !== undefined && this.download?.error === undefined;
  }

  get bases(): LibraryItem[] {
    return (this.library.value?.items ?? []).filter(({ kind }) => kind === 'base');
  }

  get adapters(): LibraryItem[] {
    return (this.library.value?.items ?? []).filter(({ kind }) => kind === 'adapter');
  }

  /** What a person typed: an address or a CID. Undefined where it is neither. */
  static sourceOf(text: string): ModelSource | undefined {
    const given = text.trim();
    if (/^https?:\/\/\S+$/i.test(given)) return { kind: 'url', url: given };
    const [, cid] = /^(?:ipfs:\/\/)?(b[a-z2-7]{20,120}|Qm[1-9A-HJ-NP-Za-km-z]{44})\/?$/.exec(given) ?? [];
    return cid ? { kind: 'cid', cid } : undefined;
  }

  async add(source: ModelSource): Promise<LibraryItem | undefined> {
    if (this.downloading) return undefined;
    const stop = new AbortController();
    this.#stop = stop;
    const label = source.kind === 'url' ? source.url : source.kind === 'cid' ? source.cid : source.name;
    this.download = { source, label, progress: undefined, error: undefined };
    const progress = EngineState.until<LoadProgress>((at) => this.download && (this.download = { ...this.download, progress: at }));
    try {
      const item = await this.#session.engine.job((api, job) => api.addToLibrary(job, source, progress.listen), stop.signal);
      this.download = undefined;
      this.#session.toasts.say(`${item.name} is on this machine.`, 'good');
      return item;
    } catch (error) {
      const wire = toWire(error);
      this.download = wire.code === 'cancelled' ? undefined : { source, label, progress: undefined, error: wire };
      return undefined;
    } finally {
      progress.done();
      this.#stop = undefined;
      void this.library.load();
    }
  }

  cancel(): void {
    this.#stop?.abort();
  }

  dismiss(): void {
    if (!this.downloading) this.download = undefined;
  }

  async remove(item: LibraryItem): Promise<void> {
    const { engine } = this.#session;
    this.error = undefined;
    try {
      if (engine.base?.id === item.id) await engine.chooseBase(undefined);
      await engine.job((api) => api.removeFromLibrary(item.id));
    } catch (error) {
      this.error = toWire(error);
    }
    await this.library.load();
  }

  /** Asks the browser not to delete what is stored here; it may ask the person. */
  async keep(): Promise<void> {
    const kept = (await navigator.storage?.persist?.().catch(() => false)) ?? false;
    if (!kept) this.#session.toasts.say('The browser did not promise it. It may delete models when space is short.');
    await this.library.load();
  }

  /** What a base would need in a format. */
  async look(id: string, format: WeightFormat): Promise<void> {
    this.plan = { id, format };
    try {
      const value = await this.#session.engine.job((api) => api.planBase({ id, format }));
      if (this.plan?.id === id && this.plan.format === format) this.plan = { id, format, value };
    } catch (error) {
      if (this.plan?.id === id && this.plan.format === format) this.plan = { id, format, error: toWire(error) };
    }
  }

  async use(id: string | undefined, format: WeightFormat = 'auto'): Promise<void> {
    await this.#session.engine.chooseBase(id === undefined ? undefined : { id, format });
  }
}
