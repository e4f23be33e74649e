import type { EventStore } from '../chain/event-store.ts';
import { dropKept, keep, readKept } from './local-database.ts';

/** Events that were read from the chain, kept in IndexedDB. */
export function browserEventStore(): EventStore {
  return {
    async get(key) {
      const value = await readKept(key);
      return typeof value === 'string' ? value : undefined;
    },
    set: async (key, value) => void (await keep(key, value)),
    delete: dropKept,
  };
}
