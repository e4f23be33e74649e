import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { goTo, openApp, useIdentity, waitFor } from './page-actions.ts';
import { SMALL_RECORDS } from './small-adapter.ts';

/** What a contributor and a curator see of records: what they do in an adapter, and which are copies. */
describe.sequential('records at work, and copies', () => {
  const { url, small, deployment } = inject('network');
  let browser: TestBrowser;
  let page: TestBrowser['page'];
  const rows = () => page.getByRole('table').getByRole('row');
  const numbers = async () => (await page.locator('tbody tr td.place').allInnerTexts()).map(Number);

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.page;
    await openApp(page, url);
    await goTo(page, 'Datanets');
    await page.getByRole('link', { name: new RegExp(small.name) }).first().click();
    await page.getByRole('heading', { level: 1, name: small.name }).waitFor();
  });
  afterAll(() => browser?.close());

  test('says before anything is judged which records are copies, and what was earned', async () => {
    await page.getByRole('tab', { name: 'At work' }).click();
    // Other tests publish adapters of this Datanet, without ledgers too, and pay for answers.
    await page.getByLabel('Adapter').selectOption(small.adapterId);
    await page.getByText('No record is a copy of another.').waitFor();
    await page.getByText(/^No answer of this Datanet’s adapters was paid yet|^Earned: of /).waitFor();
    expect(await rows().count()).toBe(SMALL_RECORDS + 1);
  });

  test('judges records by each other; sorts what helps and what hurts', async () => {
    await page.getByRole('button', { name: 'Judge the records' }).click();
    await page.getByText(/^Judged by each other/).waitFor({ timeout: 180_000 });
    await page.getByRole('button', { name: 'Influence' }).click();
    const helping = await numbers();
    await page.getByRole('button', { name: 'Influence' }).press('Enter');
    expect(await numbers()).toEqual(helping.toReversed());
    expect([...helping].sort((a, b) => a - b)).toEqual(Array.from({ length: SMALL_RECORDS }, (_, k) => k + 1));
  });

  test('saves the numbers as CSV', async () => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as CSV' }).click()]);
    const lines = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
    expect(lines).toHaveLength(SMALL_RECORDS + 1);
    expect(lines[0]).toContain('influence,standard deviation by chance,verdict at 2 standard deviations');
  });

  test('judges by a file: the record that says the same helps most', async () => {
    await page.getByText('Judge by a file of your own').click();
    const text = JSON.stringify({ text: '', questions: [{ question: small.question, answer: small.expected }] });
    await page.getByLabel(/Drop a JSONL or CSV file/).setInputFiles({ name: 'held.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(`${text}\nno record\n`) });
    await page.getByText('1 line of the file cannot be used.').waitFor();
    await page.getByRole('button', { name: 'Judge again' }).click();
    await page.getByText(/^Judged by 1 record of held.jsonl/).waitFor({ timeout: 180_000 });
    await page.getByRole('button', { name: 'Influence' }).click();
    await waitFor(async () => (await numbers())[0], (first) => first === small.record + 1);
    expect(await rows().nth(1).innerText()).toContain('helps');
    await picture(page, 'at-work');
  });

  test('fits a phone, nothing serious from axe', async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id)).toEqual([]);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await picture(page, 'at-work-phone');
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  test('a draft’s copies are named; the curator sees them too', async () => {
    await useIdentity(page, deployment.demo!.identities.filter(({ role }) => role === 'contributor').at(-1)!.name);
    await page.getByRole('tab', { name: 'Contribute' }).click();
    const shout = JSON.stringify({ text: `${small.question} ${small.expected}`.toUpperCase(), questions: [] });
    const again = JSON.stringify({ text: `${small.question.replace('?', '!')} ${small.expected}.`, questions: [] });
    await page.getByLabel(/Drop a JSONL or CSV file/).setInputFiles({ name: 'copies.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(`${shout}\n${again}\n`) });
    await page.getByText(/^2 lines say what another record says|^1 line says what another record says/).waitFor();
    const notes = await page.getByText(/^A copy of /).allInnerTexts();
    await page.getByRole('button', { name: /^Stake and submit 2 records/ }).click();
    await page.getByText(/is on the chain and waits for the curator/).waitFor();
    await useIdentity(page, 'Cora');
    await page.getByRole('tab', { name: /^Review/ }).click();
    await page.getByText(/^A copy of /).first().waitFor();
    expect(await page.getByText(/^A copy of /).count()).toBe(notes.length);
    // As it was before: other tests count what waits.
    await page.getByRole('button', { name: 'Reject …' }).click();
    await page.getByLabel('Reason').fill('Copies.');
    await page.getByRole('button', { name: 'Reject and sign' }).click();
    await page.getByText('Nothing waits for you').waitFor();
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
