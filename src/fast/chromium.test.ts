import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build } from 'vite';
import { expect, it } from 'vitest';
import type { PageReport } from './chromium.page.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json' };
/** What the companion sends, as far as it concerns code: ONNX Runtime must do without eval. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:";
const publicFolder = fileURLToPath(new URL('../../public', import.meta.url));

async function serve(folder: string): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname.slice(1);
    const [first, ...rest] = path.split('/');
    const file = first === 'base' ? join(publicFolder, path) : first === 'adapter' ? join(publicFolder, 'adapters/exploits', ...rest) : join(folder, path);
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'text/html');
    if (!path) response.end('<!doctype html><title>fast lane</title><script type="module" src="/page.js"></script>');
    else if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

it('ONNX Runtime in Chromium, on WebGPU and on WebAssembly, chooses the exact lane’s tokens', { timeout: 300_000 }, async (context) => {
  if (!existsSync(CHROMIUM)) {
    const why = `There is no ${CHROMIUM} (set CHROMIUM to another).`;
    console.warn(`NOT TESTED: ONNX Runtime in Chromium. ${why}`);
    return context.skip(why);
  }
  const folder = mkdtempSync(join(tmpdir(), 'openledger-fast-'));
  await build({
    configFile: false, logLevel: 'error', root: folder, publicDir: false,
    build: { outDir: folder, emptyOutDir: false, minify: false, target: 'es2022', rolldownOptions: { input: fileURLToPath(new URL('chromium.page.ts', import.meta.url)), output: { entryFileNames: 'page.js' } } },
  });
  const { server, url } = await serve(folder);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const page = await browser.newPage();
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(request.url()));
    page.setDefaultTimeout(280_000);
    await page.goto(url);
    await page.waitForFunction(() => 'openledgerFastLane' in globalThis);
    expect(fetched.filter((address) => address.endsWith('.wasm'))).toEqual([]);
    const run = (provider: string, inputs = false) => page.evaluate(
      ([name, weights]) => (globalThis as unknown as { openledgerFastLane(...of: unknown[]): Promise<PageReport> }).openledgerFastLane(name, [[1, 5, 300, 17, 42], [1, 700, 9, 80]], weights),
      [provider, inputs] as const,
    );
    for (const report of [await run('wasm'), await run('webgpu'), await run('webgpu', true)]) {
      expect(report.tokens).toBeGreaterThan(3);
      expect(report).toMatchObject({ same: report.tokens });
    }
    expect(fetched.filter((address) => address.endsWith('.wasm'))).toHaveLength(2);
  } finally {
    await browser.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
