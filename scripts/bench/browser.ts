import { existsSync, readFileSync, statSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { root } from './machine.ts';
import type { Measurements } from './page/main.ts';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const QUIET = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** A machine with a real graphics processor measures on that: BENCH_GPU=1. */
const SOFTWARE = process.env.BENCH_GPU ? [] : ['--use-webgpu-adapter=swiftshader'];
const TYPES: Record<string, string> = {
  '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json',
};

/** Of one measurement, on a machine that does other things too. */
const LONGEST_MS = 300_000;

const built = join(root, '.cache/bench-page');

/** The bench page in Chromium, served from this machine; every measurement has a page of its own. */
export class BenchBrowser {
  private readonly browser: Browser;
  private readonly server: Server;
  private readonly url: string;

  private constructor(browser: Browser, server: Server, url: string) {
    this.browser = browser;
    this.server = server;
    this.url = url;
  }

  /** Builds the page and starts Chromium. `files`: what the page may fetch besides itself and public/, by path. */
  static async open(files: ReadonlyMap<string, Uint8Array>): Promise<BenchBrowser> {
    if (!existsSync(CHROMIUM)) throw new Error(`There is no ${CHROMIUM} (set CHROMIUM to another).`);
    await build({
      configFile: false,
      root: fileURLToPath(new URL('page', import.meta.url)),
      base: './',
      logLevel: 'error',
      publicDir: false,
      build: { outDir: built, emptyOutDir: true, target: 'esnext', assetsInlineLimit: 0, chunkSizeWarningLimit: 1e6, reportCompressedSize: false },
    });
    const { server, url } = await serve(files);
    try {
      return new BenchBrowser(await chromium.launch({ executablePath: CHROMIUM, args: ['--enable-unsafe-webgpu', ...SOFTWARE, ...QUIET] }), server, url);
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** Throws what the page throws, and where it takes too long. */
  async measure<Name extends keyof Measurements>(name: Name, ...given: Parameters<Measurements[Name]>): Promise<Awaited<ReturnType<Measurements[Name]>>> {
    const page = await this.browser.newPage();
    if (process.env.BENCH_VERBOSE) page.on('console', (message) => console.error(message.text()));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`It took longer than ${LONGEST_MS / 1000} s.`)), LONGEST_MS);
    });
    try {
      await page.goto(this.url);
      await page.waitForFunction(() => 'openledgerBench' in globalThis);
      const work = page.evaluate(
        ([what, options]) => {
          const { openledgerBench } = globalThis as unknown as { openledgerBench: Record<string, (...options: unknown[]) => Promise<unknown>> };
          return openledgerBench[what]!(...options);
        },
        [name, given] as const,
      );
      return (await Promise.race([work, late])) as Awaited<ReturnType<Measurements[Name]>>;
    } finally {
      clearTimeout(timer);
      await page.close();
    }
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** WebGPU exists in secure contexts only, of which 127.0.0.1 is one. */
async function serve(files: ReadonlyMap<string, Uint8Array>): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const path = pathname === '/' ? '/index.html' : decodeURIComponent(pathname);
    const body = files.get(path) ?? onDisk(path);
    if (!body) return void response.writeHead(404).end();
    response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

function onDisk(path: string): Uint8Array | undefined {
  if (path.split('/').includes('..')) return undefined;
  const file = path.startsWith('/public/') ? join(root, path) : join(built, path);
  return existsSync(file) && statSync(file).isFile() ? readFileSync(file) : undefined;
}
