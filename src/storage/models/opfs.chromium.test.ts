import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build } from 'vite';
import { expect, it } from 'vitest';
import type { OpfsReport } from './opfs.page.ts';
import { startServer } from './test-server.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

async function script(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, lib: { entry: fileURLToPath(new URL('opfs.page.ts', import.meta.url)), formats: ['es'], fileName: 'page' } },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (!first || !('output' in first)) throw new Error('vite gave no output');
  return first.output[0].code;
}

it('the library on Chromium’s private file system: interrupted, resumed, opened, deleted, in the page and in a worker', async (context) => {
  if (!existsSync(CHROMIUM)) {
    console.warn(`NOT TESTED: the private file system in Chromium. There is no ${CHROMIUM} (set CHROMIUM to another).`);
    return context.skip();
  }
  const weights = Uint8Array.from({ length: 24 * 2 ** 20 }, (_, i) => (i * 31) ^ (i >> 9));
  const files = { 'config.json': new TextEncoder().encode('{"model_type":"llama"}'), 'model.safetensors': weights };
  const code = await script();
  const server = await startServer({
    files: { '/m/config.json': files['config.json'], '/m/model.safetensors': weights },
    before: (_, response, path) => {
      response.setHeader('etag', '"one"');
      if (path !== '/' && path !== '/page.js') return false;
      response.setHeader('content-type', path === '/' ? 'text/html' : 'text/javascript');
      response.end(path === '/' ? '<!doctype html><title>library</title><script type="module" src="/page.js"></script>' : code);
      return true;
    },
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(100_000);
    await page.goto(server.url);
    await page.waitForFunction(() => 'openledgerOpfs' in globalThis);
    const reports = await page.evaluate(() => (globalThis as unknown as { openledgerOpfs(): Promise<{ here: OpfsReport; worker: OpfsReport }> }).openledgerOpfs());
    for (const [where, report] of Object.entries(reports)) {
      console.log(`${where}: ${report.straight ? 'straight to the file' : 'by way of a copy'}, second half of ${weights.length / 2 ** 20} MiB in ${Math.round(report.milliseconds)} ms`);
      expect(report.bytes).toBe(weights.length + files['config.json'].length);
      expect(report.partial).toBeGreaterThan(report.bytes / 2);
      expect(report.partial).toBeLessThan(report.bytes);
      expect(report.hashes).toEqual(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')])));
      expect(report.left).toBe(0);
      expect(report.quota).toBeGreaterThan(0);
    }
    expect(reports.worker.straight).toBe(true);
    expect(reports.here.straight).toBe(false);
    // Where bytes go straight to the file only one can write it.
    expect(reports.worker.second).toBe('storage/in-use');
    // The second attempts asked for what was missing only.
    const ranges = server.log.map((line) => /bytes=(\d+)-/.exec(line)?.[1]).filter(Boolean).map(Number);
    expect(ranges.length).toBe(2);
    for (const from of ranges) expect(from).toBeGreaterThanOrEqual(weights.length / 2);
  } finally {
    await browser.close();
    await server.close();
  }
});
