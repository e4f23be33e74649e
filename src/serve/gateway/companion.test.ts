import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../protocol/deployment.ts';
import { MemoryBlocks } from '../../storage/block-store.ts';
import { once, readCar } from '../../storage/car.ts';
import { ContentStore } from '../../storage/content-store.ts';
import { sampleBytes, text } from '../../storage/test-bytes.ts';
import { type Companion, createCompanion } from './companion.ts';

const MIB = 1024 * 1024;
const FILES = { 'weights.bin': sampleBytes(3 * MIB + 11), 'sub/config.json': text('{"a":1}') };
const RECEIPT = 'an answer and who made it';

let dir: string;
let app: Companion;
let folder: string;
let receipt: string;
let deployment: Deployment | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'openledger-companion-'));
  await mkdir(join(dir, 'dist/assets'), { recursive: true });
  await mkdir(join(dir, 'dist/.git'));
  await writeFile(join(dir, 'dist/index.html'), `<!doctype html><title>app</title>${' '.repeat(4000)}`);
  await writeFile(join(dir, 'dist/assets/index-Ab12Cd34.js'), `export const x = '${'a'.repeat(5000)}';`);
  await writeFile(join(dir, 'dist/engine.wasm'), Buffer.alloc(3000));
  await writeFile(join(dir, 'dist/.git/config'), 'hidden');
  await writeFile(join(dir, 'secret.txt'), 'secret');
  await symlink(join(dir, 'secret.txt'), join(dir, 'dist/link.txt'));
  app = await createCompanion({
    store: join(dir, 'blocks'),
    staticDir: join(dir, 'dist'),
    deployment: () => deployment,
    port: 0,
    api: { 'GET /api/hello': (_q, response, _u, cors) => void response.writeHead(200, cors).end('hello') },
  });
  folder = await app.store.addDirectory(FILES);
  receipt = await app.store.addFile(text(RECEIPT));
});
afterAll(async () => {
  await app?.close();
  await rm(dir, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${app.url}${path}`, { headers, method });
/** fetch() sets Host, Origin and accept-encoding itself; this sends what it is told. */
function plain(
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port: app.port, path, headers, method }, async (response) => {
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) });
    });
    request.on('error', reject).end();
  });
}

async function blocksOf(response: Response): Promise<string[]> {
  const car = await readCar(once(new Uint8Array(await response.arrayBuffer())));
  const cids = [];
  for await (const { cid } of car.blocks) cids.push(cid.toString());
  return cids;
}

describe('the trustless gateway', () => {
  it('serves raw blocks with the headers that make them cacheable for ever, anywhere', async () => {
    const response = await get(`/ipfs/${receipt}?format=raw`);
    expect(await response.text()).toBe(RECEIPT);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/vnd.ipld.raw',
      'content-length': String(RECEIPT.length),
      'cache-control': 'public, max-age=29030400, immutable',
      etag: `"${receipt}.raw"`,
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
      'x-ipfs-path': `/ipfs/${receipt}`,
      'content-disposition': `attachment; filename="${receipt}.bin"`,
    });
  });

  it('takes the format from Accept as well, and answers 400 without one', async () => {
    expect((await get(`/ipfs/${receipt}`, { accept: 'application/vnd.ipld.raw' })).status).toBe(200);
    expect(
      (await get(`/ipfs/${receipt}`, { accept: 'application/vnd.ipld.car' })).headers.get('content-type'),
    ).toContain('application/vnd.ipld.car');
    for (const accept of ['text/html', '*/*']) expect((await get(`/ipfs/${receipt}`, { accept })).status).toBe(400);
    expect((await get(`/ipfs/${receipt}?format=tar`)).status).toBe(400);
  });

  it('answers HEAD without a body, OPTIONS for CORS, and 405 to the rest', async () => {
    const head = await get(`/ipfs/${receipt}?format=raw`, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String(RECEIPT.length),
      '',
    ]);
    expect((await get(`/ipfs/${receipt}?format=car`, {}, 'HEAD')).status).toBe(200);
    const options = await get(`/ipfs/${receipt}`, {}, 'OPTIONS');
    expect([options.status, options.headers.get('access-control-allow-methods')]).toEqual([204, 'GET, HEAD, OPTIONS']);
    expect((await get(`/ipfs/${receipt}?format=raw`, {}, 'DELETE')).status).toBe(405);
  });

  it('answers 304 to a matching ETag only', async () => {
    for (const tag of [`"${receipt}.raw"`, `W/"${receipt}.raw"`, `"x", "${receipt}.raw"`, '*']) {
      expect((await get(`/ipfs/${receipt}?format=raw`, { 'if-none-match': tag })).status).toBe(304);
    }
    expect((await get(`/ipfs/${receipt}?format=raw`, { 'if-none-match': '"other"' })).status).toBe(200);
    const etag = (await get(`/ipfs/${folder}?format=car`)).headers.get('etag')!;
    expect((await get(`/ipfs/${folder}?format=car`, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(`/ipfs/${folder}?format=car&dag-scope=block`, { 'if-none-match': etag })).status).toBe(200);
  });

  it('answers 404 for what it has not, 412 when only a cached answer was wanted, 400 for what is no CID', async () => {
    const missing = await new ContentStore({ gateways: [], cache: new MemoryBlocks() }).addFile(text('missing'));
    const response = await get(`/ipfs/${missing}?format=raw`);
    expect([response.status, (await response.json()).code]).toEqual([404, 'storage/not-found']);
    expect((await get(`/ipfs/${missing}?format=raw`, { 'cache-control': 'only-if-cached' })).status).toBe(412);
    expect((await get(`/ipfs/${receipt}?format=raw`, { 'cache-control': 'only-if-cached' })).status).toBe(200);
    expect((await get('/ipfs/nonsense?format=raw')).status).toBe(400);
    expect((await get(`/ipfs/${folder}/no/such?format=car`)).status).toBe(404);
    expect((await get(`/ipfs/${folder}/weights.bin/x?format=car`)).status).toBe(404);
    expect((await get(`/ipfs/${folder}/%2e%2e%2fx?format=car`)).status).toBe(400);
    expect((await get(`/ipfs/${folder}/%zz?format=car`)).status).toBe(400);
  });

  it('serves archives by scope and path', async () => {
    const all = await blocksOf(await get(`/ipfs/${folder}?format=car`));
    // Folder, sub-folder, its file, the file's node and its four chunks.
    expect(all.length).toBe(8);
    expect(await blocksOf(await get(`/ipfs/${folder}?format=car&dag-scope=block`))).toEqual([folder]);
    expect(await blocksOf(await get(`/ipfs/${folder}?format=car&dag-scope=entity`))).toEqual([folder]);
    const path = await blocksOf(await get(`/ipfs/${folder}/sub/config.json?format=car`));
    expect(path.length).toBe(3);
    expect(path[0]).toBe(folder);
    expect((await blocksOf(await get(`/ipfs/${folder}/weights.bin?format=car&dag-scope=entity`))).length).toBe(6);
    expect((await get(`/ipfs/${folder}?format=car&dag-scope=some`)).status).toBe(400);
  });

  it('serves the blocks of a byte range alone', async () => {
    const count = async (range: string) =>
      (await blocksOf(await get(`/ipfs/${folder}/weights.bin?format=car&entity-bytes=${range}`))).length;
    // Folder and file node are always there.
    expect(await count('0:0')).toBe(3);
    expect(await count(`${MIB - 1}:${MIB}`)).toBe(4);
    expect(await count('-5:*')).toBe(3);
    expect(await count('-12:-1')).toBe(4);
    expect(await count('0:*')).toBe(6);
    expect(await count(`${9 * MIB}:*`)).toBe(2);
    expect((await get(`/ipfs/${folder}?format=car&entity-bytes=a:b`)).status).toBe(400);
  });

  it('is what the content store reads from', async () => {
    const cache = new MemoryBlocks();
    const store = new ContentStore({ gateways: [app.url], cache });
    expect(Buffer.compare(await store.readFile(folder, 'weights.bin'), FILES['weights.bin'])).toBe(0);
    expect(Buffer.from(await store.readRange(folder, 'sub/config.json', { offset: 1, length: 3 })).toString()).toBe(
      '"a"',
    );
  });

  it('cuts a transfer whose blocks are damaged, so that it cannot pass for complete', async () => {
    const bytes = sampleBytes(2 * MIB, 5);
    const cid = await app.store.addFile(bytes);
    for await (const block of app.store.blocks(cid)) {
      if (block.bytes.length !== MIB) continue;
      const { FsBlockstore } = await import('blockstore-fs');
      await new FsBlockstore(join(dir, 'blocks')).delete(block.cid);
      break;
    }
    await expect(get(`/ipfs/${cid}?format=car`).then((response) => response.arrayBuffer())).rejects.toThrow();
  });
});

describe('publishing', () => {
  const post = (body: Uint8Array | ReadableStream, headers: Record<string, string> = {}) =>
    fetch(`${app.url}/api/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.ipld.car', ...headers },
      body: body as BodyInit,
      duplex: 'half',
    } as RequestInit);

  it('takes an archive, which can then be read', async () => {
    const mine = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
    const cid = await mine.addDirectory({ 'adapter.bin': sampleBytes(2 * MIB + 1, 77) });
    await mine.publish(cid, `${app.url}/api/publish`);
    const other = new ContentStore({ gateways: [app.url], cache: new MemoryBlocks() });
    expect((await other.readFile(cid, 'adapter.bin')).length).toBe(2 * MIB + 1);
  });

  it('stores nothing of a forged archive', async () => {
    const mine = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
    const cid = await mine.addFile(text('forged'));
    const car = await mine.exportCar(cid);
    car[car.length - 1]! ^= 1;
    const response = await post(car);
    expect([response.status, (await response.json()).code]).toEqual([400, 'storage/block-hash-mismatch']);
    expect(await app.store.hasBlock(cid)).toBe(false);
  });

  it('refuses other types, foreign pages, and what is too large, announced or not', async () => {
    const mine = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
    const car = await mine.exportCar(await mine.addFile(text('page')));
    expect((await post(car, { 'content-type': 'text/plain' })).status).toBe(415);
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost.evil.example',
      'http://127.0.0.1.evil.example',
    ]) {
      expect((await plain('/api/publish', { origin, 'content-type': 'application/vnd.ipld.car' }, 'POST')).status).toBe(
        403,
      );
    }
    expect(
      (
        await plain(
          '/api/publish',
          { 'sec-fetch-site': 'cross-site', 'content-type': 'application/vnd.ipld.car' },
          'POST',
        )
      ).status,
    ).toBe(403);
    const local = await post(car, { origin: 'http://localhost:5173' });
    expect([local.status, local.headers.get('access-control-allow-origin')]).toEqual([200, 'http://localhost:5173']);
    const announced = await post(new Uint8Array(64 * MIB + 1));
    expect([announced.status, (await announced.json()).code]).toEqual([413, 'companion/body-too-large']);
    let left = 70;
    const endless = new ReadableStream({ pull: (c) => (left-- > 0 ? c.enqueue(new Uint8Array(MIB)) : c.close()) });
    expect((await post(endless)).status).toBe(413);
  });
});

describe('the app', () => {
  it('comes with types, compression and cache headers', async () => {
    const page = await plain('/', { 'accept-encoding': 'gzip, br' });
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'br',
      'cache-control': 'no-cache',
    });
    expect(brotliDecompressSync(page.body).toString()).toContain('<title>app</title>');
    const script = await plain('/assets/index-Ab12Cd34.js', { 'accept-encoding': 'gzip, br;q=0' });
    expect(script.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(gunzipSync(script.body).toString()).toContain('export const x');
    const wasm = await plain('/engine.wasm', { 'accept-encoding': 'br' });
    expect(wasm.headers).toMatchObject({ 'content-type': 'application/wasm', 'content-length': '3000' });
    expect((await plain('/', { 'if-none-match': String(page.headers.etag) })).status).toBe(304);
    expect((await plain('/', {}, 'HEAD')).body.length).toBe(0);
  });

  it('answers its own routes with the page, and missing files with 404', async () => {
    expect((await plain('/receipt/bafy', {})).body.toString()).toContain('<title>app</title>');
    expect((await plain('/assets/missing.js', {})).status).toBe(404);
    expect((await plain('/', {}, 'POST')).status).toBe(405);
  });

  it('allows WebAssembly and workers, no inline scripts, and the network of its deployment alone', async () => {
    deployment = sampleDeployment();
    const csp = String((await plain('/', {})).headers['content-security-policy']);
    deployment = undefined;
    expect(csp).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(csp).toContain("worker-src 'self' blob:");
    expect(csp).toContain('https://rpc.example https://gateway.example');
    // Model hubs may be anywhere, but only over https; pages and scripts come from here alone.
    expect(csp).not.toMatch(/connect-src[^;]*( \*| http:[ ;])/);
    expect(csp).not.toMatch(/(default|script|worker)-src[^;]*https?:/);
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/.git/config',
    '/link.txt',
    '/%00.txt',
    '//secret.txt',
  ])('does not lead out of its folder by %s', async (path) => {
    const response = await plain(path, {});
    expect(response.body.toString()).not.toMatch(/secret\b|hidden/);
    expect(response.status).toBeGreaterThanOrEqual(400);
  });

  it('says what to do when it was not built', async () => {
    const bare = await createCompanion({
      store: join(dir, 'bare'),
      staticDir: join(dir, 'none'),
      deployment: () => undefined,
      port: 0,
    });
    const response = await fetch(bare.url);
    expect([response.status, (await response.json()).next]).toEqual([
      404,
      'Run npm run build, then start the companion again.',
    ]);
    await bare.close();
  });
});

describe('the deployment', () => {
  it('is 503 until it is there, then fresh every time', async () => {
    expect((await get('/deployment.json')).status).toBe(503);
    deployment = sampleDeployment();
    const response = await get('/deployment.json');
    expect([response.headers.get('cache-control'), await response.json()]).toEqual(['no-store', deployment]);
    deployment = undefined;
  });

  it('with its demo keys is not for other sites, nor under other names', async () => {
    deployment = sampleDeployment();
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1@evil.example']) {
      const response = await plain('/deployment.json', { host });
      expect(response.status, host).toBeGreaterThanOrEqual(400);
      expect(response.body.toString()).not.toContain('rpc.example');
    }
    for (const host of [`localhost:${app.port}`, `127.0.0.1:${app.port}`, `[::1]:${app.port}`])
      expect((await plain('/deployment.json', { host })).status).toBe(200);
    expect((await plain('/deployment.json', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await plain('/deployment.json', {})).headers['access-control-allow-origin']).toBeUndefined();
    deployment = undefined;
  });
});

describe('the server', () => {
  it('takes the next port when one is in use, and says so', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const next = await createCompanion({ store: join(dir, 'next'), staticDir: dir, deployment: () => undefined, port });
    expect(next.port).toBeGreaterThan(port);
    expect(next.notice).toContain(`Port ${port} is in use`);
    await next.close();
    await new Promise((resolve) => taken.close(resolve));
  });

  it('serves further routes, and 404 for those that are not there', async () => {
    expect(await (await get('/api/hello')).text()).toBe('hello');
    expect((await get('/api/other')).status).toBe(404);
    expect((await get('/api/hello', {}, 'POST')).status).toBe(404);
    expect((await plain('/api/hello', { origin: 'https://evil.example' })).status).toBe(403);
  });

  it('keeps its content when it starts again', async () => {
    const again = await createCompanion({
      store: join(dir, 'blocks'),
      staticDir: dir,
      deployment: () => undefined,
      port: 0,
    });
    expect(await (await fetch(`${again.url}/ipfs/${receipt}?format=raw`)).text()).toBe(RECEIPT);
    await again.close();
    expect((await readdir(join(dir, 'blocks'))).length).toBeGreaterThan(3);
  });

  it('lives through nonsense', async () => {
    for (const line of [
      'GARBAGE\r\n\r\n',
      'GET http://[bad HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET \\..\\.. HTTP/1.1\r\nHost: localhost\r\n\r\n',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(app.port, '127.0.0.1', () => socket.end(line));
        socket
          .resume()
          .on('close', resolve)
          .on('error', () => undefined);
      });
    }
    expect((await get('/')).status).toBe(200);
  });
});

function sampleDeployment(): Deployment {
  const zero = '0x0000000000000000000000000000000000000000';
  return {
    openledger: 'deployment/1',
    name: 'test',
    chain: {
      id: 1,
      name: 'test',
      rpcUrls: ['https://rpc.example/key'],
      currency: { name: 'OPEN', symbol: 'OPEN', decimals: 18 },
      deploymentBlock: '0',
      blockSeconds: 2,
    },
    contracts: { datanetRegistry: zero, contributions: zero, adapterRegistry: zero, settlement: zero, treasury: zero, disputes: zero, referee: zero, runs: zero },
    gateways: ['.', 'https://gateway.example/'],
    base: { name: 'base', cid: 'bafy' },
    samples: { datanets: [], adapters: [] },
  };
}
