import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelFolder } from '../../protocol/model-folder.ts';
import { MemoryBlocks } from '../block-store.ts';
import { parseCid } from '../cid.ts';
import { ContentStore } from '../content-store.ts';
import { filesFolder } from './browser-folder.ts';
import { type BlockReader, RecentBlocks, cidFolder } from './cid-folder.ts';
import { nodeFolder } from './node-folder.node.ts';

const MIB = 2 ** 20;
const large = new Uint8Array(5 * MIB + 77);
for (let i = 0; i < large.length; i++) large[i] = (i * 7) ^ (i >> 12) ^ (i >> 20);
const small = new TextEncoder().encode('{"model_type":"llama"}');
const files = { 'config.json': small, 'model.safetensors': large, 'empty.txt': new Uint8Array(0) };
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const sorted = async (folder: ModelFolder) => (await folder.list()).map(({ name, size }) => [name, size]).sort();
const listed = [['config.json', small.length], ['empty.txt', 0], ['model.safetensors', large.length]];

async function readsLike(folder: ModelFolder): Promise<void> {
  expect(await sorted(folder)).toEqual(listed);
  const source = await folder.open('model.safetensors');
  expect(source.size).toBe(large.length);
  for (const [from, to] of [[0, 8], [8, 3 * MIB], [MIB - 1, MIB + 1], [large.length - 5, large.length], [77, 77], [0, large.length]] as const) {
    const bytes = await source.read(from, to);
    expect(same(bytes, large.subarray(from, to)), `${from} to ${to}`).toBe(true);
    expect(bytes.buffer === large.buffer).toBe(false);
  }
  expect(await (await folder.open('empty.txt')).read(0, 0)).toEqual(new Uint8Array(0));
  await expect(source.read(0, large.length + 1)).rejects.toThrow(RangeError);
  for (const name of ['other', '../secret', '', 'toString']) await expect(folder.open(name)).rejects.toMatchObject({ code: 'folder/no-such-file' });
}

describe('a folder by its CID', () => {
  const store = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
  let cid = '';
  let asked: string[] = [];
  const counted: BlockReader = {
    readBlock: (block, signal) => (asked.push(block), store.readBlock(block, signal)),
    readDirectory: (...given) => store.readDirectory(...given),
  };
  beforeAll(async () => {
    cid = await store.addDirectory({ ...files, 'onnx/model.onnx': small });
  });
  it('reads like the files that were put in, folders inside left out', async () => {
    await readsLike(cidFolder(store, cid));
  });
  it('fetches only the blocks that hold what is read, each once, whole files in order', async () => {
    const source = await cidFolder(counted, cid).open('model.safetensors');
    asked = [];
    await source.read(2 * MIB + 5, 3 * MIB + 5);
    expect(asked.length).toBe(3);
    asked = [];
    const pieces: Uint8Array[] = [];
    for await (const piece of source.stream!(MIB + 3)) pieces.push(piece);
    expect(same(Buffer.concat(pieces), large.subarray(MIB + 3))).toBe(true);
    expect(asked.length).toBe(6);
    expect(new Set(asked).size).toBe(6);
  });
  it('says the CID as its version, and stops when cancelled', async () => {
    const folder = cidFolder(store, cid);
    expect(folder.version).toBe(cid);
    const source = await folder.open('model.safetensors');
    await expect(source.read(0, large.length, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
  it('that is no folder, or whose parts are not there, is refused', async () => {
    await expect(cidFolder(store, await store.addFile(small)).list()).rejects.toMatchObject({ code: 'storage/not-a-directory' });
    expect(() => cidFolder(store, 'nonsense')).toThrow(expect.objectContaining({ code: 'storage/bad-cid' }));
    const empty = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
    await expect(cidFolder(empty, cid).list()).rejects.toMatchObject({ code: 'storage/not-found' });
  });
  it('passes through a cache that holds little', async () => {
    const recent = new RecentBlocks(2.5 * MIB);
    const through: BlockReader = {
      readDirectory: (...given) => store.readDirectory(...given),
      readBlock: async (block, signal) => {
        const at = parseCid(block);
        if (!recent.has(at)) recent.put(at, await store.readBlock(block, signal));
        return [...recent.get(at)][0]!;
      },
    };
    await readsLike(cidFolder(through, cid));
    const other = new RecentBlocks(10);
    const [a, b] = [parseCid(await store.addFile(new Uint8Array(6))), parseCid(await store.addFile(new Uint8Array(7)))];
    other.put(a, new Uint8Array(6));
    other.put(a, new Uint8Array(6));
    expect(other.has(a)).toBe(true);
    other.put(b, new Uint8Array(7));
    expect([other.has(a), other.has(b)]).toEqual([false, true]);
  });
});

describe('a folder on disk', () => {
  let path = '';
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'models-'));
    for (const [name, bytes] of Object.entries(files)) if (name !== 'config.json') await writeFile(join(path, name), bytes);
    // As hubs' caches lay it out.
    await writeFile(`${path}-blob`, small);
    await symlink(`${path}-blob`, join(path, 'config.json'));
  });
  afterAll(async () => {
    await rm(`${path}-blob`);
    await rm(path, { recursive: true });
  });
  it('reads like its files, links followed', async () => {
    await readsLike(nodeFolder(path));
  });
  it('whose file shrinks while it is read is refused', async () => {
    await writeFile(join(path, 'shrinking'), large);
    const source = await nodeFolder(path).open('shrinking');
    await truncate(join(path, 'shrinking'), 100);
    await expect(source.read(0, 200)).rejects.toMatchObject({ code: 'source/changed' });
    await rm(join(path, 'shrinking'));
  });
  it('that is not there is said to be', async () => {
    await expect(nodeFolder(join(path, 'nowhere')).list()).rejects.toMatchObject({ code: 'folder/unreadable' });
  });
});

describe('files that a person chose', () => {
  const file = (path: string, bytes: Uint8Array, lastModified = 1) => {
    const made = new File([bytes as Uint8Array<ArrayBuffer>], path.split('/').pop()!, { lastModified });
    Object.defineProperty(made, 'webkitRelativePath', { value: path });
    return made;
  };
  const chosen = (at?: number) => Object.entries(files).map(([name, bytes]) => file(`model/${name}`, bytes, at));
  it('read like themselves, those of inner folders left out', async () => {
    await readsLike(filesFolder('model', [...chosen(), file('model/original/config.json', large)]));
  });
  it('are another version when one was written again', () => {
    expect(filesFolder('model', chosen()).version).toBe(filesFolder('model', chosen().reverse()).version);
    expect(filesFolder('model', chosen(2)).version).not.toBe(filesFolder('model', chosen()).version);
  });
});
