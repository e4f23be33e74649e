import { type ByteSource, type FolderEntry, type ModelFolder, checkedEnd, noSuchFile } from '../../protocol/model-folder.ts';
import type { Blockstore } from '../block-store.ts';
import { parseCid, shortCid } from '../cid.ts';
import { blockKey } from '../cid.ts';
import type { ContentStore } from '../content-store.ts';
import { badUnixfs } from '../unixfs-node.ts';
import { type ReadBlock, fileSize, streamFile } from './file-stream.ts';
import type { CID } from 'multiformats/cid';

/** What is needed of a ContentStore. */
export type BlockReader = Pick<ContentStore, 'readBlock' | 'readDirectory'>;

/**
 * The files of a folder by its CID, every block verified by its hash. Where models are to be copied into the library, give
 * a store whose cache is a RecentBlocks: otherwise all of it is kept twice.
 */
export function cidFolder(store: BlockReader, cid: string): ModelFolder {
  const root = parseCid(cid);
  const readBlock: ReadBlock = (block, signal) => store.readBlock(block.toString(), signal);
  const directory = async (signal?: AbortSignal) => store.readDirectory(root.toString(), undefined, { signal });
  const label = shortCid(root);
  return {
    label,
    version: root.toString(),
    list: async (signal) => {
      const files = await Promise.all([...(await directory(signal))].map(async ([name, entry]): Promise<FolderEntry | undefined> => {
        // Sizes in a folder are its writer's claims; the file's own root block says it.
        const size = await fileSize(readBlock, parseCid(entry.cid), signal);
        return size === undefined ? undefined : { name, size };
      }));
      return files.filter((entry) => entry !== undefined);
    },
    open: async (name, signal) => {
      const entry = (await directory(signal)).get(name);
      if (!entry) throw noSuchFile(label, name);
      const file = parseCid(entry.cid);
      const size = await fileSize(readBlock, file, signal);
      if (size === undefined) throw noSuchFile(label, name);
      return new CidFile(name, file, size, readBlock);
    },
  };
}

class CidFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #cid: CID;
  readonly #readBlock: ReadBlock;

  constructor(name: string, cid: CID, size: number, readBlock: ReadBlock) {
    this.name = name;
    this.#cid = cid;
    this.size = size;
    this.#readBlock = readBlock;
  }

  async read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
    const out = new Uint8Array(checkedEnd(this.name, this.size, from, to) - from);
    let filled = 0;
    for await (const piece of streamFile(this.#readBlock, this.#cid, from, to, signal)) {
      out.set(piece, filled);
      filled += piece.length;
    }
    if (filled !== out.length) throw badUnixfs(this.#cid, 'A part of it has another size than stated.');
    return out;
  }

  stream(from: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return streamFile(this.#readBlock, this.#cid, checkedEnd(this.name, this.size, 0, from), this.size, signal);
  }
}

/** A cache of the blocks used last, in memory: for content that is copied elsewhere while it is read. */
export class RecentBlocks implements Blockstore {
  readonly #blocks = new Map<string, Uint8Array>();
  readonly #most: number;
  #held = 0;

  /** `most`: bytes to hold. */
  constructor(most = 64 * 2 ** 20) {
    this.#most = most;
  }

  *get(cid: CID): Iterable<Uint8Array> {
    const bytes = this.#blocks.get(blockKey(cid));
    if (!bytes) throw new RangeError('no such block');
    // Least recently used comes first.
    this.#blocks.delete(blockKey(cid));
    this.#blocks.set(blockKey(cid), bytes);
    yield bytes;
  }

  put(cid: CID, bytes: Uint8Array): CID {
    this.delete(cid);
    this.#blocks.set(blockKey(cid), bytes);
    this.#held += bytes.length;
    for (const [key, block] of this.#blocks) {
      if (this.#held <= this.#most) break;
      this.#blocks.delete(key);
      this.#held -= block.length;
    }
    return cid;
  }

  has(cid: CID): boolean {
    return this.#blocks.has(blockKey(cid));
  }

  delete(cid: CID): void {
    this.#held -= this.#blocks.get(blockKey(cid))?.length ?? 0;
    this.#blocks.delete(blockKey(cid));
  }
}
