import { FsBlockstore } from 'blockstore-fs';
import type { Blockstore } from './block-store.ts';
import { ContentStore, type ContentStoreOptions } from './content-store.ts';

/** Blocks as files in a folder, which is made where it is missing. */
export async function openFileCache(folder: string): Promise<Blockstore> {
  const store = new FsBlockstore(folder);
  await store.open();
  return store;
}

/** A content store on disk; without gateways it holds only what is put into it. */
export async function openFileStore(
  folder: string,
  options: Partial<Omit<ContentStoreOptions, 'cache'>> = {},
): Promise<ContentStore> {
  return new ContentStore({ gateways: [], ...options, cache: await openFileCache(folder) });
}
