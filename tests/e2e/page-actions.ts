import type { Locator, Page } from 'playwright';

/** What a person does on the pages, by the words that stand on them. */

export async function openApp(page: Page, url: string, place = ''): Promise<void> {
  await page.goto(`${url}/${place}`);
  // Chain and wallet are read before anything can be done.
  await page.getByRole('button', { name: /^Chain: live/ }).waitFor();
}

/** Follows a link of the rail, or of the bottom bar on a phone. */
export async function goTo(page: Page, title: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: title, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
}

export async function useIdentity(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Wallet', exact: true }).click();
  const menu = page.getByRole('group', { name: 'Wallet', exact: true });
  await menu.getByRole('button', { name: new RegExp(`^${name}\\b`) }).click();
  await menu.getByRole('button', { name: new RegExp(`^${name}\\b`), pressed: true }).waitFor();
  await page.keyboard.press('Escape');
}

export async function chooseAdapter(page: Page, name: string): Promise<void> {
  const picker = page.getByRole('button', { name: /^Adapter: / });
  await picker.click();
  await page
    .getByRole('group', { name: /^Adapter: / })
    .getByRole('button', { name: new RegExp(`^${name}\\b`) })
    .click();
  await page.getByRole('button', { name: `Adapter: ${name}`, exact: true }).waitFor();
}

/** Asks, and gives the turn that holds the answer once it stands there in full. */
export async function ask(page: Page, question: string, timeout = 120_000): Promise<Locator> {
  const turns = page.locator('article.turn');
  const before = await turns.count();
  await page.getByLabel('Your question').fill(question);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  const turn = turns.nth(before);
  await turn.getByRole('button', { name: 'Ask again' }).waitFor({ timeout });
  return turn;
}

export async function answerText(turn: Locator): Promise<string> {
  return (await turn.getByRole('group', { name: /^Words of the answer/ }).innerText()).trim();
}

export function madeBy(turn: Locator): Locator {
  return turn.getByRole('region', { name: 'Made by' });
}

/** "12.3 %" as 12.3 */
export function percentsIn(texts: string[]): number[] {
  return texts.map((text) => Number(/([\d.]+)\s*%/.exec(text)?.[1] ?? NaN));
}

export const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** The line of each record shown, in order: its text and share. */
export async function recordsShown(turn: Locator): Promise<{ text: string; percent: number }[]> {
  const records = madeBy(turn)
    .getByRole('article')
    .filter({ has: turn.page().locator('.share') });
  return Promise.all(
    (await records.all()).map(async (record) => ({
      text: await record.locator('blockquote').innerText(),
      percent: percentsIn([await record.locator('.share').innerText()])[0]!,
    })),
  );
}

/** Opens a receipt by link, CID or text on the Check page and checks it on this machine. */
export async function checkReceipt(page: Page, timeout = 180_000): Promise<'equal' | 'different'> {
  await page.getByRole('button', { name: 'Check on my machine' }).click();
  const verdict = page.getByText(/^(=)?\s*Everything is equal|This receipt is not true/);
  await verdict.first().waitFor({ timeout });
  return (await verdict.first().innerText()).includes('Everything is equal') ? 'equal' : 'different';
}

export async function pasteReceipt(page: Page, text: string): Promise<void> {
  await page.getByLabel('A link to a receipt, its CID, or the receipt itself').fill(text);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('heading', { name: 'What this receipt says' }).waitFor();
}

/** Reads until what was read fits. */
export async function waitFor<T>(read: () => Promise<T>, fits: (value: T) => boolean, timeout = 60_000): Promise<T> {
  const until = Date.now() + timeout;
  for (;;) {
    const value = await read();
    if (fits(value)) return value;
    if (Date.now() > until) throw new Error(`still ${JSON.stringify(value)} after ${timeout} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
