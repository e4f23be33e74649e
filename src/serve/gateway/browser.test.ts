import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleBytes, text } from '../../storage/test-bytes.ts';
import { type Companion, createCompanion } from './companion.ts';

const CHROMIUM = '/usr/bin/chromium';
const storage = new URL('../../storage/', import.meta.url).pathname;

/** The content store inside a real browser's worker, under the companion's own content security policy. */
const WORKER = `
import { openBrowserCache } from '${storage}browser-cache.ts';
import { ContentStore } from '${storage}content-store.ts';
import { sampleBytes, text } from '${storage}test-bytes.ts';
self.onmessage = async ({ data }) => {
  try {
    const { cache, persistent } = await openBrowserCache();
    const store = new ContentStore({ gateways: data.gateways, cache });
    if (data.publish) {
      const cid = await store.addDirectory({ 'a.bin': sampleBytes(2 * 1024 * 1024 + 5), 'sub/b.txt': text('b') });
      await store.publish(cid, data.publish);
      self.postMessage({ cid, persistent });
    } else {
      const bytes = await store.readFile(data.cid, data.path);
      const progress = [];
      await store.readFile(data.cid, data.path, { onProgress: (loaded, total) => progress.push([loaded, total]) });
      self.postMessage({ length: bytes.length, first: bytes[0], last: progress.at(-1) });
    }
  } catch (error) {
    self.postMessage({ error: error.code ?? String(error) });
  }
};
// WebAssembly has to be allowed where models run.
await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
`;
const PAGE = `
window.ask = (data) => new Promise((resolve, reject) => {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = (event) => { resolve(event.data); worker.terminate(); };
  worker.onerror = (event) => reject(new Error(event.message));
  worker.postMessage(data);
});
`;

describe.skipIf(!existsSync(CHROMIUM))('in a browser', () => {
  let dir: string;
  let app: Companion;
  let browser: Browser;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'openledger-browser-'));
    await writeFile(join(dir, 'worker.js'), WORKER);
    await writeFile(join(dir, 'page.js'), PAGE);
    await writeFile(
      join(dir, 'index.html'),
      '<!doctype html><link rel="icon" href="data:," /><title>store</title><script type="module" src="./page.js"></script>',
    );
    await build({
      root: dir,
      configFile: false,
      logLevel: 'error',
      worker: { format: 'es' },
      build: { outDir: join(dir, 'dist'), target: 'es2022', minify: false },
    });
    app = await createCompanion({
      store: join(dir, 'blocks'),
      staticDir: join(dir, 'dist'),
      deployment: () => undefined,
      port: 0,
    });
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await app?.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('gives the CIDs that Node gives, publishes, and keeps what it read across a reload', async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(app.url);
    const ask = (data: object) =>
      page.evaluate((message) => (window as unknown as { ask(data: object): unknown }).ask(message), data);
    await page.waitForFunction('window.ask');

    // The same folder has this CID in src/storage/content-store.test.ts.
    const published = await ask({ gateways: [], publish: `${app.url}/api/publish` });
    expect(published).toEqual({ cid: 'bafybeifvermxk5is6uapn6o3ob3btfqhs3vpr6mc2xdmrqftjeiuotgpra', persistent: true });

    const bytes = sampleBytes(1024 * 1024 + 9, 4);
    const cid = await app.store.addDirectory({ 'model.bin': bytes, 'note.txt': text('n') });
    const read = { length: bytes.length, first: bytes[0], last: [bytes.length, bytes.length] };
    expect(await ask({ gateways: [app.url], cid, path: 'model.bin' })).toEqual(read);
    await page.reload();
    await page.waitForFunction('window.ask');
    expect(await ask({ gateways: [], cid, path: 'model.bin' })).toEqual(read);
    expect(await ask({ gateways: [], cid, path: 'note.txt' })).toEqual({ error: 'storage/not-found' });
    expect(problems).toEqual([]);
  }, 60_000);
});
