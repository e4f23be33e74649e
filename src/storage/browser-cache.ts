import { IDBBlockstore } from 'blockstore-idb';
import { OpenLedgerError } from '../errors.ts';
import { type Blockstore, MemoryBlocks } from './block-store.ts';

export interface BrowserCache {
  cache: Blockstore;
  /** Whether blocks survive a reload. */
  persistent: boolean;
  /** Why not, when they do not. */
  problem?: OpenLedgerError;
  close(): Promise<void>;
}

/** IndexedDB where there is one that opens; memory otherwise (private windows, blocked storage). */
export async function openBrowserCache(name = 'openledger-blocks'): Promise<BrowserCache> {
  try {
    if (typeof indexedDB === 'undefined') throw new Error('this browser offers no IndexedDB');
    const cache = new IDBBlockstore(name);
    await cache.open();
    return { cache, persistent: true, close: () => cache.close() };
  } catch (cause) {
    const problem = new OpenLedgerError({
      code: 'storage/no-persistent-cache',
      what: 'Downloads cannot be kept on this device.',
      why: String(cause).slice(0, 200),
      next: 'They are kept until the page is closed; leave private browsing or allow site data to keep them.',
      cause,
    });
    return { cache: new MemoryBlocks(), persistent: false, problem, close: async () => {} };
  }
}
