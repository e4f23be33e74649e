import AxeBuilder from '@axe-core/playwright';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { listAdapters } from '../../src/chain/list-adapters.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { demoWallet } from '../../src/chain/wallets.ts';
import { MemoryBlocks } from '../../src/storage/block-store.ts';
import { ContentStore } from '../../src/storage/content-store.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { answerText, ask, chooseAdapter, madeBy, openApp, percentsIn, recordsShown, sum } from './page-actions.ts';
import { expectedOf } from './samples.ts';

/** Serious problems of accessibility, and what is wider than the screen, of the page as it stands. */
async function problemsOf(page: Page): Promise<string[]> {
  const wide = await page.evaluate(() => (document.documentElement.scrollWidth <= innerWidth ? [] : [`${document.documentElement.scrollWidth} of ${innerWidth} pixels`]));
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return [...wide, ...serious.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`.replaceAll('\n', ' ')))];
}

/** How strongly each word of the answer is coloured, 0 to 1, and what its title says. */
async function tints(turn: Locator): Promise<{ tint: number; title: string }[]> {
  return turn.locator('[data-word]').evaluateAll((words) =>
    (words as HTMLElement[]).map((word) => ({ tint: Number(getComputedStyle(word).getPropertyValue('--tint')), title: word.title })),
  );
}

/** Presses a button and reads the file that the browser saves. */
async function saved(page: Page, button: Locator): Promise<{ name: string; rows: string[][] }> {
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  const text = (await readFile(await download.path(), 'utf8')).replace(/^\uFEFF/, '');
  return { name: download.suggestedFilename(), rows: parseCsv(text) };
}

function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [field, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (field === '') continue;
    rows.at(-1)!.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain!);
    if (end === '\r\n') rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}

const fold = (turn: Locator, title: string) => turn.locator('summary').filter({ hasText: title });

/** What stands behind an answer: shares with their uncertainty, words, quotes, numbers, the audit. On the CPU backend. */
describe.sequential('attribution of an answer', () => {
  const { url, deployment, small } = inject('network');
  let browser: TestBrowser;
  let page: Page;
  let turn: Locator;
  const asked = expectedOf('legal', 'What does burden of proof mean?');

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.page;
  });
  afterAll(async () => {
    if (page) await picture(page, 'attribution-end').catch(() => {});
    await browser?.close();
  });

  test('names the record that states it, above chance, with its uncertainty; shares and what is returned sum to 100 %', async () => {
    await openApp(page, url, '#/ask');
    await chooseAdapter(page, 'Legal glossary');
    turn = await ask(page, asked.question);
    expect(await answerText(turn)).toBe(asked.answer);
    const made = madeBy(turn);
    await made.locator('.strip').waitFor({ timeout: 120_000 });
    expect((await recordsShown(turn))[0]!.text).toBe(asked.record.text);
    const first = made.getByRole('article').first();
    expect(await first.getByRole('button', { name: /^influence/ }).innerText()).toMatch(/^influence \+[\d.\u202f]+ ± [\d.\u202f]+/);
    await first.getByText('above chance', { exact: true }).waitFor();
    const shares = await made.locator('.strip').getByRole('listitem').allInnerTexts();
    expect(shares[0]).toContain(asked.record.contributor);
    expect(shares.at(-1)).toContain('returned to stakers');
    expect(sum(percentsIn(shares))).toBeCloseTo(100, 6);
    await made.getByText('Curvature, curvature/2.').waitFor();
    await made.getByText(/it does not say that a record is/).waitFor();
  });

  test('by keyboard: a record colours the words it moved, keeps them coloured, and lets go', async () => {
    const record = madeBy(turn).getByRole('article').first();
    const button = record.getByRole('button', { name: /^influence/ });
    await button.focus();
    await turn.getByText(/^Moved by record \d+: against helped/).waitFor({ timeout: 120_000 });
    const coloured = await tints(turn);
    expect(coloured.length).toBe(asked.answer.split(' ').length);
    expect(Math.max(...coloured.map(({ tint }) => tint))).toBe(1);
    for (const { title } of coloured) expect(title).toMatch(/^record \d+: [+−]?[\d.e−\u202f]+ ± /);
    await page.keyboard.press('Tab');
    expect(sum((await tints(turn)).map(({ tint }) => tint))).toBe(0);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await tints(turn)).toEqual(coloured);
    await picture(page, 'attribution-words');

    await fold(turn, 'Word by word as a table').press('Enter');
    const words = turn.getByRole('table', { name: /^How much record \d+ moved each word/ }).getByRole('row');
    await words.first().waitFor();
    expect(await words.count()).toBe(coloured.length + 1);
    const file = await saved(page, turn.getByRole('button', { name: 'Save the words as CSV' }));
    expect(file.rows[0]!.slice(0, 3)).toEqual(['place', 'word', 'influence']);
    expect(file.rows.slice(1).map(([, word]) => word)).toEqual(asked.answer.split(' '));
    // The pointer would colour words as well, where it comes to rest on a record.
    await page.mouse.move(2, 2);
    await turn.getByRole('button', { name: 'Let go' }).press('Enter');
    expect(await page.evaluate(() => document.activeElement?.hasAttribute('data-word'))).toBe(true);
    expect(sum((await tints(turn)).map(({ tint }) => tint))).toBe(0);
  });

  test('a contributor colours the words by the sum of the records', async () => {
    const who = madeBy(turn).locator('.strip').getByRole('button').first();
    await who.click();
    await turn.getByText(new RegExp(`^Moved by ${asked.record.contributor}: `)).waitFor();
    expect(Math.max(...(await tints(turn)).map(({ tint }) => tint))).toBe(1);
    await turn.getByRole('button', { name: 'Let go' }).click();
  });

  test('quotes stand apart from influence, and name the record they stand in', async () => {
    const quotes = turn.getByRole('region', { name: 'Quotes' });
    await quotes.getByRole('heading', { name: 'Quotes, not influence' }).waitFor();
    const first = quotes.getByRole('listitem').first();
    expect(asked.answer).toContain((await first.locator('q').innerText()).replace(/^["“]|["”]$/g, ''));
    await first.getByText(asked.record.text).waitFor();
    // The first record shown is the one that states it.
    const number = /record (\d+)/.exec(await madeBy(turn).getByRole('article').first().innerText())![1]!;
    expect(await first.innerText()).toMatch(new RegExp(`stands in records? .*\\b${number}\\b`));
  });

  test('all numbers stand in a table and in a CSV, which sum to what contributors get', async () => {
    await fold(turn, 'All numbers as a table').press('Enter');
    const table = turn.getByRole('table', { name: /^By record/ });
    expect(await table.getByRole('row').nth(1).innerText()).toContain('above chance');
    const { name, rows } = await saved(page, turn.getByRole('button', { name: 'Save as CSV', exact: true }));
    expect(name).toBe('what-does-burden-of-proof-mean-influence.csv');
    const [head, ...records] = rows;
    const column = (title: string) => records.map((row) => row[head!.indexOf(title)]!);
    expect(records.length).toBe(Number(/^(\d+)/.exec(await madeBy(turn).getByText(/records weighed in/).innerText())![1]));
    expect(column('statement')[0]).toBe(asked.record.text);
    expect(column('influence').every((text) => Number.isFinite(Number(text)))).toBe(true);
    // To the wei what the payment would give them.
    const wei = column('wei').reduce((all, text) => all + BigInt(text), 0n);
    await turn.getByRole('button', { name: 'Pay them' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pay for this answer' });
    // The dialog is fetched when it is first wanted.
    await dialog.getByRole('row').first().waitFor();
    const parts = await dialog
      .getByRole('row')
      .filter({ has: page.getByText('contributor', { exact: true }) })
      .locator('td.figure .amount')
      .evaluateAll((amounts) => amounts.map((amount) => amount.getAttribute('title')!.replace(/\D/g, '')));
    expect(parts.reduce((all, text) => all + BigInt(text), 0n)).toBe(wei);
    await dialog.getByRole('button', { name: 'Not now' }).click();
  });

  test.each([
    { width: 1280, height: 860 },
    { width: 360, height: 740 },
  ])('nothing serious from axe and nothing too wide at $width pixels, everything open, light and dark', async (viewport) => {
    await page.setViewportSize(viewport);
    await madeBy(turn).getByRole('article').first().getByRole('button', { name: /^influence/ }).click();
    await turn.getByText(/^Moved by record/).waitFor();
    await fold(turn, 'More about these numbers').click();
    const problems: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      problems.push(...(await problemsOf(page)).map((problem) => `${colorScheme}: ${problem}`));
      await picture(page, `attribution-${viewport.width}-${colorScheme}`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await fold(turn, 'More about these numbers').click();
    await turn.getByRole('button', { name: 'Let go' }).click();
    expect(problems).toEqual([]);
  });

  test('the audit by replay: progress, cancelled, then done; no price moves', async () => {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.reload();
    await chooseAdapter(page, small.name);
    turn = await ask(page, small.question);
    await madeBy(turn).locator('.strip').waitFor({ timeout: 120_000 });
    const price = await turn.locator('div.money').innerText();
    await fold(turn, 'Audit by replay').click();
    await turn.getByRole('button', { name: 'Audit this answer by replay' }).click();
    await turn.getByRole('progressbar', { name: 'Following the training again' }).waitFor();
    await turn.getByRole('button', { name: 'Cancel the audit' }).click();
    await turn.getByRole('button', { name: 'Audit this answer by replay' }).click({ timeout: 120_000 });
    await turn.getByRole('progressbar', { name: 'Reversing the training' }).waitFor({ timeout: 300_000 });
    await turn.getByText(/Spearman’s rank correlation −?-?[\d.]+; 1 is the same order/).waitFor({ timeout: 300_000 });
    const rows = turn.getByRole('table', { name: /^Influence by replay/ }).getByRole('row');
    // The record that states the answer stands first by replay.
    expect(await rows.nth(1).innerText()).toMatch(new RegExp(`^${small.record + 1} ·`));
    expect(await turn.locator('div.money').innerText()).toBe(price);
    await picture(page, 'attribution-audit');
  });

  test('an audit outlasts the tab', async () => {
    await page.reload();
    const last = page.locator('article.turn').last();
    await fold(last, 'Audit by replay').click();
    await last.getByText(/Spearman’s rank correlation/).waitFor();
  });

  test.each([
    { name: 'No ledger', code: 'ledger/missing', change: () => undefined },
    { name: 'Other ledger', code: /^ledger\/(damaged|other-root)$/, change: (bytes: Uint8Array) => bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1) },
  ])('$name: says so, and builds it here', async ({ name, code, change }) => {
    // The same adapter, published by someone without its ledger or with one that was changed.
    const { connection } = new ChainView(deployment, url);
    const store = new ContentStore({ gateways: [url], cache: new MemoryBlocks() });
    const files: Record<string, Uint8Array> = {};
    for (const [file, { cid }] of await store.readDirectory(small.adapterCid)) files[file] = await store.readFile(cid);
    const changed = change(files['ledger.safetensors']!);
    if (changed) files['ledger.safetensors'] = changed;
    else delete files['ledger.safetensors'];
    const cid = await store.addDirectory(files);
    await store.publish(cid, `${url}/api/publish`);
    const adapter = (await listAdapters(connection)).find(({ id }) => String(id) === small.adapterId)!;
    const curator = demoWallet(connection, deployment.demo!.identities.find(({ role }) => role === 'curator')!);
    await registerAdapter(connection, curator, { ...adapter, cid, name });

    // Adapters are read with the page.
    await page.reload();
    await chooseAdapter(page, name);
    const last = await ask(page, small.question);
    const notice = madeBy(last).getByRole('alert');
    await notice.getByText(code).waitFor({ timeout: 120_000 });
    await notice.getByRole('button', { name: 'Build it here' }).click();
    await madeBy(last).locator('.strip').waitFor({ timeout: 120_000 });
    // What was built here is what its maker published: the same influence, to every digit shown.
    const influences = (of: Locator) => madeBy(of).getByRole('button', { name: /^influence/ }).allInnerTexts();
    expect(await influences(last)).toEqual(await influences(turn));
    expect((await recordsShown(last)).map(({ text }) => text)).toEqual((await recordsShown(turn)).map(({ text }) => text));
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
