import type { CID } from 'multiformats/cid';
import { throwIfAborted } from '../errors.ts';
import { PROFILE } from './unixfs-profile.ts';

export interface FolderFile {
  name: string;
  /** In order; read once. */
  chunks: () => AsyncIterable<Uint8Array>;
}

/**
 * The CID that a folder of these files has, whatever its size: the content streams through the importer, and no block
 * is kept. The same as ContentStore.addDirectory gives for the same files. Throws `cancelled` and what reading
 * throws.
 */
export async function folderCid(files: readonly FolderFile[], options: { signal?: AbortSignal | undefined; onBytes?: (bytes: number) => void } = {}): Promise<string> {
  const { unixfs } = await import('@helia/unixfs');
  // The importer builds a folder from leaves to root and reads nothing back, so no block need be kept.
  const blockstore = {
    get: (cid: CID) => {
      throw new RangeError(`the importer read ${cid}, which is not kept`);
    },
    put: (cid: CID) => cid,
    has: () => false,
  };
  const fs = unixfs({ blockstore } as unknown as Parameters<typeof unixfs>[0]);
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      throwIfAborted(options.signal);
      yield chunk;
      options.onBytes?.(chunk.length);
    }
  };
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (sorted.length === 0) return (await fs.addDirectory({}, PROFILE)).toString();
  let root: CID | undefined;
  for await (const entry of fs.addAll(sorted.map(({ name, chunks }) => ({ path: name, content: counted(chunks()) })), { ...PROFILE, wrapWithDirectory: true })) root = entry.cid;
  return root!.toString();
}
