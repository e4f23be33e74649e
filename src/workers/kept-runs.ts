import type { TrainCheckpoint } from '../model/train.ts';
import type { KeptRun } from './engine.api.ts';

/** What stands in the list of runs; the checkpoint lies beside it, so that a list reads no numbers. */
export type KeptEntry = Omit<KeptRun, 'running' | 'lasting'>;

const NAME = 'openledger-runs';
const ENTRIES = 'entries';
const CHECKPOINTS = 'checkpoints';

/** Training runs of this machine that were begun and not published, in IndexedDB; in memory where that is refused or full. */
export class KeptRuns {
  readonly #memory = new Map<string, { entry: KeptEntry; checkpoint: TrainCheckpoint }>();
  #opening: Promise<IDBDatabase | undefined> | undefined;

  /** Newest first. `lasting`: whether it is there after the tab is closed. */
  async list(): Promise<(KeptEntry & { lasting: boolean })[]> {
    const stored = (await this.#run<KeptEntry[]>('readonly', (store) => store(ENTRIES).getAll())) ?? [];
    const all = [...stored.filter(({ id }) => !this.#memory.has(id)).map((entry) => ({ ...entry, lasting: true })), ...[...this.#memory.values()].map(({ entry }) => ({ ...entry, lasting: false }))];
    return all.sort((a, b) => b.at - a.at);
  }

  async read(id: string): Promise<{ entry: KeptEntry; checkpoint: TrainCheckpoint } | undefined> {
    const held = this.#memory.get(id);
    if (held) return held;
    const entry = await this.#run<KeptEntry | undefined>('readonly', (store) => store(ENTRIES).get(id));
    const checkpoint = await this.#run<TrainCheckpoint | undefined>('readonly', (store) => store(CHECKPOINTS).get(id));
    return entry && checkpoint && { entry, checkpoint };
  }

  /** Both parts or none; true where they outlast the tab. */
  async write(entry: KeptEntry, checkpoint: TrainCheckpoint): Promise<boolean> {
    const done = await this.#run('readwrite', (store) => {
      store(CHECKPOINTS).put(checkpoint, entry.id);
      return store(ENTRIES).put(entry, entry.id);
    });
    if (done === undefined) this.#memory.set(entry.id, { entry, checkpoint });
    else this.#memory.delete(entry.id);
    return done !== undefined;
  }

  async drop(id: string): Promise<void> {
    this.#memory.delete(id);
    await this.#run('readwrite', (store) => {
      store(CHECKPOINTS).delete(id);
      return store(ENTRIES).delete(id);
    });
  }

  #open(): Promise<IDBDatabase | undefined> {
    this.#opening ??= new Promise((resolve) => {
      try {
        const request = indexedDB.open(NAME, 1);
        request.onupgradeneeded = () => {
          for (const store of [ENTRIES, CHECKPOINTS]) request.result.createObjectStore(store);
        };
        request.onsuccess = () => {
          // Another tab with a newer version may upgrade: give way, and open again when next asked.
          request.result.onversionchange = () => {
            request.result.close();
            this.#opening = undefined;
          };
          resolve(request.result);
        };
        request.onerror = request.onblocked = () => resolve(undefined);
      } catch {
        // Storage is blocked: memory serves.
        resolve(undefined);
      }
    });
    return this.#opening;
  }

  /** The result of the last request, once all of the transaction is done; undefined where it failed. */
  async #run<T>(mode: IDBTransactionMode, work: (store: (name: string) => IDBObjectStore) => IDBRequest): Promise<T | undefined> {
    const database = await this.#open();
    if (!database) return undefined;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction([ENTRIES, CHECKPOINTS], mode);
        const request = work((name) => transaction.objectStore(name));
        // A deletion gives undefined, which does not tell it from a failure; nobody asks.
        transaction.oncomplete = () => resolve(request.result as T);
        transaction.onerror = transaction.onabort = () => resolve(undefined);
      } catch {
        resolve(undefined);
      }
    });
  }
}
