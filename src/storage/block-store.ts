import type { CID } from 'multiformats/cid';
import { OpenLedgerError } from '../errors.ts';
import { blockKey, verifyBlock } from './cid.ts';

/** What is needed of a place for blocks; blockstore-idb, blockstore-fs and MemoryBlocks fulfil it. */
export interface Blockstore {
  get(cid: CID): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  put(cid: CID, bytes: Uint8Array): Promise<CID> | CID;
  has(cid: CID): Promise<boolean> | boolean;
  delete(cid: CID): Promise<void> | void;
}

export class MemoryBlocks implements Blockstore {
  readonly #blocks = new Map<string, Uint8Array>();

  *get(cid: CID): Iterable<Uint8Array> {
    const bytes = this.#blocks.get(blockKey(cid));
    if (!bytes) throw new RangeError('no such block');
    yield bytes;
  }
  put(cid: CID, bytes: Uint8Array): CID {
    this.#blocks.set(blockKey(cid), bytes);
    return cid;
  }
  has(cid: CID): boolean {
    return this.#blocks.has(blockKey(cid));
  }
  delete(cid: CID): void {
    this.#blocks.delete(blockKey(cid));
  }
}

/**
 * The only door to a cache: nothing goes in or comes out whose hash was not checked. A cache that cannot
 * take a block (disk full, quota) is reported once and memory serves instead, so reading goes on.
 */
export class VerifyingStore {
  readonly #cache: Blockstore;
  readonly #overflow = new MemoryBlocks();
  readonly #writing = new Map<string, Promise<void>>();
  readonly #onProblem: (problem: OpenLedgerError) => void;
  readonly #mustPersist: boolean;
  #reported = false;

  constructor(cache: Blockstore, onProblem: (problem: OpenLedgerError) => void, mustPersist = false) {
    this.#cache = cache;
    this.#onProblem = onProblem;
    this.#mustPersist = mustPersist;
  }

  /** The block, or undefined where it is absent. A damaged block is removed and counts as absent. */
  async read(cid: CID): Promise<Uint8Array | undefined> {
    if (this.#overflow.has(cid)) return joined(this.#overflow.get(cid));
    let bytes: Uint8Array;
    try {
      if (!(await this.#cache.has(cid))) return undefined;
      bytes = await joined(this.#cache.get(cid));
    } catch {
      return undefined;
    }
    try {
      await verifyBlock(cid, bytes);
      return bytes;
    } catch {
      await Promise.resolve(this.#cache.delete(cid)).catch(() => undefined);
      return undefined;
    }
  }

  async has(cid: CID): Promise<boolean> {
    if (this.#overflow.has(cid)) return true;
    try {
      return await this.#cache.has(cid);
    } catch {
      return false;
    }
  }

  async put(cid: CID, bytes: Uint8Array): Promise<void> {
    await verifyBlock(cid, bytes);
    await this.keep(cid, bytes);
  }

  /** Stores a block that the caller has just verified. */
  keep(cid: CID, bytes: Uint8Array): Promise<void> {
    // Files with repeated parts write the same block many times at once; stores on disk trip over that.
    const key = blockKey(cid);
    let writing = this.#writing.get(key);
    if (!writing) {
      writing = this.#write(cid, bytes).finally(() => this.#writing.delete(key));
      this.#writing.set(key, writing);
    }
    return writing;
  }

  async #write(cid: CID, bytes: Uint8Array): Promise<void> {
    try {
      if (await this.#cache.has(cid)) return;
      await this.#cache.put(cid, bytes);
    } catch (cause) {
      if (this.#mustPersist) throw cacheProblem(cause, 'Free some space and try again.');
      this.#overflow.put(cid, bytes.slice());
      if (this.#reported) return;
      this.#reported = true;
      this.#onProblem(
        cacheProblem(cause, 'Work goes on from memory; free some space, or expect to download again next time.'),
      );
    }
  }
}

function cacheProblem(cause: unknown, next: string): OpenLedgerError {
  const text = String(cause);
  const full = /quota|ENOSPC|no space/i.test(text);
  return new OpenLedgerError({
    code: full ? 'storage/quota-exceeded' : 'storage/cache-unwritable',
    what: full ? 'The space for content is full.' : 'Content could not be kept.',
    why: text.slice(0, 200),
    next,
    cause,
  });
}

async function joined(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of source) {
    parts.push(part);
    size += part.length;
  }
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}
