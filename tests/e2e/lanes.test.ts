import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { answerText, ask, chooseAdapter, goTo, madeBy, openApp } from './page-actions.ts';

/** Two lanes: measured, chosen, and what ONNX Runtime wrote is read again before anyone is named. */
describe.sequential('the fast lane', () => {
  const { url, small } = inject('network');
  let browser: TestBrowser;
  let page: TestBrowser['page'];
  const fetched: string[] = [];

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.page;
    page.on('request', (request) => fetched.push(request.url()));
    browser.context.on('request', (request) => fetched.push(request.url()));
  });
  afterAll(async () => {
    if (page) await picture(page, 'lanes-end').catch(() => {});
    await browser?.close();
  });

  test('nothing of ONNX Runtime is fetched for an answer by the exact lane', async () => {
    await openApp(page, url, '#/ask');
    await chooseAdapter(page, small.name);
    const turn = await ask(page, small.question);
    expect(await answerText(turn)).toBe(small.answer);
    expect(fetched.filter((address) => /ort|onnx/i.test(address))).toEqual([]);
  });

  test('the Device page measures both, says which and why, and where an answer’s time goes', async () => {
    await goTo(page, 'Device');
    await page.getByRole('button', { name: 'Measure both' }).click();
    await page.getByText(/exact, [\d.]+ ONNX Runtime/).waitFor({ timeout: 120_000 });
    await page.getByText(/^On this machine the exact lane made/).waitFor();
    expect(fetched.some((address) => /ort-.*\.wasm/i.test(address))).toBe(true);
    await page.getByRole('button', { name: 'Measure an answer' }).click();
    await page.getByText(/kernel calls a token/).waitFor();
    await page.getByText('As a table').click();
    const rows = page.getByRole('table').getByRole('row');
    expect(await rows.count()).toBeGreaterThan(5);
    await picture(page, 'device');
  });

  test('chosen, ONNX Runtime writes the same answer, and its records are named', async () => {
    await page.getByRole('radio', { name: /^ONNX Runtime/ }).check();
    await goTo(page, 'Ask');
    const turn = await ask(page, small.question);
    expect(await answerText(turn)).toBe(small.answer);
    await turn.getByText(/written by ONNX Runtime, read again by the exact lane/).waitFor();
    await madeBy(turn).locator('.strip').waitFor();
    // A sampled answer has to be the same everywhere, so it is never ONNX Runtime's.
    await page.getByRole('button', { name: /^How answers are written/ }).click();
    await page.getByLabel('Sample instead').check();
    await page.getByLabel('Seed').fill('5');
    await page.keyboard.press('Escape');
    const sampled = await ask(page, small.question);
    await sampled.getByText('sampled, seed 5').waitFor();
    expect(await sampled.getByText(/written by ONNX Runtime/).count()).toBe(0);
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
