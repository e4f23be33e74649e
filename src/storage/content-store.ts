import { CID } from 'multiformats/cid';
import { OpenLedgerError } from '../errors.ts';
import type { Fetch } from './attempt.ts';
import { type Blockstore, VerifyingStore } from './block-store.ts';
import { type Block, carFrame, carHeader, once, readCar } from './car.ts';
import { blockKey, parseCid, requireSupported, shortCid } from './cid.ts';
import { DagFetch, type OnProgress } from './dag-fetch.ts';
import { notInStore, tooLarge } from './errors.ts';
import { GatewaySource } from './gateway-source.ts';
import { DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT_MS, maxBlocksFor } from './limits.ts';
import { pathSegments } from './names.ts';
import { postCar } from './publish.ts';
import { decodeNode, linksOf } from './unixfs-node.ts';
import { PROFILE } from './unixfs-profile.ts';
import { type DirectoryEntry, type Range, readDirectoryEntries, readFileBytes } from './unixfs-read.ts';

export interface ContentStoreOptions {
  /** Absolute addresses of trustless gateways, asked in this order. None: only what is stored is found. */
  gateways: readonly string[];
  cache: Blockstore;
  fetch?: Fetch;
  /** Without a byte for so long, a gateway is given up. */
  timeoutMs?: number;
  /** Hears of problems that do not stop the work, such as a full disk. */
  onProblem?: (problem: OpenLedgerError) => void;
  /** Fail where the cache cannot take a block, instead of going on from memory: for those who serve others. */
  mustPersist?: boolean;
}

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  onProgress?: OnProgress | undefined;
  /** Bound on what is brought in; 256 MiB where none is given. */
  maxBytes?: number | undefined;
}

/** Files and folders by content identifier (CID): read from cache and gateways, added, archived, published. */
export class ContentStore {
  readonly #store: VerifyingStore;
  readonly #source: GatewaySource;
  readonly #fetch: Fetch;

  constructor(options: ContentStoreOptions) {
    // Called as a plain function: browsers refuse fetch with another `this`.
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
    this.#store = new VerifyingStore(options.cache, options.onProblem ?? (() => undefined), options.mustPersist);
    this.#source = new GatewaySource(options.gateways, this.#fetch, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  /** The bytes of a file, or of `path` inside a folder. */
  async readFile(cid: string, path?: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const { signal, onProgress, maxBytes = DEFAULT_MAX_BYTES } = options;
    const target = await this.#resolve(parseCid(cid), path, signal);
    await new DagFetch(this.#store, this.#source, { signal, onProgress, maxBytes }).run(target);
    return readFileBytes((at) => this.#block(at, signal), target, { maxBytes, signal });
  }

  /** A part of a file; only the blocks it touches are fetched. */
  async readRange(cid: string, path: string | undefined, range: Range, options: ReadOptions = {}): Promise<Uint8Array> {
    const { signal, maxBytes = DEFAULT_MAX_BYTES } = options;
    const target = await this.#resolve(parseCid(cid), path, signal);
    return readFileBytes((at) => this.#block(at, signal), target, { maxBytes, signal, range });
  }

  async readDirectory(cid: string, path?: string, options: ReadOptions = {}): Promise<Map<string, DirectoryEntry>> {
    const target = await this.#resolve(parseCid(cid), path, options.signal);
    return readDirectoryEntries((at) => this.#block(at, options.signal), target, options.signal);
  }

  /** Brings a whole file or folder into the cache, in one request where the gateway can. */
  async prefetch(cid: string, options: ReadOptions = {}): Promise<void> {
    const { signal, onProgress, maxBytes = DEFAULT_MAX_BYTES } = options;
    await new DagFetch(this.#store, this.#source, { signal, onProgress, maxBytes }).run(parseCid(cid));
  }

  /** The CID of a path inside a folder. */
  async resolve(cid: string, path: string, options: ReadOptions = {}): Promise<string> {
    return (await this.#resolve(parseCid(cid), path, options.signal)).toString();
  }

  async addFile(bytes: Uint8Array): Promise<string> {
    return (await (await this.#unixfs()).addBytes(bytes, PROFILE)).toString();
  }

  /** A folder from its files' paths (`name` or `folder/name`). The same files give the same CID in any order. */
  async addDirectory(files: Record<string, Uint8Array>): Promise<string> {
    const paths = Object.keys(files).sort();
    for (const [i, path] of paths.entries()) {
      const segments = pathSegments(path);
      if (segments.length === 0 || paths.some((other, k) => k !== i && other.startsWith(`${path}/`))) {
        throw new OpenLedgerError({
          code: 'storage/bad-path',
          what: 'A folder cannot be made of these names.',
          why: segments.length === 0 ? 'One of them is empty.' : `“${path}” is a file and a folder at once.`,
          next: 'Give each file a name of its own.',
        });
      }
    }
    const fs = await this.#unixfs();
    if (paths.length === 0) return (await fs.addDirectory({}, PROFILE)).toString();
    const candidates = paths.map((path) => ({ path, content: files[path]! }));
    let root: CID | undefined;
    for await (const entry of fs.addAll(candidates, { ...PROFILE, wrapWithDirectory: true })) root = entry.cid;
    return root!.toString();
  }

  /** Everything below `cid` as an archive (CARv1, depth first, each block once): the same bytes every time. */
  async exportCar(cid: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    const root = parseCid(cid);
    await this.prefetch(cid, { ...options, maxBytes });
    const parts = [carHeader(root)];
    let size = parts[0]!.length;
    for await (const block of this.blocks(cid, { ...options, maxBytes })) {
      const frame = carFrame(block);
      parts.push(frame);
      size += frame.length;
    }
    const out = new Uint8Array(size);
    let offset = 0;
    for (const part of parts) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }

  /** The blocks below `cid`, depth first, each once. */
  async *blocks(cid: string, options: ReadOptions = {}): AsyncGenerator<Block> {
    const limit = maxBlocksFor(options.maxBytes ?? DEFAULT_MAX_BYTES);
    const seen = new Set<string>();
    const stack = [parseCid(cid)];
    for (let next = stack.pop(); next; next = stack.pop()) {
      if (seen.has(blockKey(next))) continue;
      seen.add(blockKey(next));
      if (seen.size > limit) throw tooLarge(cid, undefined, options.maxBytes ?? DEFAULT_MAX_BYTES);
      const bytes = await this.#block(next, options.signal);
      yield { cid: next, bytes };
      const links = linksOf(decodeNode(next, bytes));
      for (let i = links.length - 1; i >= 0; i--) stack.push(links[i]!.cid);
    }
  }

  /**
   * Stores an archive's content and returns its roots. All or nothing: every block is verified, everything below
   * the roots has to be in the archive or here already, and what no root leads to is left out.
   */
  async importCar(bytes: Uint8Array, options: { maxBlocks?: number } = {}): Promise<string[]> {
    const maxBlocks = options.maxBlocks ?? maxBlocksFor(bytes.length);
    const blocks = new Map<string, Uint8Array>();
    const car = await readCar(once(bytes));
    for await (const block of car.blocks) {
      blocks.set(blockKey(block.cid), block.bytes);
      if (blocks.size > maxBlocks) throw incompleteCar(`It has more than ${maxBlocks} blocks.`);
    }
    if (car.roots.length === 0) throw incompleteCar('It names no root.');
    const reached = new Map<string, Block>();
    const stack = [...car.roots];
    for (let cid = stack.pop(); cid; cid = stack.pop()) {
      requireSupported(cid);
      const key = blockKey(cid);
      if (reached.has(key)) continue;
      const block = blocks.get(key) ?? (await this.#store.read(cid));
      if (!block) throw incompleteCar(`The block ${cid} is missing.`);
      reached.set(key, { cid, bytes: block });
      for (const link of linksOf(decodeNode(cid, block))) stack.push(link.cid);
    }
    // Children first: a crash in between leaves no folder whose parts are missing.
    for (const [key, block] of [...reached].reverse())
      if (blocks.has(key)) await this.#store.keep(block.cid, block.bytes);
    return car.roots.map(String);
  }

  /** Sends everything below `cid` to a place that takes archives, and checks that it took this content. */
  async publish(cid: string, publishUrl: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const car = await this.exportCar(cid, options);
    await postCar(this.#fetch, publishUrl, cid, car, options.signal);
  }

  /** Whether the block `cid` itself is stored here. Asks no gateway. */
  async hasBlock(cid: string): Promise<boolean> {
    return this.#store.has(parseCid(cid));
  }

  /** The verified block `cid` itself, from the store or a gateway. */
  async readBlock(cid: string, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#block(parseCid(cid), signal);
  }

  async #block(cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    const stored = await this.#store.read(cid);
    if (stored) return stored;
    if (this.#source.gateways.length === 0) throw notInStore(cid);
    const bytes = await this.#source.block(cid, signal);
    await this.#store.keep(cid, bytes);
    return bytes;
  }

  async #resolve(root: CID, path: string | undefined, signal?: AbortSignal): Promise<CID> {
    let at = root;
    for (const name of pathSegments(path)) {
      const entries = await readDirectoryEntries((cid) => this.#block(cid, signal), at, signal);
      const entry = entries.get(name);
      if (!entry) {
        throw new OpenLedgerError({
          code: 'storage/no-such-path',
          what: `The folder ${shortCid(at)} has no “${name}”.`,
          why: entries.size ? `It has: ${[...entries.keys()].slice(0, 12).join(', ')}.` : 'It is empty.',
          next: 'Check the name.',
        });
      }
      at = parseCid(entry.cid);
    }
    return at;
  }

  /** Helia's importer is loaded at the first addition: whoever only reads never fetches it. */
  async #unixfs() {
    const { unixfs } = await import('@helia/unixfs');
    const store = this.#store;
    const blockstore = {
      async *get(cid: CID) {
        const bytes = await store.read(cid);
        if (!bytes) throw notInStore(cid);
        yield bytes;
      },
      async put(cid: CID, value: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
        if (!(value instanceof Uint8Array)) throw new TypeError('blocks are written whole');
        // A copy: the importer's chunks are views of the caller's file.
        await store.put(cid, value.slice());
        return cid;
      },
      has: (cid: CID) => store.has(cid),
    };
    return unixfs({ blockstore } as Parameters<typeof unixfs>[0]);
  }
}

function incompleteCar(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/incomplete-car',
    what: 'This archive (CAR) does not hold all of its content.',
    why,
    next: 'Export it again with everything below its root.',
  });
}
