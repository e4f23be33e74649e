import type { CID } from 'multiformats/cid';
import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import type { VerifyingStore } from './block-store.ts';
import { blockKey, RAW } from './cid.ts';
import { tooLarge } from './errors.ts';
import { type Failure, type GatewaySource, unavailable } from './gateway-source.ts';
import { maxBlocksFor } from './limits.ts';
import { decodeNode, linksOf } from './unixfs-node.ts';

export type OnProgress = (bytesLoaded: number, bytesTotal: number | undefined) => void;

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  maxBytes: number;
}

interface Wanted {
  cid: CID;
  claimed: number;
}

/** Parallel requests for single blocks: enough to hide latency, few enough for public gateways. */
const PARALLEL = 4;

/**
 * Brings every block below `root` into the store: first what is cached, then one CAR request, then, for what
 * is still missing (a gateway without CAR, a transfer that broke off), single blocks with failover. Only blocks
 * that something already verified links to are kept, so a gateway cannot fill the cache with other things.
 */
export class DagFetch {
  readonly #store: VerifyingStore;
  readonly #source: GatewaySource;
  readonly #options: FetchOptions;
  readonly #seen = new Set<string>();
  readonly #missing = new Map<string, Wanted>();
  #loaded = 0;
  #total: number | undefined;

  constructor(store: VerifyingStore, source: GatewaySource, options: FetchOptions) {
    this.#store = store;
    this.#source = source;
    this.#options = options;
  }

  async run(root: CID): Promise<void> {
    throwIfAborted(this.#options.signal);
    await this.#want([{ cid: root, claimed: 0 }]);
    // A single raw block is one request either way; a tree that is partly here is completed block by block.
    if (this.#missing.has(blockKey(root)) && root.code !== RAW) await this.#byCar(root);
    await this.#byBlocks();
    // Repeated parts are fetched once but count as often as they stand in the file.
    this.#report(this.#total ?? 0);
  }

  /** Sorts links into present and missing, following those that are present. */
  async #want(links: Wanted[]): Promise<void> {
    const queue = links;
    for (let next = queue.pop(); next; next = queue.pop()) {
      throwIfAborted(this.#options.signal);
      const key = blockKey(next.cid);
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      const limit = maxBlocksFor(this.#options.maxBytes);
      if (this.#seen.size > limit) throw tooLarge(next.cid, undefined, this.#options.maxBytes);
      if (next.cid.code === RAW) {
        if (!(await this.#store.has(next.cid))) this.#missing.set(key, next);
        else this.#count(next.claimed);
        continue;
      }
      const bytes = await this.#store.read(next.cid);
      if (!bytes) this.#missing.set(key, next);
      else queue.push(...this.#accept(next.cid, bytes));
    }
  }

  /** Counts a verified block and returns where it leads. */
  #accept(cid: CID, bytes: Uint8Array): Wanted[] {
    const first = this.#total === undefined;
    const node = decodeNode(cid, bytes);
    const links = linksOf(node);
    if (first) {
      const claimed = links.reduce((sum, link) => sum + link.claimed, 0);
      this.#total = node.kind === 'file' ? node.size : node.kind === 'bytes' ? bytes.length : claimed;
      if (this.#total > this.#options.maxBytes) throw tooLarge(cid, this.#total, this.#options.maxBytes);
    }
    // Inner nodes are structure, not content; the content is what the total counts.
    if (node.kind === 'bytes' || node.kind === 'file') this.#count(node.data.length);
    return links;
  }

  #count(bytes: number): void {
    this.#loaded += bytes;
    const { maxBytes } = this.#options;
    if (this.#loaded > maxBytes) throw tooLarge('', undefined, maxBytes);
    this.#report();
  }

  #report(extra = 0): void {
    const loaded = this.#loaded + extra;
    this.#options.onProgress?.(this.#total === undefined ? loaded : Math.min(loaded, this.#total), this.#total);
  }

  async #byCar(root: CID): Promise<void> {
    const failures: Failure[] = [];
    for (const gateway of this.#source.order()) {
      // Structure costs little beside content, but a tree of tiny files has more of it.
      const maxBytes = this.#options.maxBytes * 1.02 + 4 * 1024 * 1024;
      let ahead = 0;
      let kept = 0;
      const onBytes = (count: number): void => {
        ahead += count;
        this.#report(ahead);
      };
      try {
        for await (const { cid, bytes } of this.#source.car(gateway, root, {
          signal: this.#options.signal,
          maxBytes,
          onBytes,
        })) {
          ahead = 0;
          const key = blockKey(cid);
          if (!this.#missing.has(key)) continue;
          const wanted = this.#missing.get(key)!;
          this.#missing.delete(key);
          kept++;
          // Decoded under the identifier that was asked for: the archive could name another codec.
          const links = this.#accept(wanted.cid, bytes);
          await this.#store.keep(wanted.cid, bytes);
          await this.#want(links);
        }
        if (kept > 0) return;
        failures.push({ gateway, kind: 'wrong-bytes', reason: 'sent an archive without the content' });
      } catch (error) {
        if (error instanceof OpenLedgerError && OURS.has(error.code)) throw error;
        failures.push(this.#source.failed(gateway, error));
        // What has arrived stays; the rest comes block by block.
        if (kept > 0) return;
      }
    }
    // Asking the same dead gateways again for single blocks would only double the wait.
    const hopeless = failures.every(({ kind }) => kind === 'down' || kind === 'stalled');
    if (failures.length > 0 && hopeless) throw unavailable(root, failures);
  }

  async #byBlocks(): Promise<void> {
    const worker = async (signal: AbortSignal): Promise<void> => {
      for (;;) {
        const next = this.#missing.entries().next();
        if (next.done) return;
        const [key, { cid }] = next.value;
        this.#missing.delete(key);
        const bytes = await this.#source.block(cid, signal);
        const links = this.#accept(cid, bytes);
        await this.#store.keep(cid, bytes);
        await this.#want(links);
      }
    };
    // When one worker fails the others' requests end with it.
    const stop = new AbortController();
    const onAbort = (): void => stop.abort();
    this.#options.signal?.addEventListener('abort', onAbort);
    try {
      while (this.#missing.size > 0) {
        throwIfAborted(this.#options.signal);
        const workers = Array.from({ length: Math.min(PARALLEL, this.#missing.size) }, () => worker(stop.signal));
        await Promise.all(workers).catch((error: unknown) => {
          stop.abort();
          throw error;
        });
      }
    } finally {
      this.#options.signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** Verdicts about the content itself, which no other gateway can change. */
const OURS = new Set(['storage/too-large', 'storage/bad-unixfs', 'storage/unsupported-cid', 'cancelled']);
