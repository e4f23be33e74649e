import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { answerText, ask, chooseAdapter, madeBy, openApp } from './page-actions.ts';
import { expectedOf } from './samples.ts';

const PAGES = ['ask', 'datanets', 'datanet/1', 'make', 'earn', 'check', 'claims', 'market', 'network', 'device', 'no-such-page'];

const SIZES = [
  { name: 'desktop', viewport: { width: 1280, height: 860 } },
  { name: 'phone', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
] as const;

/** What a rule of accessibility says of the page as it stands; only what is serious or worse. */
async function accessibilityProblems(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`.replaceAll('\n', ' ')));
}

/** What is wider than the screen; empty where nothing scrolls sideways. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const wide = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
    return [`${document.documentElement.scrollWidth} of ${innerWidth}`, ...wide.map((element) => `${element.tagName}.${element.className}`).slice(0, 10)];
  });
}

async function settled(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Chain: live/ }).waitFor();
  await page.locator('main h1, main h2').first().waitFor();
  // Lists come from the chain and from IPFS; while they are read a status says so.
  const main = page.locator('main');
  await main
    .getByRole('status')
    .filter({ hasText: /^\s*(Reading|Fetching) / })
    .first()
    .waitFor({ state: 'hidden' });
  // Other tests publish a claim and keep its receipt to themselves, which Earn says.
  const alerts = await main.getByRole('alert').allInnerTexts();
  expect(alerts.filter((text) => !text.includes('could not be read, so what they brought is not counted here'))).toEqual([]);
}

describe.sequential.each(SIZES)('every page on a $name', ({ name, ...screen }) => {
  const { url, small } = inject('network');
  let browser: TestBrowser;
  let page: Page;

  beforeAll(async () => {
    browser = await openBrowser({ ...screen, colorScheme: 'light' });
    page = browser.page;
    await openApp(page, url);
  });
  afterAll(() => browser?.close());

  test.each(PAGES)('%s: fits, nothing serious from axe, in light and dark', async (place) => {
    await page.goto(`${url}/#/${place}`);
    await settled(page);
    // The first page is complete with the questions that its Datanet answers.
    if (place === 'ask') await page.getByText('Its Datanet answers, for example').waitFor({ timeout: 120_000 });
    const problems: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      if (colorScheme === 'light' || place === 'ask') await picture(page, `${place.replace('/', '-')}-${name}-${colorScheme}`);
      problems.push(...(await tooWide(page)), ...(await accessibilityProblems(page)).map((problem) => `${colorScheme}: ${problem}`));
    }
    await page.emulateMedia({ colorScheme: 'light' });
    expect(problems).toEqual([]);
  });

  test('Make with its expert settings open: the same', async () => {
    await page.goto(`${url}/#/make`);
    await settled(page);
    await page.getByText('Expert settings').click();
    await page.getByText(/steps on this device, with up to/).waitFor();
    const problems: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await picture(page, `make-settings-${name}-${colorScheme}`);
      problems.push(...(await tooWide(page)), ...(await accessibilityProblems(page)).map((problem) => `${colorScheme}: ${problem}`));
    }
    await page.emulateMedia({ colorScheme: 'light' });
    expect(problems).toEqual([]);
  });

  test('an answer with all its records: the same', async () => {
    await page.goto(`${url}/#/ask`);
    await settled(page);
    await chooseAdapter(page, small.name);
    // One that no other test pays: an answer is paid once.
    const { question, answer } = expectedOf('legal', 'What does insolvency mean?');
    const turn = await ask(page, question);
    expect(await answerText(turn)).toBe(answer);
    await madeBy(turn).locator('.strip').waitFor();
    await madeBy(turn).getByRole('button', { name: /^All / }).click();
    const problems: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await picture(page, `answer-${name}-${colorScheme}`);
      problems.push(...(await tooWide(page)), ...(await accessibilityProblems(page)).map((problem) => `${colorScheme}: ${problem}`));
    }
    await page.emulateMedia({ colorScheme: 'light' });
    await turn.getByRole('button', { name: 'Pay them' }).click();
    await page.getByRole('button', { name: 'Sign and pay', disabled: false }).waitFor();
    problems.push(...(await tooWide(page)), ...(await accessibilityProblems(page)).map((problem) => `paying: ${problem}`));
    await picture(page, `paying-${name}`, false);
    expect(problems).toEqual([]);
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
