import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpFile } from './http-file.ts';
import { openHttpFolder } from './http-folder.ts';
import { parseModelAddress } from './model-address.ts';
import { type Behaviour, type TestServer, startServer } from './test-server.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function serve(behaviour: Behaviour): Promise<TestServer> {
  const server = await startServer(behaviour);
  servers.push(server);
  return server;
}
const options = { waitsMs: [5, 5, 5], timeoutMs: 2000 };
const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) ^ (i >> 8));
const file = (server: TestServer, size = data.length) => new HttpFile('w.safetensors', `${server.url}/w`, size, options);
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe('a file on a server', () => {
  it('is read in parts by ranges', async () => {
    const server = await serve({ files: { '/w': data } });
    expect(await file(server).read(1000, 5000)).toEqual(data.slice(1000, 5000));
    expect(await file(server).read(7, 7)).toEqual(new Uint8Array(0));
    expect(server.log).toEqual(['GET /w bytes=1000-4999']);
    await expect(file(server).read(0, data.length + 1)).rejects.toThrow(RangeError);
  });
  it('is read in one go, without asking twice, where the server knows no ranges', async () => {
    const server = await serve({ files: { '/w': data }, noRanges: true });
    const whole = file(server);
    // Parts asked for at once, forwards: as a loader does that reads ahead.
    const parts = await Promise.all([[8, 100], [100, 70_000], [70_000, 70_001], [200_000, 300_000]].map(([from, to]) => whole.read(from!, to!)));
    expect(parts).toEqual([data.slice(8, 100), data.slice(100, 70_000), data.slice(70_000, 70_001), data.slice(200_000, 300_000)]);
    const requests = server.log.length;
    expect(await whole.read(50, 60)).toEqual(data.slice(50, 60));
    expect(server.log.length).toBe(requests + 1);
    // Each of the four found out for itself; from then on one answer served them.
    expect(requests).toBeLessThanOrEqual(5);
  });
  it('goes on where a connection broke, without fetching again what came', async () => {
    const server = await serve({ files: { '/w': data }, breaks: [100_000, 50_000, 0] });
    const got: Uint8Array[] = [];
    for await (const piece of file(server).stream(10_000)) got.push(piece);
    expect(Buffer.concat(got).equals(data.subarray(10_000))).toBe(true);
    expect(server.log).toEqual(['GET /w bytes=10000-299999', 'GET /w bytes=110000-299999', 'GET /w bytes=160000-299999', 'GET /w bytes=160000-299999']);
  });
  it('goes on after a break where the server knows no ranges', async () => {
    const server = await serve({ files: { '/w': data }, noRanges: true, breaks: [100_000] });
    const got: Uint8Array[] = [];
    for await (const piece of file(server).stream(10_000)) got.push(piece);
    expect(Buffer.concat(got).equals(data.subarray(10_000))).toBe(true);
  });
  it('is given up after several attempts that bring nothing', async () => {
    const server = await serve({ files: { '/w': data }, breaks: Array<number>(50).fill(0) });
    await expect(file(server).read(0, 1000)).rejects.toMatchObject({ code: 'source/unreachable' });
    expect(server.log.length).toBe(4);
  });
  it('waits for a busy server', async () => {
    let busy = 2;
    const server = await serve({
      files: { '/w': data },
      before: (_, response) => {
        if (busy-- <= 0) return false;
        response.statusCode = busy ? 429 : 503;
        response.end();
        return true;
      },
    });
    expect(await file(server).read(0, 1000)).toEqual(data.slice(0, 1000));
  });
  it.each([[401, 'source/denied'], [403, 'source/denied'], [404, 'source/not-found'], [418, 'source/bad-answer']])('answered with %d is said so at once', async (status, code) => {
    const server = await serve({ files: {}, before: (_, response) => (response.writeHead(status).end(), true) });
    await expect(file(server).read(0, 1000)).rejects.toMatchObject({ code });
    expect(server.log.length).toBe(1);
  });
  it('that has another length than it had is not taken', async () => {
    const server = await serve({ files: { '/w': data } });
    await expect(file(server, data.length - 5).read(0, 1000)).rejects.toMatchObject({ code: 'source/changed' });
    await expect(file(server, data.length - 5).read(0, data.length - 5)).rejects.toMatchObject({ code: 'source/changed' });
  });
  it('that is replaced between two requests is not pieced together', async () => {
    let version = 1;
    const server = await serve({ files: { '/w': data }, breaks: [100_000], before: (_, response) => (response.setHeader('etag', `"${version}"`), false) });
    const whole = file(server);
    const reading = (async () => {
      for await (const piece of whole.stream(0)) if (piece.length) version = 2;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'source/changed' });
  });
  it('is not followed to a place without https', async () => {
    const server = await serve({ files: { '/w': data } });
    const fetch = async (url: string, init?: RequestInit) => {
      const response = await globalThis.fetch(url, init);
      Object.defineProperty(response, 'url', { value: 'http://models.example/w' });
      return response;
    };
    await expect(new HttpFile('w', `${server.url}/w`, data.length, { ...options, fetch }).read(0, 10)).rejects.toMatchObject({ code: 'source/insecure' });
  });
  it('stops when cancelled, while it waits too', async () => {
    const server = await serve({ files: { '/w': data }, breaks: Array<number>(50).fill(0) });
    const stop = new AbortController();
    const reading = new HttpFile('w', `${server.url}/w`, data.length, { waitsMs: [60_000] }).read(0, 1000, stop.signal);
    setTimeout(() => stop.abort(), 200);
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('a folder on a server', () => {
  const files = {
    '/m/config.json': text({ model_type: 'llama' }),
    '/m/tokenizer.json': text({}),
    '/m/model.safetensors.index.json': text({ weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } }),
    '/m/model-00001-of-00002.safetensors': data,
    '/m/model-00002-of-00002.safetensors': data.subarray(5),
  };
  it('that lists nothing is searched for what models have', async () => {
    const server = await serve({ files });
    const folder = await openHttpFolder(`${server.url}/m`, options);
    const list = (await folder.list()).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(list).toEqual(Object.entries(files).map(([path, bytes]) => ({ name: path.slice(3), size: bytes.length })).sort((a, b) => (a.name < b.name ? -1 : 1)));
    const shard = await folder.open('model-00002-of-00002.safetensors');
    expect(await shard.read(10, 20)).toEqual(data.slice(15, 25));
    await expect(folder.open('other')).rejects.toMatchObject({ code: 'folder/no-such-file' });
  });
  it('whose texts are compressed on the way has their true sizes', async () => {
    const config = text({ model_type: 'llama', filler: 'x'.repeat(10_000) });
    const server = await serve({
      files: { '/m/model.safetensors': data },
      before: (_, response, path) => {
        if (path !== '/m/config.json') return false;
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'application/json' }).end(gzipSync(config));
        return true;
      },
    });
    const folder = await openHttpFolder(`${server.url}/m/`, options);
    expect(await folder.list()).toEqual([{ name: 'config.json', size: config.length }, { name: 'model.safetensors', size: data.length }]);
    expect(await (await folder.open('config.json')).read(0, config.length)).toEqual(config);
  });
  it('of an app that answers everything with its page is no model', async () => {
    const server = await serve({ files: {}, before: (_, response) => (response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>'), true) });
    await expect(openHttpFolder(`${server.url}/org/name`, options)).rejects.toMatchObject({ code: 'source/not-found' });
  });
  it('that needs an account says so', async () => {
    const server = await serve({ files: {}, before: (_, response) => (response.writeHead(401).end(), true) });
    await expect(openHttpFolder(`${server.url}/org/name`, options)).rejects.toMatchObject({ code: 'source/denied' });
  });
});

describe('a hub', () => {
  const commit = 'a'.repeat(40);
  const sha = 'b'.repeat(64);
  /** As huggingface.co answers, in two pages, with a redirect to where the files are. */
  const hub = (behaviour: Partial<Behaviour> = {}) => serve({
    files: { '/cdn/w': data },
    before: (request, response, path) => {
      const json = (value: unknown) => (response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value)), true);
      if (path === '/api/models/org/name/revision/main') return json({ id: 'org/name', sha: commit });
      if (path === `/api/models/org/name/tree/${commit}`) {
        if (request.url!.includes('cursor=2')) return json([{ type: 'file', oid: '1', size: 135, path: 'model.safetensors', lfs: { oid: sha, size: data.length, pointerSize: 135 } }]);
        response.setHeader('link', `<http://${request.headers.host}/api/models/org/name/tree/${commit}?recursive=false&cursor=2>; rel="next"`);
        return json([
          { type: 'directory', oid: '1', size: 0, path: 'onnx' },
          { type: 'file', oid: '1', size: 20, path: 'config.json' },
          { type: 'file', oid: '1', size: 20, path: 'onnx/model.onnx' },
          { type: 'file', oid: '1', size: 20, path: '../evil' },
        ]);
      }
      if (path === `/org/name/resolve/${commit}/model.safetensors`) return (response.writeHead(302, { location: '/cdn/w' }).end(), true);
      return false;
    },
    ...behaviour,
  });
  it.each(['', '/tree/main', '/resolve/main/model.safetensors', '/blob/main/config.json'])('is listed at org/name%s, pinned to a commit, with hashes', async (suffix) => {
    const server = await hub();
    const folder = await openHttpFolder(`${server.url}/org/name${suffix}`, options);
    expect(folder.version).toBe(commit);
    expect(await folder.list()).toEqual([
      { name: 'config.json', size: 20, sha256: undefined },
      { name: 'model.safetensors', size: data.length, sha256: sha },
    ]);
    expect(await (await folder.open('model.safetensors')).read(100, 200)).toEqual(data.slice(100, 200));
  });
  it('without a listing is searched at its addresses of files', async () => {
    const server = await serve({ files: { '/org/name/resolve/v2/config.json': text({}), '/org/name/resolve/main/config.json': text([]) } });
    expect(await (await openHttpFolder(`${server.url}/org/name/tree/v2`, options)).list()).toEqual([{ name: 'config.json', size: 2 }]);
    expect((await (await openHttpFolder(`${server.url}/org/name`, options)).list()).length).toBe(1);
  });
  it.each([[{ not: 'a list' }], [[1]], [[{ type: 'file', path: 'config.json', size: -1 }]]])('that lists %j is not believed', async (list) => {
    const server = await hub({ before: (_, response, path) => path.includes('/tree/') && (response.writeHead(200).end(JSON.stringify(list)), true) });
    await expect(openHttpFolder(`${server.url}/org/name`, options)).rejects.toMatchObject({ code: 'source/not-found' });
  });
});

describe('addresses', () => {
  it.each([
    ['https://huggingface.co/org/name', 'https://huggingface.co/api/models/org/name', 'main', ''],
    ['https://huggingface.co/org/name/', 'https://huggingface.co/api/models/org/name', 'main', ''],
    ['https://huggingface.co/org/name/tree/v1.0/sub/dir', 'https://huggingface.co/api/models/org/name', 'v1.0', 'sub/dir'],
    ['https://huggingface.co/org/name/resolve/refs%2Fpr%2F1/model.safetensors', 'https://huggingface.co/api/models/org/name', 'refs%2Fpr%2F1', ''],
    ['https://mirror.example/hf/org/name/tree/main', 'https://mirror.example/hf/api/models/org/name', 'main', ''],
  ])('%s is a hub’s', (address, api, revision, path) => {
    expect(parseModelAddress(address).hub).toMatchObject({ api, revision, path });
  });
  it.each([['https://example.org/models/a/b', 'https://example.org/models/a/b/'], ['https://example.org/', 'https://example.org/'], ['http://localhost:8080/m/x/config.json', 'http://localhost:8080/m/x/']])('%s is a folder’s', (address, base) => {
    expect(parseModelAddress(address).bases[0]).toBe(base);
  });
  it.each(['', 'org/name', 'ftp://x/y', 'http://example.org/org/name', 'http://127.0.0.1.example.org/a/b', 'https://user:pass@example.org/a/b', 'file:///etc', 'javascript:alert(1)'])('“%s” is refused', (address) => {
    expect(() => parseModelAddress(address)).toThrow(expect.objectContaining({ code: 'source/bad-address' }));
  });
});
