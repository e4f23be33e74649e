import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ByteSource, type ModelFolder, memoryFolder } from '../../protocol/model-folder.ts';
import { type DownloadOptions, type LibraryEntry, ModelLibrary } from './library.ts';
import { openHttpFolder } from './http-folder.ts';
import { DOWNLOAD_RECORD, MODEL_RECORD } from './library-records.ts';
import type { StorageLimits } from './storage-state.ts';
import { askToKeep, storageState } from './storage-state.ts';
import { TestDirectory } from './test-directory.ts';
import { startServer } from './test-server.ts';

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const weights = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 37) ^ (i >> 7));
const files = { 'config.json': text({ model_type: 'llama' }), 'tokenizer.json': text({ model: {} }), 'model.safetensors': weights };
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A folder that says its version, reads in pieces of 10,000 bytes, and fails where it is told to. */
class Flaky implements ModelFolder {
  readonly label = 'https://hub.example/org/name';
  version: string | undefined = 'commit 1';
  files: Record<string, Uint8Array> = { ...files };
  hashes: Record<string, string> = {};
  /** Bytes of weights that were read. */
  read = 0;
  failAfter = Infinity;

  async list() {
    return Object.entries(this.files).map(([name, bytes]) => ({ name, size: bytes.length, sha256: this.hashes[name] }));
  }

  async open(name: string): Promise<ByteSource> {
    const bytes = this.files[name]!;
    const source = await memoryFolder('', this.files).open(name);
    const taken = (piece: Uint8Array) => {
      if (name !== 'model.safetensors') return piece;
      if (this.read >= this.failAfter) throw new Error('the line broke');
      this.read += piece.length;
      return piece;
    };
    return {
      ...source,
      async *stream(from: number) {
        for (let at = from; at < bytes.length; at += 10_000) yield taken(bytes.slice(at, at + 10_000));
      },
    };
  }
}

const library = (directory = new TestDirectory(), limits?: StorageLimits) => new ModelLibrary(directory, limits ?? {});

async function one(directory: TestDirectory): Promise<LibraryEntry> {
  const [entry] = await library(directory).list();
  return entry!;
}

/** Hashes of all files: comparing long arrays as such takes vitest seconds. */
async function contentOf(folder: ModelFolder): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, size } of await folder.list()) found[name] = hashOf(await (await folder.open(name)).read(0, size));
  return found;
}
const hashes = (given: Record<string, Uint8Array>) => Object.fromEntries(Object.entries(given).map(([name, bytes]) => [name, hashOf(bytes)]));

describe('a model in the library', () => {
  it('is what its folder is, with the hash of each file', async () => {
    const models = library();
    const progress: number[] = [];
    const entry = await models.download(new Flaky(), { onProgress: (done, total) => progress.push(done / total) });
    const bytes = Object.values(files).reduce((sum, file) => sum + file.length, 0);
    expect(entry).toMatchObject({ kind: 'base', source: 'https://hub.example/org/name', version: 'commit 1', bytes, held: bytes, complete: true, facts: {} });
    expect(await models.list()).toEqual([entry]);
    const folder = await models.open(entry.id);
    expect(await contentOf(folder)).toEqual(hashes(files));
    expect(Object.fromEntries((await folder.list()).map(({ name, sha256 }) => [name, sha256]))).toEqual(hashes(files));
    expect(progress[progress.length - 1]).toBe(1);
    await expect(folder.open(MODEL_RECORD)).rejects.toMatchObject({ code: 'folder/no-such-file' });
  });

  it('may be an adapter; only what is read of a folder is kept', async () => {
    const folder = new Flaky();
    folder.files = { 'adapter_config.json': text({}), 'adapter_model.safetensors': weights, 'README.md': text('x'), 'optimizer.pt': weights };
    const models = library();
    const { id, kind, bytes } = await models.download(folder);
    expect([kind, bytes]).toEqual(['adapter', weights.length + 2]);
    expect(Object.keys(await contentOf(await models.open(id)))).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  });

  it('is in shards where its index says so', async () => {
    const folder = new Flaky();
    const shards = { 'model-00001-of-00002.safetensors': weights, 'model-00002-of-00002.safetensors': weights.slice(9) };
    const index = text({ weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } });
    folder.files = { 'config.json': files['config.json'], 'model.safetensors.index.json': index, ...shards, 'consolidated.safetensors': weights };
    const models = library();
    const { id } = await models.download(folder);
    expect(Object.keys(await contentOf(await models.open(id))).sort()).toEqual(['config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json']);
    delete folder.files['model-00002-of-00002.safetensors'];
    await expect(models.download(folder)).rejects.toMatchObject({ code: 'folder/no-such-file', message: expect.stringContaining('model-00002-of-00002.safetensors') });
    folder.files = { 'README.md': text('x') };
    await expect(models.download(folder)).rejects.toMatchObject({ code: 'folder/no-model' });
  });

  it('is not fetched again, remembers facts, and forgets them when it changes', async () => {
    const folder = new Flaky();
    const models = library();
    const { id } = await models.download(folder);
    await models.note(id, { cid: 'bafy' });
    await models.note(id, { fileRoot: '0x12' });
    expect(folder.read).toBe(weights.length);
    expect(await models.download(folder)).toMatchObject({ id, facts: { cid: 'bafy', fileRoot: '0x12' } });
    expect(folder.read).toBe(weights.length);
    folder.version = 'commit 2';
    folder.files['model.safetensors'] = weights.slice().reverse();
    expect(await models.download(folder)).toMatchObject({ id, version: 'commit 2', facts: {} });
    expect((await contentOf(await models.open(id)))['model.safetensors']).toBe(hashOf(weights.slice().reverse()));
    expect(await models.list()).toHaveLength(1);
  });

  it('keeps files whose hash a new version states again', async () => {
    const folder = new Flaky();
    folder.hashes = { 'model.safetensors': hashOf(weights) };
    const models = library();
    await models.download(folder);
    folder.version = 'commit 2';
    folder.files['config.json'] = text({ model_type: 'qwen2' });
    const { id } = await models.download(folder);
    expect(folder.read).toBe(weights.length);
    expect((await contentOf(await models.open(id)))['config.json']).toBe(hashOf(folder.files['config.json']!));
  });

  it('of a folder that cannot say what it is is fetched again', async () => {
    const folder = new Flaky();
    folder.version = undefined;
    const models = library();
    await models.download(folder);
    folder.files['model.safetensors'] = weights.slice().fill(1);
    const { id } = await models.download(folder);
    expect((await contentOf(await models.open(id)))['model.safetensors']).toBe(hashOf(folder.files['model.safetensors']!));
  });

  it('can be deleted', async () => {
    const directory = new TestDirectory();
    const models = library(directory);
    const { id } = await models.download(new Flaky());
    await models.remove(id);
    await models.remove(id);
    expect(await models.list()).toEqual([]);
    expect(directory.inside.size).toBe(0);
    await expect(models.open(id)).rejects.toMatchObject({ code: 'storage/no-such-model' });
    await expect(models.note(id, {})).rejects.toMatchObject({ code: 'storage/no-such-model' });
    expect(directory.inside.size).toBe(0);
  });

  it('that lost bytes is not opened', async () => {
    const directory = new TestDirectory();
    const models = library(directory);
    const { id } = await models.download(new Flaky());
    const held = directory.inside.get(id)!;
    held.files.set('model.safetensors', weights.slice(0, 100));
    await expect(models.open(id)).rejects.toMatchObject({ code: 'storage/damaged-model', message: expect.stringContaining('model.safetensors') });
    held.files.delete('model.safetensors');
    await expect(models.open(id)).rejects.toMatchObject({ code: 'storage/damaged-model' });
  });
});

describe('an interrupted download', () => {
  async function interrupted(directory: TestDirectory, folder: Flaky, options?: DownloadOptions) {
    folder.failAfter = 120_000;
    await expect(library(directory).download(folder, options)).rejects.toThrow('the line broke');
    folder.failAfter = Infinity;
  }

  it('goes on where it stopped, after a restart too', async () => {
    const directory = new TestDirectory();
    const folder = new Flaky();
    folder.hashes = { 'model.safetensors': hashOf(weights) };
    await interrupted(directory, folder);
    const [partial] = await library(directory).list();
    expect(partial).toMatchObject({ complete: false, held: 120_000 + files['config.json'].length + files['tokenizer.json'].length });
    await expect(library(directory).open(partial!.id)).rejects.toMatchObject({ code: 'storage/no-such-model' });
    const seen: number[] = [];
    const entry = await library(directory).download(folder, { onProgress: (done) => seen.push(done) });
    expect(folder.read).toBe(weights.length);
    expect(seen[seen.length - 1]).toBe(entry.bytes);
    expect(await contentOf(await library(directory).open(entry.id))).toEqual(hashes(files));
    expect(directory.inside.get(entry.id)!.files.has(DOWNLOAD_RECORD)).toBe(false);
  });

  it('starts over where the folder is another one now', async () => {
    for (const version of ['commit 2', undefined]) {
      const directory = new TestDirectory();
      const folder = new Flaky();
      folder.version = version && 'commit 1';
      await interrupted(directory, folder);
      folder.version = version;
      folder.read = 0;
      const { id } = await library(directory).download(folder);
      expect(folder.read).toBe(weights.length);
      expect(await contentOf(await library(directory).open(id))).toEqual(hashes(files));
    }
  });

  it('whose partial file was spoilt is found out by the hash, and thrown away', async () => {
    const directory = new TestDirectory();
    const folder = new Flaky();
    folder.hashes = { 'model.safetensors': hashOf(weights) };
    await interrupted(directory, folder);
    const { id } = await one(directory);
    directory.inside.get(id)!.files.get('model.safetensors')![5]! ^= 1;
    await expect(library(directory).download(folder)).rejects.toMatchObject({ code: 'storage/hash-mismatch', message: expect.stringContaining('model.safetensors') });
    expect(directory.inside.get(id)!.files.has('model.safetensors')).toBe(false);
    expect(await library(directory).download(folder)).toMatchObject({ complete: true });
  });

  it('whose record a crash destroyed is shown, and fetched anew', async () => {
    const directory = new TestDirectory();
    const folder = new Flaky();
    await interrupted(directory, folder);
    const [id] = [...directory.inside.keys()];
    directory.inside.get(id!)!.files.set(DOWNLOAD_RECORD, text({ openledger: 'library/1' }).slice(0, 9));
    expect(await library(directory).list()).toMatchObject([{ id, complete: false, held: 0 }]);
    await library(directory).download(folder);
    expect(await contentOf(await library(directory).open(id!))).toEqual(hashes(files));
  });

  it('on a full disk keeps what arrived', async () => {
    const directory = new TestDirectory({ left: 100_000 });
    const folder = new Flaky();
    await expect(library(directory).download(folder)).rejects.toMatchObject({ code: 'storage/disk-full' });
    const before = folder.read;
    directory.space.left = Infinity;
    expect(await library(directory).download(folder)).toMatchObject({ complete: true });
    expect(before + folder.read).toBeLessThan(weights.length + before + 20_000);
    const { id } = await one(directory);
    expect(await contentOf(await library(directory).open(id))).toEqual(hashes(files));
  });

  it('is cancelled at once, and can go on', async () => {
    const directory = new TestDirectory();
    const folder = new Flaky();
    const stop = new AbortController();
    const cancelling = library(directory).download(folder, { signal: stop.signal, onProgress: (done) => done > 50_000 && stop.abort() });
    await expect(cancelling).rejects.toMatchObject({ code: 'cancelled' });
    expect(folder.read).toBeLessThan(80_000);
    expect(await library(directory).download(folder)).toMatchObject({ complete: true });
  });

  it('from a server goes on by a Range request', async () => {
    const server = await startServer({ files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`/m/${name}`, bytes])), breaks: [] , before: (_, response) => (response.setHeader('etag', '"v1"'), false) });
    try {
      const directory = new TestDirectory({ left: 90_000 });
      const open = () => openHttpFolder(`${server.url}/m`, { waitsMs: [5] });
      await expect(library(directory).download(await open())).rejects.toMatchObject({ code: 'storage/disk-full' });
      directory.space.left = Infinity;
      const { held, bytes } = await one(directory);
      const { id } = await library(directory).download(await open());
      expect(server.log).toContain(`GET /m/model.safetensors bytes=${weights.length - (bytes - held)}-${weights.length - 1}`);
      expect(await contentOf(await library(directory).open(id))).toEqual(hashes(files));
    } finally {
      await server.close();
    }
  });
});

describe('space', () => {
  it('that is not enough is said before anything is fetched, with what is missing', async () => {
    const folder = new Flaky();
    const limits = { estimate: async () => ({ usage: 1_000_000, quota: 5_000_000 }) };
    const directory = new TestDirectory();
    await expect(library(directory, limits).download(folder)).rejects.toMatchObject({ code: 'storage/quota', message: expect.stringMatching(/may store 4 MB more .* 13 MB are missing/) });
    expect(folder.read).toBe(0);
    expect(await library(directory, { estimate: async () => ({ usage: 0, quota: 50_000_000 }) }).download(folder)).toMatchObject({ complete: true });
  });
  it('is unknown where a browser does not say, and downloads are tried', async () => {
    expect(await storageState({})).toBeUndefined();
    expect(await storageState({ estimate: () => Promise.reject(new Error('no')) })).toBeUndefined();
    expect(await library(new TestDirectory(), { estimate: () => Promise.reject(new Error('no')) }).download(new Flaky())).toMatchObject({ complete: true });
  });
  it('is kept where the browser promises it', async () => {
    expect(await askToKeep({})).toBe(false);
    expect(await askToKeep({ persisted: async () => false, persist: async () => true })).toBe(true);
    expect(await askToKeep({ persisted: async () => true, persist: () => Promise.reject(new Error('asked twice')) })).toBe(true);
    expect(await storageState({ estimate: async () => ({ usage: 1, quota: 2 }), persisted: async () => true })).toEqual({ usage: 1, quota: 2, persisted: true });
  });
});

it('two downloads of the same model do not meet', async () => {
  const busy = new Set<string>();
  const exclusively = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    if (busy.has(name)) return undefined;
    busy.add(name);
    return work().finally(() => busy.delete(name));
  };
  const models = new ModelLibrary(new TestDirectory(), {}, exclusively);
  const slow = new Flaky();
  let goOn = (): void => undefined;
  slow.list = async () => {
    await new Promise<void>((resolve) => (goOn = resolve));
    return Object.entries(files).map(([name, bytes]) => ({ name, size: bytes.length, sha256: undefined }));
  };
  const first = models.download(slow);
  await expect.poll(() => busy.size).toBe(1);
  await expect(models.download(new Flaky())).rejects.toMatchObject({ code: 'storage/in-use' });
  goOn();
  await first;
  expect(await models.download(new Flaky())).toMatchObject({ complete: true });
});
