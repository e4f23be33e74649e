import { join } from 'node:path';
import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, chromium } from 'playwright';
import { RESULTS } from './network.ts';

const QUIET = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const SOFTWARE_GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

export interface TestBrowser {
  browser: Browser;
  context: BrowserContext;
  page: Page;
  /** What went wrong in pages and was not shown to the person: uncaught errors, console errors, broken policies. */
  mistakes: string[];
  close(): Promise<void>;
}

/** Debian's Chromium, as a person has it; `gpu`: with WebGPU on SwiftShader, otherwise without any WebGPU. */
export async function openBrowser(options: { gpu?: boolean } & BrowserContextOptions = {}): Promise<TestBrowser> {
  const { gpu = false, ...rest } = options;
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: [...QUIET, ...(gpu ? SOFTWARE_GPU : ['--disable-features=WebGPU'])] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce', ...rest });
  // Slow enough for two busy cores; a test that fails says where.
  context.setDefaultTimeout(60_000);
  const mistakes: string[] = [];
  context.on('weberror', (error) => mistakes.push(`uncaught: ${error.error().message}`));
  context.on('console', (message) => {
    if (message.type() === 'error') mistakes.push(`console: ${message.text()}`);
  });
  const page = await context.newPage();
  return { browser, context, page, mistakes, close: () => browser.close() };
}

export async function picture(page: Page, name: string, fullPage = true): Promise<void> {
  // Bars that stick to the screen would otherwise stand in the middle of a picture of the whole page.
  if (fullPage) await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(RESULTS, `${name}.png`), fullPage });
}
