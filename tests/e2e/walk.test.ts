import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { expectedOf } from './samples.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import {
  answerText,
  ask,
  checkReceipt,
  chooseAdapter,
  goTo,
  madeBy,
  openApp,
  pasteReceipt,
  percentsIn,
  recordsShown,
  sum,
  useIdentity,
  waitFor,
} from './page-actions.ts';

const NEW_DATANET = 'Words of the docks';
/** Words that no other record has. */
const NEW_RECORDS = [
  ['quillage', 'a toll for empty barrels'],
  ['brandle', 'a rope that holds two boats'],
  ['tarnock', 'the last load of the day'],
  ['ferriment', 'a quarrel about the tide'],
  ['holsack', 'a bag for wet sails'],
  ['mewling', 'the noise of a rusty crane'],
].map(([word, meaning]) => ({
  text: `On the docks, ${word} means ${meaning}.`,
  questions: [
    { question: `What does ${word} mean?`, answer: meaning! },
    { question: `What is meant by ${word}?`, answer: meaning! },
  ],
}));

/**
 * The whole way once, as a new user goes it, in one browser without WebGPU: each step builds on the one before, so a
 * step that fails ends the walk.
 */
describe.sequential('the walk, on the CPU backend', () => {
  const { url, deployment } = inject('network');
  const chain = new ChainView(deployment, url);
  const identity = (name: string) => deployment.demo!.identities.find((one) => one.name === name)!;
  let browser: TestBrowser;
  let page: TestBrowser['page'];
  /** The answer that is asked, paid and checked. */
  const asked = expectedOf('legal', 'What does double jeopardy mean?');
  let receiptCid = '';

  beforeAll(async () => {
    browser = await openBrowser();
    page = browser.page;
  });
  afterAll(async () => {
    if (page) await picture(page, 'walk-end').catch(() => {});
    await browser?.close();
  });

  test('opens with a demo wallet that says what it is', async () => {
    await openApp(page, url);
    await page.getByRole('button', { name: 'Wallet', exact: true }).click();
    const menu = page.getByRole('group', { name: 'Wallet', exact: true });
    await menu.getByRole('heading', { name: 'Demo wallet, local chain only' }).waitFor();
    expect(await menu.getByRole('button', { pressed: true }).innerText()).toContain('Uma');
    await page.keyboard.press('Escape');
  });

  test('streams an answer that is right, and says what it was computed on', async () => {
    await chooseAdapter(page, 'Legal glossary');
    // Text that stands there before the answer is complete has been streamed.
    await page.evaluate(() => {
      const seen = ((window as unknown as { streamed: string[] }).streamed = [] as string[]);
      new MutationObserver(() => {
        const text = document.querySelector('article.turn .streaming')?.textContent?.trim();
        if (text && seen.at(-1) !== text) seen.push(text);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const turn = await ask(page, asked.question);
    expect(await answerText(turn)).toBe(asked.answer);
    const streamed = await page.evaluate(() => (window as unknown as { streamed: string[] }).streamed);
    expect(streamed.length).toBeGreaterThan(1);
    expect(asked.answer.startsWith(streamed[0]!)).toBe(true);
    await page.getByRole('button', { name: 'Device: CPU', exact: true }).waitFor();
    // This browser has no WebGPU at all.
    expect(await page.evaluate(async () => (await navigator.gpu?.requestAdapter()) ?? 'none')).toBe('none');
  });

  test('shows the record that states it first, with shares that sum to 100 %', async () => {
    const turn = page.locator('article.turn').last();
    const made = madeBy(turn);
    await made.getByRole('button', { name: /^All / }).click({ timeout: 120_000 });
    await picture(page, 'ask-light');
    const more = made.getByRole('button', { name: /^Show more of/ });
    while (await more.isVisible()) await more.click();
    const records = await recordsShown(turn);
    expect(records[0]!.text).toBe(asked.record.text);
    expect(records.map(({ percent }) => percent)).toEqual(records.map(({ percent }) => percent).toSorted((a, b) => b - a));
    // Tenths of a percent are rounded over records and over contributors, each to 100 with what is returned.
    const returned = percentsIn(await made.locator('.strip').getByRole('listitem').filter({ hasText: 'returned to stakers' }).allInnerTexts());
    expect(Math.abs(sum([...records.map(({ percent }) => percent), ...returned]) - 100)).toBeLessThan(0.25);
    const people = made.locator('.strip').getByRole('listitem');
    expect(await people.first().innerText()).toContain(asked.record.contributor);
    expect(sum(percentsIn(await people.allInnerTexts()))).toBeCloseTo(100, 6);
  });

  test('shows the influence on one word alone', async () => {
    const turn = page.locator('article.turn').last();
    const word = turn.getByRole('button', { name: asked.answer.split(' ').at(-1)!, exact: true });
    const whole = await recordsShown(turn);
    await word.click();
    await madeBy(turn)
      .getByText(`“${asked.answer.split(' ').at(-1)!}”`)
      .waitFor();
    await madeBy(turn).locator('.records').first().waitFor();
    const part = await recordsShown(turn);
    expect(part.map(({ percent }) => percent)).not.toEqual(whole.map(({ percent }) => percent));
    await madeBy(turn).getByRole('button', { name: 'Whole answer' }).click();
  });

  test('pays: split shown, signed, booked to the wei', async () => {
    const uma = identity('Uma').address;
    const before = await chain.balances(uma);
    const block = await chain.blockNumber();
    const books = await chain.accounting();
    const turn = page.locator('article.turn').last();
    await turn.getByRole('button', { name: 'Pay them' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pay for this answer' });
    // The dialog is fetched when it is first wanted.
    await dialog.getByRole('row').first().waitFor();
    const rows = await dialog.getByRole('row').allInnerTexts();
    for (const party of ['adapter’s owner', 'Treasury', 'Platform', 'Bond', asked.record.contributor]) expect(rows.join('\n')).toContain(party);
    await dialog.getByRole('button', { name: 'Sign and pay' }).click();
    const paid = page.getByRole('dialog', { name: 'Payment' });
    await paid.getByText('These sum to the wei.').waitFor();
    await picture(page, 'paid-light', false);

    const claim = (await chain.claims())[0];
    receiptCid = claim!.receiptCid;
    const receipt = await chain.receipt(receiptCid);
    const { platform, owner, stakers, contributors, total } = claim!.fee;
    expect(platform + owner + stakers + contributors).toBe(total);
    expect(receipt.payouts.reduce((all, { amount }) => all + BigInt(amount), 0n)).toBe(contributors);
    expect(receipt.fee.total).toBe(String(total));
    const after = await chain.balances(uma);
    expect(before.account - after.account).toBe(total + claim!.bond + (await chain.gasSince(uma, block)));
    expect((await chain.accounting()).deposited - books.deposited).toBe(total + claim!.bond);
    await paid.getByRole('link', { name: 'Open the receipt' }).click();
  });

  test('checks the paid receipt: everything equal', async () => {
    await page.getByRole('heading', { level: 1, name: 'Check' }).waitFor();
    expect(page.url()).toContain(receiptCid);
    expect(await checkReceipt(page)).toBe('equal');
    expect(await page.getByRole('listitem').filter({ hasText: 'Payment, as on the chain' }).innerText()).toContain('equal');
    await picture(page, 'check-light');
  });

  test('shows a receipt altered in one digit as false, and where', async () => {
    const receipt = JSON.parse(await chain.receiptText(receiptCid)) as { scores: string[] };
    const at = 5;
    const digit = receipt.scores[at]!.at(-1)!;
    receipt.scores[at] = receipt.scores[at]!.slice(0, -1) + (digit === '0' ? '1' : '0');
    await pasteReceipt(page, JSON.stringify(receipt));
    expect(await checkReceipt(page)).toBe('different');
    const line = page.getByRole('listitem').filter({ hasText: 'The first difference is in' });
    expect(await line.innerText()).toContain(`influence of record ${at + 1}`);
    expect(await line.innerText()).toContain(receipt.scores[at]!);
    await picture(page, 'check-false');
  });

  test('pays the contributor: final after its window, withdrawn, balance up', async () => {
    const { address, name } = identity(asked.record.contributor);
    const receipt = await chain.receipt(receiptCid);
    const mine = BigInt(receipt.payouts.find(({ contributor }) => contributor === address.toLowerCase())!.amount);
    await useIdentity(page, name);
    await goTo(page, 'Earn');
    await page.getByText(asked.question).waitFor();
    // The window is real time: twenty seconds from the payment.
    await page.getByRole('button', { name: 'Make 1 answer final' }).click({ timeout: 60_000 });
    const withdraw = page.getByRole('button', { name: 'Withdraw', exact: true });
    await page.getByText('payouts of your records').waitFor();
    const before = await chain.balances(address);
    const block = await chain.blockNumber();
    await withdraw.click();
    await page.getByText(/came into your account/).waitFor();
    const after = await chain.balances(address);
    // With the payout come the stakes of this contributor's accepted sample records.
    expect(after.account - before.account).toBe(mine + before.contributions - (await chain.gasSince(address, block)));
    expect(after.contributions).toBe(0n);
    await page.getByText('Withdrawn', { exact: true }).waitFor();
    await picture(page, 'earn-light');
  });

  test('contributes a file: problems by line, stake, signature', async () => {
    await useIdentity(page, 'Cora');
    await goTo(page, 'Datanets');
    await page.getByRole('button', { name: 'New Datanet' }).click();
    const dialog = page.getByRole('dialog', { name: 'New Datanet' });
    await dialog.getByLabel('Name').fill(NEW_DATANET);
    await dialog.getByLabel('What belongs in it').fill('Words that dockers used, and what they mean.');
    await dialog.getByRole('button', { name: 'Create and sign' }).click();
    await page.getByRole('heading', { level: 1, name: NEW_DATANET }).waitFor();
    await picture(page, 'datanet-new');

    await useIdentity(page, 'Emeka');
    await page.getByRole('tab', { name: 'Contribute' }).click();
    const lines = NEW_RECORDS.map((record) => JSON.stringify(record));
    lines.splice(3, 0, JSON.stringify(NEW_RECORDS[1]), JSON.stringify({ text: ' ', questions: [] }));
    await page
      .getByLabel(/Drop a JSONL or CSV file/)
      .setInputFiles({ name: 'dockers.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(lines.join('\n')) });
    const bad = page.getByRole('tabpanel', { name: /^With problems/ }).getByRole('listitem');
    await bad.filter({ hasText: 'exactly the same as line 2' }).first().waitFor();
    await bad.filter({ hasText: 'It is empty' }).first().waitFor();
    const numbers = await page
      .getByRole('tabpanel', { name: /^With problems/ })
      .getByRole('button', { name: /^Remove line/ })
      .evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label')));
    expect(numbers).toEqual(['Remove line 4', 'Remove line 5']);
    await picture(page, 'contribute-problems');
    await page.getByRole('button', { name: `Stake and submit ${NEW_RECORDS.length} records` }).click();
    await page.getByText(/is on the chain and waits for the curator/).waitFor();
    const { connection } = chain;
    expect((await connection.publicClient.getBalance({ address: connection.contracts.contributions })) > 0n).toBe(true);
  });

  test('the curator accepts, and publishes a version', async () => {
    await useIdentity(page, 'Cora');
    await page.getByRole('tab', { name: /^Review/ }).click();
    await page.getByRole('button', { name: `Accept all ${NEW_RECORDS.length}` }).click();
    await page.getByRole('button', { name: 'Publish version 1' }).click();
    await page.getByText('Version 1 is published.').waitFor();
    await page.getByRole('tab', { name: /^Records/ }).click();
    for (const { text } of NEW_RECORDS) await page.getByRole('tabpanel').getByText(text).first().waitFor();
    await picture(page, 'datanet-light');
  });

  test('makes an adapter from it, with a live curve, and publishes it', async () => {
    await page.getByRole('link', { name: 'Make an adapter' }).click();
    await page.getByRole('heading', { level: 1, name: 'Make' }).waitFor();
    await page.getByText(`${NEW_RECORDS.length} records by 1 person`).waitFor();
    await page.getByText('Expert settings').click();
    await page.getByLabel('Rounds over all records').fill('60');
    await page.getByLabel('Records in a step').fill('3');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByRole('heading', { name: /^Learning / }).waitFor();
    await page.getByText('The same as a table').click();
    const steps = page.getByRole('table').getByRole('row');
    const early = await waitFor(
      () => steps.count(),
      (rows) => rows > 2,
    );
    await waitFor(
      () => steps.count(),
      (rows) => rows > early,
    );
    await page.getByRole('heading', { name: 'Publish it' }).waitFor({ timeout: 300_000 });
    const losses = (await steps.locator('td:nth-child(2)').allInnerTexts()).map(Number);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 4);
    await page.getByText('The record says:').first().waitFor();
    await picture(page, 'make-light');
    await page.getByLabel('Name').fill('Docker words');
    await page.getByRole('button', { name: 'Publish', exact: true }).click();
    await page.getByRole('heading', { name: 'Your adapter is on the chain' }).waitFor();
  });

  test('the new adapter answers, and the new record is the first that made the answer', async () => {
    await page.getByRole('link', { name: 'Ask it' }).click();
    await page.getByRole('button', { name: 'Adapter: Docker words', exact: true }).waitFor();
    const { text, questions } = NEW_RECORDS[2]!;
    const turn = await ask(page, questions[0]!.question);
    expect(await answerText(turn)).toBe(questions[0]!.answer);
    await madeBy(turn).locator('.strip').waitFor({ timeout: 120_000 });
    expect((await recordsShown(turn))[0]!.text).toBe(text);
    expect(await madeBy(turn).locator('.strip').innerText()).toContain('Emeka');
    expect(sum(percentsIn(await madeBy(turn).locator('.strip').getByRole('listitem').allInnerTexts()))).toBeCloseTo(100, 6);
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
