import 'fake-indexeddb/auto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as dagPb from '@ipld/dag-pb';
import { unixfs } from '@helia/unixfs';
import { UnixFS } from 'ipfs-unixfs';
import { CID } from 'multiformats/cid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenLedgerError } from '../errors.ts';
import { type Blockstore, MemoryBlocks, VerifyingStore } from './block-store.ts';
import { openBrowserCache } from './browser-cache.ts';
import { carFrame, carHeader } from './car.ts';
import { cidOf, DAG_PB, parseCid, RAW } from './cid.ts';
import { ContentStore } from './content-store.ts';
import { openFileCache, openFileStore } from './file-cache.node.ts';
import { sampleBytes, text } from './test-bytes.ts';

const MIB = 1024 * 1024;
const offline = (cache: Blockstore = new MemoryBlocks()) => new ContentStore({ gateways: [], cache });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openledger-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Puts a hand-made dag-pb block into a cache and returns its CID. */
async function putNode(cache: Blockstore, node: dagPb.PBNode): Promise<CID> {
  const bytes = dagPb.encode(dagPb.prepare(node));
  const cid = await cidOf(bytes, DAG_PB);
  await cache.put(cid, bytes);
  return cid;
}

describe('content identifiers', () => {
  it('equal the ones that IPFS implementations give', async () => {
    const store = offline();
    expect(await store.addFile(text('hello world'))).toBe(
      'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e',
    );
    expect(await store.addFile(new Uint8Array())).toBe('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
    expect(await store.addDirectory({})).toBe('bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354');
  });

  it('stay the same for chunked files and folders, in any order of files', async () => {
    const big = sampleBytes(2 * MIB + 5);
    expect(await offline().addFile(big)).toBe(BIG_CID);
    const one = await offline().addDirectory({ 'a.bin': big, 'sub/b.txt': text('b') });
    const two = await offline().addDirectory({ 'sub/b.txt': text('b'), 'a.bin': big });
    expect(one).toBe(FOLDER_CID);
    expect(two).toBe(FOLDER_CID);
  });

  it.each([
    ['', 'storage/bad-cid'],
    ['not a cid', 'storage/bad-cid'],
    ['../../etc/passwd', 'storage/bad-cid'],
    // dag-cbor, identity hash, sha2-512
    ['bafyreigdmqpykrgxyaxtlafqpqhzrb7qy2rh75nldvfd4tucqmqqme5yje', 'storage/unsupported-cid'],
    ['bafkqaaa', 'storage/unsupported-cid'],
  ])('refuses %j', (cid, code) => {
    expect(() => parseCid(cid)).toThrow(expect.objectContaining({ code }));
  });
});

describe.each([
  ['memory', async () => new MemoryBlocks()],
  ['files', async () => openFileCache(join(folder, 'blocks'))],
  ['IndexedDB', async () => (await openBrowserCache('round-trip')).cache],
])('a store in %s', (_name, open) => {
  it('gives back files and folders byte for byte', async () => {
    const store = offline(await open());
    const files = {
      'adapter/weights.bin': sampleBytes(3 * MIB + 1, 7),
      'config.json': text('{}'),
      empty: new Uint8Array(),
    };
    const cid = await store.addDirectory(files);
    expect([...(await store.readDirectory(cid)).keys()].sort()).toEqual(['adapter', 'config.json', 'empty']);
    for (const [path, bytes] of Object.entries(files))
      expect(Buffer.compare(await store.readFile(cid, path), bytes)).toBe(0);
  });

  it('takes a file of many equal parts', async () => {
    const store = offline(await open());
    const started = Date.now();
    expect((await store.readFile(await store.addFile(new Uint8Array(12 * MIB)))).length).toBe(12 * MIB);
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it('is still there when opened again', async () => {
    if (_name === 'memory') return;
    const cid = await offline(await open()).addFile(sampleBytes(MIB + 1, 9));
    expect((await offline(await open()).readFile(cid)).length).toBe(MIB + 1);
  });
});

describe('reading', () => {
  it('agrees with Helia on what is in the blocks', async () => {
    const cache = new MemoryBlocks();
    const bytes = sampleBytes(2 * MIB + 99, 3);
    const cid = await offline(cache).addFile(bytes);
    const parts: Uint8Array[] = [];
    for await (const part of unixfs({ blockstore: cache as never }).cat(CID.parse(cid))) parts.push(part);
    expect(Buffer.compare(Buffer.concat(parts), bytes)).toBe(0);
  });

  it('reads folders that Helia sharded', async () => {
    const cache = new MemoryBlocks();
    const fs = unixfs({ blockstore: { ...bound(cache) } as never });
    const candidates = Array.from({ length: 300 }, (_, i) => ({ path: `file-${i}`, content: text(`content ${i}`) }));
    let root: CID | undefined;
    for await (const entry of fs.addAll(candidates, { wrapWithDirectory: true, shardSplitThresholdBytes: 100 }))
      root = entry.cid;
    const store = offline(cache);
    expect((await store.readDirectory(root!.toString())).size).toBe(300);
    expect(Buffer.from(await store.readFile(root!.toString(), 'file-217')).toString()).toBe('content 217');
  });

  it('reads ranges across chunks', async () => {
    const store = offline();
    const bytes = sampleBytes(2 * MIB + 50);
    const cid = await store.addFile(bytes);
    for (const [offset, length] of [
      [0, 1],
      [MIB - 3, 6],
      [2 * MIB + 40, 1000],
      [5 * MIB, 3],
    ] as const) {
      const got = await store.readRange(cid, undefined, { offset, length });
      expect(Buffer.compare(got, bytes.subarray(offset, offset + length))).toBe(0);
    }
  });

  it('says what a folder has when a name is missing', async () => {
    const store = offline();
    const cid = await store.addDirectory({ 'a.txt': text('a') });
    await expect(store.readFile(cid, 'b.txt')).rejects.toMatchObject({
      code: 'storage/no-such-path',
      why: 'It has: a.txt.',
    });
    await expect(store.readFile(cid)).rejects.toMatchObject({ code: 'storage/not-a-file' });
    await expect(store.readDirectory(cid, 'a.txt')).rejects.toMatchObject({ code: 'storage/not-a-directory' });
  });

  it('stops when cancelled', async () => {
    const store = offline();
    const cid = await store.addFile(sampleBytes(MIB * 2));
    const controller = new AbortController();
    controller.abort();
    await expect(store.readFile(cid, undefined, { signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('reports progress up to the whole, also for repeated parts', async () => {
    const store = offline();
    const cid = await store.addFile(new Uint8Array(4 * MIB));
    const seen: (number | undefined)[][] = [];
    await store.readFile(cid, undefined, { onProgress: (loaded, total) => seen.push([loaded, total]) });
    expect(seen.at(-1)).toEqual([4 * MIB, 4 * MIB]);
  });
});

describe('hostile content', () => {
  it('is refused when larger than asked for, before it is fetched', async () => {
    const store = offline();
    const cid = await store.addFile(sampleBytes(3 * MIB));
    await expect(store.readFile(cid, undefined, { maxBytes: 3 * MIB - 1 })).rejects.toMatchObject({
      code: 'storage/too-large',
    });
    expect((await store.readFile(cid, undefined, { maxBytes: 3 * MIB })).length).toBe(3 * MIB);
    const huge = new UnixFS({ type: 'file', blockSizes: [10n ** 15n] });
    const cache = new MemoryBlocks();
    const root = await putNode(cache, { Data: huge.marshal(), Links: [{ Hash: parseCid(cid), Name: '', Tsize: 1 }] });
    await expect(offline(cache).readFile(root.toString())).rejects.toMatchObject({ code: 'storage/too-large' });
  });

  it('with sizes that do not add up is refused', async () => {
    const cache = new MemoryBlocks();
    const leaf = CID.parse(await offline(cache).addFile(text('abc')));
    for (const [sizes, links] of [
      [[4n], 1],
      [[3n, 3n], 1],
      [[0n], 1],
    ] as const) {
      const data = new UnixFS({ type: 'file', blockSizes: [...sizes] }).marshal();
      const root = await putNode(cache, { Data: data, Links: Array(links).fill({ Hash: leaf, Name: '', Tsize: 3 }) });
      await expect(offline(cache).readFile(root.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
    }
  });

  it('nested without end is refused', async () => {
    const cache = new MemoryBlocks();
    let at = CID.parse(await offline(cache).addFile(text('x')));
    for (let depth = 0; depth < 40; depth++) {
      at = await putNode(cache, {
        Data: new UnixFS({ type: 'file', blockSizes: [1n] }).marshal(),
        Links: [{ Hash: at, Name: '', Tsize: 1 }],
      });
    }
    await expect(offline(cache).readFile(at.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
  });

  it('that unfolds into very many parts is refused soon', async () => {
    const cache = new MemoryBlocks();
    let at = CID.parse(await offline(cache).addFile(text('x')));
    let size = 1n;
    for (let depth = 0; depth < 6; depth++) {
      const Links = Array(20).fill({ Hash: at, Name: '', Tsize: 1 });
      at = await putNode(cache, {
        Data: new UnixFS({ type: 'file', blockSizes: Array(20).fill(size) }).marshal(),
        Links,
      });
      size *= 20n;
    }
    await expect(offline(cache).readFile(at.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
  });

  it.each(['..', '.', '', 'a/b', 'a\\b', 'a\0b', 'x'.repeat(300)])('folder entry named %j is refused', async (name) => {
    const cache = new MemoryBlocks();
    const leaf = CID.parse(await offline(cache).addFile(text('abc')));
    const root = await putNode(cache, {
      Data: new UnixFS({ type: 'directory' }).marshal(),
      Links: [{ Hash: leaf, Name: name, Tsize: 3 }],
    });
    await expect(offline(cache).readDirectory(root.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
  });

  it.each(['../x', '/x', 'a//b', 'a/./b', 'a\\b', 'a/'])('path %j is refused for reading and adding', async (path) => {
    const store = offline();
    const cid = await store.addDirectory({ x: text('x') });
    await expect(store.readFile(cid, path)).rejects.toMatchObject({ code: 'storage/bad-path' });
    await expect(store.addDirectory({ [path]: text('x') })).rejects.toMatchObject({ code: 'storage/bad-path' });
  });

  it('with two entries of one name, or too many entries, is refused', async () => {
    const cache = new MemoryBlocks();
    const Hash = CID.parse(await offline(cache).addFile(text('abc')));
    const Data = new UnixFS({ type: 'directory' }).marshal();
    const twice = await putNode(cache, {
      Data,
      Links: [
        { Hash, Name: 'a', Tsize: 1 },
        { Hash, Name: 'a', Tsize: 1 },
      ],
    });
    const many = await putNode(cache, {
      Data,
      Links: Array.from({ length: 10_001 }, (_, i) => ({ Hash, Name: `f${i}`, Tsize: 1 })),
    });
    for (const root of [twice, many]) {
      await expect(offline(cache).readDirectory(root.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
    }
  });

  it('that is no UnixFS is refused', async () => {
    const cache = new MemoryBlocks();
    const noise = sampleBytes(100);
    const cid = await cidOf(noise, DAG_PB);
    cache.put(cid, noise);
    await expect(offline(cache).readFile(cid.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
    const link = await putNode(cache, {
      Data: new UnixFS({ type: 'symlink', data: text('/etc/passwd') }).marshal(),
      Links: [],
    });
    await expect(offline(cache).readFile(link.toString())).rejects.toMatchObject({ code: 'storage/bad-unixfs' });
  });
});

describe('the cache', () => {
  it('takes no block that does not hash to its CID, and none over 2 MiB', async () => {
    const store = new VerifyingStore(new MemoryBlocks(), () => undefined);
    const cid = await cidOf(text('right'), RAW);
    await expect(store.put(cid, text('wrong'))).rejects.toMatchObject({ code: 'storage/block-hash-mismatch' });
    expect(await store.has(cid)).toBe(false);
    const large = new Uint8Array(2 * MIB + 1);
    await expect(store.put(await cidOf(large, RAW), large)).rejects.toMatchObject({ code: 'storage/block-too-large' });
  });

  it('does not serve a block that was damaged on disk', async () => {
    const dir = join(folder, 'damaged');
    const cid = await (await openFileStore(dir)).addFile(text('a record'));
    const [shard] = await readdir(dir);
    const [file] = await readdir(join(dir, shard!));
    const path = join(dir, shard!, file!);
    await writeFile(
      path,
      (await readFile(path)).map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
    );
    await expect((await openFileStore(dir)).readFile(cid)).rejects.toMatchObject({ code: 'storage/not-found' });
  });

  it('that is full is reported once, and reading goes on from memory', async () => {
    const full: Blockstore = {
      get: () => [],
      has: () => false,
      put: () => {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
      },
      delete: () => undefined,
    };
    const problems: OpenLedgerError[] = [];
    const store = new ContentStore({ gateways: [], cache: full, onProblem: (problem) => problems.push(problem) });
    const bytes = sampleBytes(2 * MIB + 3);
    const cid = await store.addFile(bytes);
    expect(Buffer.compare(await store.readFile(cid), bytes)).toBe(0);
    expect(problems.map(({ code }) => code)).toEqual(['storage/quota-exceeded']);
    // Who serves others must not confirm what a restart would lose.
    const strict = new ContentStore({ gateways: [], cache: full, mustPersist: true });
    await expect(strict.addFile(bytes)).rejects.toMatchObject({ code: 'storage/quota-exceeded' });
  });

  it('falls back to memory without IndexedDB and says so', async () => {
    const saved = globalThis.indexedDB;
    try {
      Reflect.deleteProperty(globalThis, 'indexedDB');
      const { persistent, problem, cache } = await openBrowserCache();
      expect(persistent).toBe(false);
      expect(problem?.code).toBe('storage/no-persistent-cache');
      expect((await offline(cache).addFile(text('x'))).length).toBeGreaterThan(10);
    } finally {
      globalThis.indexedDB = saved;
    }
  });
});

describe('archives', () => {
  it('carry a folder from one store to another, the same bytes every time', async () => {
    const from = offline();
    const cid = await from.addDirectory({ 'a.bin': sampleBytes(MIB + 5), 'b/c.txt': text('c') });
    const car = await from.exportCar(cid);
    expect(Buffer.compare(car, await from.exportCar(cid))).toBe(0);
    const to = offline();
    expect(await to.importCar(car)).toEqual([cid]);
    expect(Buffer.from(await to.readFile(cid, 'b/c.txt')).toString()).toBe('c');
    expect(Buffer.compare(await to.exportCar(cid), car)).toBe(0);
  });

  it('that are damaged anywhere are refused, and nothing of them is stored', async () => {
    const from = offline();
    const cid = await from.addDirectory({ 'a.txt': text('aaaa'), 'b.txt': text('bbbb') });
    const car = await from.exportCar(cid);
    for (let at = 0; at < car.length; at++) {
      const cache = new MemoryBlocks();
      const bad = car.slice();
      bad[at]! ^= 0x01;
      const outcome = await offline(cache)
        .importCar(bad)
        .catch((error: OpenLedgerError) => error.code);
      // One byte names the root's CID version: with it changed the content is the same under another identifier.
      if (Array.isArray(outcome))
        expect(outcome, `byte ${at}`).toEqual([CID.createV0(CID.parse(cid).multihash as never).toString()]);
      else {
        expect(outcome, `byte ${at}`).toMatch(/^storage\//);
        expect(cache.has(CID.parse(cid))).toBe(false);
      }
    }
    for (const length of [0, 1, 30, 60, car.length - 1]) {
      await expect(offline().importCar(car.slice(0, length)), `cut to ${length}`).rejects.toMatchObject({
        code: expect.stringMatching(/^storage\/(bad|incomplete)-car/),
      });
    }
  });

  it('without part of their content are refused; what no root leads to is not stored', async () => {
    const from = offline();
    const cid = CID.parse(await from.addDirectory({ 'a.txt': text('aaaa') }));
    const blocks = [];
    for await (const block of from.blocks(cid.toString())) blocks.push(block);
    const without = Buffer.concat([carHeader(cid), carFrame(blocks[0]!)]);
    await expect(offline().importCar(without)).rejects.toMatchObject({ code: 'storage/incomplete-car' });
    const stranger = { cid: await cidOf(text('stranger'), RAW), bytes: text('stranger') };
    const cache = new MemoryBlocks();
    await offline(cache).importCar(Buffer.concat([carHeader(cid), ...blocks.map(carFrame), carFrame(stranger)]));
    expect(cache.has(cid)).toBe(true);
    expect(cache.has(stranger.cid)).toBe(false);
  });

  it('with headers or blocks that claim gigabytes are refused at once', async () => {
    const huge = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
    await expect(offline().importCar(huge)).rejects.toMatchObject({ code: 'storage/bad-car' });
    const cid = await cidOf(text('x'), RAW);
    const frame = Buffer.concat([carHeader(cid), Buffer.from([0xff, 0xff, 0xff, 0x7f]), cid.bytes, text('x')]);
    await expect(offline().importCar(frame)).rejects.toMatchObject({ code: 'storage/block-too-large' });
  });
});

// Computed apart from this code, by writing the protobuf bytes of the profile by hand.
const BIG_CID = 'bafybeihgecypewsbowyc5zjhnhrkeawxphxjtqz26ul7zbzfvfcqy2mjje';
const FOLDER_CID = 'bafybeifvermxk5is6uapn6o3ob3btfqhs3vpr6mc2xdmrqftjeiuotgpra';

function bound(cache: MemoryBlocks) {
  return { get: cache.get.bind(cache), put: cache.put.bind(cache), has: cache.has.bind(cache) };
}
