import type { DatanetRecord, DatanetVersionFile } from '../protocol/record.ts';
import { MOST_COMPARED, plainRecords } from './copies.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';

const MOST_KEPT = 12;

/** Which records of a Datanet version are copies of earlier ones, found by the worker as training finds them. */
export class VersionCopies {
  #session: Session;
  #kept = new Map<string, Loadable<number[]>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** For each record the first one that it is a copy of; undefined where a version is too large to be compared unasked. */
  of(root: string, file: DatanetVersionFile): Loadable<number[]> | undefined {
    if (file.records.length > MOST_COMPARED) return undefined;
    let found = this.#kept.get(root);
    if (!found) {
      found = new Loadable(() => this.compare(file.records));
      this.#kept.set(root, found);
      for (const old of this.#kept.keys()) {
        if (this.#kept.size <= MOST_KEPT) break;
        this.#kept.delete(old);
      }
      // Not at once: this may be called while something is derived, where no state may change.
      queueMicrotask(() => void found!.load());
    }
    return found;
  }

  /** The same for any list of records. */
  compare(records: readonly DatanetRecord[]): Promise<number[]> {
    return this.#session.engine.job((api) => api.copies(plainRecords(records)));
  }
}
