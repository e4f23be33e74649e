import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { answerText, ask, checkReceipt, chooseAdapter, goTo, madeBy, openApp, percentsIn, recordsShown, sum } from './page-actions.ts';
import { NO_NONCE, receiptHash } from '../../src/protocol/receipt.ts';

/**
 * The same bits on a graphics processor: asked, attributed and checked through WebGPU (SwiftShader, about 1 GFLOP/s, so
 * with the small adapter), and held against the receipt that Node's CPU backend computed.
 */
describe.sequential('on WebGPU', () => {
  const { url, deployment, small } = inject('network');
  const chain = new ChainView(deployment, url);
  let browser: TestBrowser;
  let page: TestBrowser['page'];

  beforeAll(async () => {
    browser = await openBrowser({ gpu: true });
    page = browser.page;
  });
  afterAll(async () => {
    if (page) await picture(page, 'webgpu-end').catch(() => {});
    await browser?.close();
  });

  test('the Device page takes the choice, tests every kernel and says what computes', async () => {
    await openApp(page, url, '#/device');
    await page.getByRole('radio', { name: /^GPU/ }).check();
    const load = page.getByRole('button', { name: 'Load it and test this device' });
    if (await load.isVisible()) await load.click();
    await page.getByRole('heading', { name: 'Self test' }).waitFor({ timeout: 180_000 });
    await page.getByText(/^GPU through WebGPU · .*SwiftShader/i).waitFor();
    await page.getByRole('button', { name: 'Device: GPU', exact: true }).waitFor();
    const tests = page
      .locator('main')
      .getByRole('listitem')
      .filter({ hasText: /^(right|wrong): / });
    expect(await tests.count()).toBeGreaterThan(10);
    expect((await tests.allInnerTexts()).filter((text) => text.startsWith('wrong'))).toEqual([]);
  });

  test('answers as the CPU does', async () => {
    await goTo(page, 'Ask');
    await chooseAdapter(page, small.name);
    const turn = await ask(page, small.question, 240_000);
    expect(await answerText(turn)).toBe(small.answer);
    expect(small.answer).toBe(small.expected);
    await page.getByRole('button', { name: 'Device: GPU', exact: true }).waitFor();
  });

  test('shows who made it, and one word of it', async () => {
    const turn = page.locator('article.turn').last();
    await madeBy(turn).locator('.strip').waitFor({ timeout: 240_000 });
    expect(sum(percentsIn(await madeBy(turn).locator('.strip').getByRole('listitem').allInnerTexts()))).toBeCloseTo(100, 6);
    const whole = await recordsShown(turn);
    expect(whole[0]!.text).toContain(small.expected);
    await turn.getByRole('button', { name: small.answer.split(' ').at(-1)!, exact: true }).click();
    await madeBy(turn).locator('.records').first().waitFor({ timeout: 120_000 });
    expect(await recordsShown(turn)).not.toEqual(whole);
  });

  test('makes the same receipt, to the same 32 bytes, and finds it equal', async () => {
    const turn = page.locator('article.turn').last();
    await turn.getByRole('button', { name: /^Make the receipt/ }).click();
    await page.getByRole('heading', { name: 'What this receipt says' }).waitFor({ timeout: 240_000 });
    const cid = page.url().split('#/check/')[1]!;
    expect(receiptHash({ ...(await chain.receipt(cid)), nonce: NO_NONCE })).toBe(small.receiptHash);
    expect(await checkReceipt(page, 300_000)).toBe('equal');
    await page.getByRole('button', { name: 'Device: GPU', exact: true }).waitFor();
  });

  test('stops when told; what was written counts as the answer', async () => {
    await goTo(page, 'Ask');
    await chooseAdapter(page, 'Base model alone');
    // Chance hardly ever ends an answer, so a hand is fast enough to stop it; the seed makes it the same again.
    await page.getByRole('button', { name: /^How answers are written/ }).click();
    await page.getByLabel('Sample instead').check();
    await page.getByLabel('Temperature', { exact: true }).fill('10');
    await page.getByLabel('Seed', { exact: true }).fill('3');
    await page.getByLabel('Longest answer').fill('160');
    await page.keyboard.press('Escape');
    await page.getByLabel('Your question').fill(small.question);
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    const turn = page.locator('article.turn').last();
    await turn.locator('.streaming').waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await turn.getByText('Stopped by you.').waitFor();
    const written = (await answerText(turn)).replace(/\s+/gu, ' ');
    expect(written.length).toBeGreaterThan(0);
    const whole = (await answerText(await ask(page, small.question, 240_000))).replace(/\s+/gu, ' ');
    expect(whole.length).toBeGreaterThan(written.length);
    // The last character may have been half of another.
    expect(whole.startsWith(written.slice(0, -2))).toBe(true);
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
