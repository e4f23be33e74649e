import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { OpenLedgerError } from '../errors.ts';
import { MemoryBlocks } from './block-store.ts';
import { ContentStore } from './content-store.ts';
import { gatewayBase, GatewaySource } from './gateway-source.ts';
import { sampleBytes, text } from './test-bytes.ts';
import { alsoStop, serveWith, stopAll, type TestServer } from './test-gateways.ts';

const MIB = 1024 * 1024;
afterEach(stopAll);

/** A publisher's store, with what it holds served as raw blocks and CARs, or as the test bends it. */
async function published(files: Record<string, Uint8Array> | Uint8Array) {
  const store = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
  const cid = files instanceof Uint8Array ? await store.addFile(files) : await store.addDirectory(files);
  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    bend: (bytes: Uint8Array) => Uint8Array = (b) => b,
  ) => {
    const url = new URL(request.url!, 'http://x');
    const asked = url.pathname.split('/')[2]!;
    if (!(await store.hasBlock(asked))) return void response.writeHead(404).end();
    const format = url.searchParams.get('format')!;
    const bytes = format === 'car' ? await store.exportCar(asked) : await store.readBlock(asked);
    response.writeHead(200, { 'content-type': `application/vnd.ipld.${format}` }).end(bend(bytes));
  };
  return { store, cid, answer };
}

const reader = (gateways: (TestServer | string)[], timeoutMs = 300) =>
  new ContentStore({
    gateways: gateways.map((g) => (typeof g === 'string' ? g : g.url)),
    cache: new MemoryBlocks(),
    timeoutMs,
  });

const FOLDER = { 'weights.bin': sampleBytes(2 * MIB + 7), 'config.json': text('{"a":1}') };
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('a good gateway', () => {
  it('delivers a chunked file with one CAR request, reports bytes, and is not asked twice', async () => {
    const { cid, answer } = await published(FOLDER['weights.bin']);
    const good = await serveWith(answer);
    const store = reader([good]);
    const progress: (number | undefined)[][] = [];
    const got = await store.readFile(cid, undefined, { onProgress: (loaded, total) => progress.push([loaded, total]) });
    expect(digest(got)).toBe(digest(FOLDER['weights.bin']));
    expect(good.requests).toEqual([`/ipfs/${cid}?format=car&dag-scope=all`]);
    expect(progress.at(-1)).toEqual([2 * MIB + 7, 2 * MIB + 7]);
    expect(progress.length).toBeGreaterThan(3);
    await store.readFile(cid);
    expect(good.requests.length).toBe(1);
  });

  it('delivers a whole folder at once', async () => {
    const { cid, answer } = await published(FOLDER);
    const good = await serveWith(answer);
    const store = reader([good]);
    await store.prefetch(cid);
    expect(good.requests.length).toBe(1);
    await good.close();
    expect(digest(await store.readFile(cid, 'weights.bin'))).toBe(digest(FOLDER['weights.bin']));
  });

  it('without CAR is read block by block', async () => {
    const { cid, answer } = await published(FOLDER);
    for (const status of [400, 406, 501]) {
      const raw = await serveWith((q, s) =>
        q.url!.includes('format=car') ? void s.writeHead(status).end('no CAR') : answer(q, s),
      );
      expect(digest(await reader([raw]).readFile(cid, 'weights.bin'))).toBe(digest(FOLDER['weights.bin']));
      expect(raw.requests.filter((path) => path.includes('format=raw')).length).toBe(5);
    }
  });

  it('may redirect', async () => {
    const { cid, answer } = await published(FOLDER);
    const good = await serveWith(answer);
    const redirecting = await serveWith((q, s) => void s.writeHead(301, { location: `${good.url}${q.url}` }).end());
    expect(Buffer.from(await reader([redirecting]).readFile(cid, 'config.json')).toString()).toBe('{"a":1}');
  });

  it('is asked for one part when one part is read', async () => {
    const { cid, answer } = await published(FOLDER['weights.bin']);
    const good = await serveWith(answer);
    const got = await reader([good]).readRange(cid, undefined, { offset: MIB + 5, length: 10 });
    expect(digest(got)).toBe(digest(FOLDER['weights.bin'].subarray(MIB + 5, MIB + 15)));
    expect(good.requests.length).toBe(2);
  });
});

describe('the next gateway serves when one', () => {
  type Bad = (
    request: IncomingMessage,
    response: ServerResponse,
    answer: Awaited<ReturnType<typeof published>>['answer'],
  ) => unknown;
  const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte));
  const cases: [string, Bad][] = [
    ['sends wrong bytes', (q, s, answer) => answer(q, s, flip)],
    ['sends another page', (_q, s) => s.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in</h1>')],
    [
      'lies about the type too',
      (_q, s) => s.writeHead(200, { 'content-type': 'application/vnd.ipld.car' }).end('<h1>Sign in</h1>'),
    ],
    ['sends less than it has', (q, s, answer) => answer(q, s, (bytes) => bytes.subarray(0, bytes.length >> 1))],
    [
      'breaks off',
      (q, s, answer) => (
        s.setHeader('content-length', 9e5),
        s.on('finish', () => s.socket?.destroy()),
        answer(q, s, (b) => b.subarray(0, 40))
      ),
    ],
    ['announces more than a block', (_q, s) => s.writeHead(200, { 'content-length': 9e9 }).write('x')],
    [
      'sends without end',
      (_q, s) => {
        s.writeHead(200, { 'content-type': 'application/vnd.ipld.car' });
        const more = () => {
          while (!s.destroyed && s.write(Buffer.alloc(65_536)));
          if (!s.destroyed) s.once('drain', more);
        };
        more();
      },
    ],
    ['never answers', () => undefined],
    ['stalls in the middle', (_q, s) => s.writeHead(200, { 'content-type': 'application/vnd.ipld.car' }).write('x')],
    ['answers 500', (_q, s) => s.writeHead(500).end()],
    ['answers 429', (_q, s) => s.writeHead(429).end()],
    ['answers 404', (_q, s) => s.writeHead(404).end()],
    ['answers 204', (_q, s) => s.writeHead(204).end()],
    ['redirects in a circle', (q, s) => s.writeHead(302, { location: q.url }).end()],
    ['cuts the connection', (_q, s) => s.socket?.destroy()],
  ];
  it.each(cases)('%s', async (_name, bad) => {
    const { cid, answer } = await published(FOLDER);
    const first = await serveWith((q, s) => void bad(q, s, answer));
    const second = await serveWith(answer);
    const store = reader([first, second]);
    expect(digest(await store.readFile(cid, 'weights.bin'))).toBe(digest(FOLDER['weights.bin']));
    expect(first.requests.length).toBeGreaterThan(0);
    expect(second.requests.length).toBeGreaterThan(0);
  });

  it('is down', async () => {
    const { cid, answer } = await published(FOLDER);
    const down = await serveWith(() => undefined);
    await down.close();
    const second = await serveWith(answer);
    expect((await reader([down, second]).readFile(cid, 'config.json')).length).toBe(7);
  });

  it('breaks off within an archive: what arrived is kept and only the rest is fetched', async () => {
    const { cid, answer } = await published(FOLDER['weights.bin']);
    const first = await serveWith((q, s) => answer(q, s, (bytes) => bytes.subarray(0, bytes.length - 20)));
    const second = await serveWith(answer);
    expect(digest(await reader([first, second]).readFile(cid))).toBe(digest(FOLDER['weights.bin']));
    const raw = [...first.requests, ...second.requests].filter((path) => path.includes('format=raw'));
    expect(new Set(raw).size).toBe(1);
  });

  it('fails: it is asked last for a while, so that one slow gateway does not slow every block', async () => {
    const { store, cid, answer } = await published(FOLDER);
    const other = await store.addFile(text('other'));
    const slow = await serveWith(() => undefined);
    const good = await serveWith(answer);
    const mine = reader([slow, good]);
    await mine.readFile(cid, 'weights.bin');
    await mine.readFile(other);
    expect(slow.requests.length).toBe(1);
  });
});

describe('when no gateway delivers', () => {
  it('one error names each of them and why', async () => {
    const { cid, answer } = await published(text('a receipt'));
    const wrong = await serveWith((q, s) => answer(q, s, () => text('forged')));
    const silent = await serveWith(() => undefined);
    const broken = await serveWith((_q, s) => void s.writeHead(502).end());
    const down = await serveWith(() => undefined);
    await down.close();
    const error: OpenLedgerError = await reader([wrong, silent, broken, down])
      .readFile(cid)
      .then(
        () => expect.fail('read'),
        (e) => e,
      );
    expect(error.code).toBe('storage/unavailable');
    for (const part of [
      `${wrong.url}: sent wrong bytes`,
      `${silent.url}: sent nothing for 0.3 s`,
      `${broken.url}: answered 502`,
      `${down.url}: cannot be reached`,
      cid,
    ]) {
      expect(error.why).toContain(part);
    }
  });

  it('a missing CID is told apart from broken gateways', async () => {
    const { cid } = await published(FOLDER);
    const empty = await serveWith((_q, s) => void s.writeHead(404).end());
    await expect(reader([empty]).readFile(cid, 'config.json')).rejects.toMatchObject({
      code: 'storage/not-found',
      why: expect.stringContaining(empty.url),
    });
    await expect(reader([empty]).prefetch(cid)).rejects.toMatchObject({ code: 'storage/not-found' });
    await expect(reader([]).readFile(cid)).rejects.toMatchObject({
      code: 'storage/not-found',
      why: expect.stringContaining('no gateway is set'),
    });
  });

  it('a stalled tree does not make one wait twice', async () => {
    const { cid } = await published(FOLDER);
    const silent = await serveWith(() => undefined);
    await expect(reader([silent]).prefetch(cid)).rejects.toMatchObject({ code: 'storage/unavailable' });
    expect(silent.requests.length).toBe(1);
  });

  it('cancelling ends the request at once', async () => {
    const { cid } = await published(FOLDER);
    const silent = await serveWith(() => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const started = Date.now();
    await expect(
      reader([silent, silent.url.replace('127.0.0.1', 'localhost')], 20_000).readFile(cid, 'config.json', {
        signal: controller.signal,
      }),
    ).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(Date.now() - started).toBeLessThan(5_000);
    expect(silent.requests.length).toBe(1);
  });
});

describe('a hostile gateway', () => {
  it('cannot put unrelated blocks into the cache', async () => {
    const { cid, answer, store } = await published(FOLDER);
    const stranger = await store.addFile(text('a stranger'));
    const extra = await store.exportCar(stranger);
    // The header of a one-root archive has the same length for every such root.
    const frames = extra.subarray(extra.length - (1 + 36 + 10));
    const generous = await serveWith((q, s) => answer(q, s, (bytes) => Buffer.concat([bytes, frames])));
    const cache = new MemoryBlocks();
    const mine = new ContentStore({ gateways: [generous.url], cache });
    await mine.prefetch(cid);
    expect(await mine.hasBlock(cid)).toBe(true);
    expect(await mine.hasBlock(stranger)).toBe(false);
  });

  it('cannot send more than was asked for', async () => {
    const { cid, answer } = await published(FOLDER);
    const good = await serveWith(answer);
    await expect(reader([good]).prefetch(cid, { maxBytes: MIB })).rejects.toMatchObject({ code: 'storage/too-large' });
    await expect(reader([good]).readFile(cid, 'weights.bin', { maxBytes: MIB })).rejects.toMatchObject({
      code: 'storage/too-large',
    });
  });
});

describe('gateway addresses', () => {
  it('are normalised and asked in order, each once', () => {
    const source = new GatewaySource(
      ['https://b.example/', 'https://a.example/x/', 'https://b.example/ipfs/'],
      fetch,
      1,
    );
    expect(source.order()).toEqual(['https://b.example', 'https://a.example/x']);
  });
  it.each([
    '',
    'gateway',
    '/relative',
    'ftp://x.example',
    'javascript:alert(1)',
    'https://u:p@x.example',
    'https://x.example/?a=b',
  ])('%j is refused', (address) => {
    expect(() => gatewayBase(address)).toThrow(expect.objectContaining({ code: 'storage/bad-gateway' }));
  });
});

describe('publishing', () => {
  it('sends an archive and believes only a confirmation of this content', async () => {
    const { store, cid } = await published(FOLDER);
    const taken = new ContentStore({ gateways: [], cache: new MemoryBlocks() });
    const good = await serveWith(async (q, s) => {
      const parts: Buffer[] = [];
      for await (const part of q) parts.push(part as Buffer);
      s.end(JSON.stringify({ roots: await taken.importCar(Buffer.concat(parts)) }));
    });
    await store.publish(cid, `${good.url}/api/publish`);
    expect(digest(await taken.readFile(cid, 'weights.bin'))).toBe(digest(FOLDER['weights.bin']));

    const polite = await serveWith((q, s) => (q.resume(), void s.end('{"roots":[]}')));
    await expect(store.publish(cid, polite.url)).rejects.toMatchObject({ code: 'storage/publish-unconfirmed' });
    const full = await serveWith((q, s) => (q.resume(), void s.writeHead(507).end('{"what":"The disk is full."}')));
    await expect(store.publish(cid, full.url)).rejects.toMatchObject({
      code: 'storage/publish-refused',
      why: expect.stringContaining('The disk is full.'),
    });
    await full.close();
    await expect(store.publish(cid, full.url)).rejects.toMatchObject({ code: 'storage/publish-unreachable' });
    alsoStop(good);
  });
});
