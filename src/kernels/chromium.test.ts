import { existsSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build } from 'vite';
import { expect, it } from 'vitest';
import type { PageReport } from './webgpu/equality.page.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The page's program, built as the app is: page.js and what it loads, by file name. */
async function scripts(): Promise<Map<string, string>> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      lib: { entry: fileURLToPath(new URL('webgpu/equality.page.ts', import.meta.url)), formats: ['es'], fileName: 'page' },
    },
  });
  const [first] = Array.isArray(result) ? result : [result];
  if (!first || !('output' in first)) throw new Error('vite gave no output');
  return new Map(first.output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file.code] as const] : [])));
}

/** WebGPU exists in secure contexts only, of which 127.0.0.1 is one. */
async function serve(files: Map<string, string>): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const code = files.get(request.url!.slice(1));
    response.setHeader('Content-Type', code === undefined ? 'text/html' : 'text/javascript');
    response.end(code ?? '<!doctype html><title>equality</title><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

it('WebGPU in Chromium on SwiftShader gives the bits of the plain TypeScript reference', { timeout: 600_000 }, async (context) => {
  const skip = (why: string) => {
    console.warn(`NOT TESTED: WebGPU in Chromium. ${why}`);
    return context.skip(why);
  };
  if (!existsSync(CHROMIUM)) return skip(`There is no ${CHROMIUM} (set CHROMIUM to another).`);
  const { server, url } = await serve(await scripts());
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(590_000);
    await page.goto(url);
    await page.waitForFunction(() => 'openledgerEquality' in globalThis, undefined, { timeout: 60_000 });
    const report = await page.evaluate(() => (globalThis as unknown as { openledgerEquality(): Promise<PageReport> }).openledgerEquality());
    if (report.skipped) return skip(report.skipped);
    expect(report.differences).toEqual([]);
    expect(report.cases).toBeGreaterThan(100);
    expect(report.chosen).toMatch(/^webgpu: /);
  } finally {
    await browser.close();
    server.close();
  }
});
