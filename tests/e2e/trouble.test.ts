import { afterEach, describe, expect, inject, test } from 'vitest';
import { listAdapters } from '../../src/chain/list-adapters.ts';
import { NO_NONCE, receiptHash } from '../../src/protocol/receipt.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { ExtensionWallet, WALLET_NAME } from './extension-wallet.ts';
import { answerText, ask, chooseAdapter, madeBy, openApp, waitFor } from './page-actions.ts';
import { expectedOf } from './samples.ts';

/** What goes wrong in real life: each said clearly, nothing lost, and the way on works. */
describe.sequential('trouble', () => {
  const { url, deployment, small } = inject('network');
  const chain = new ChainView(deployment, url);
  let browser: TestBrowser | undefined;
  afterEach(async ({ task }) => {
    if (browser && task.result?.state === 'fail') await picture(browser.page, `failed-${task.name.slice(0, 40).replace(/\W+/g, '-')}`).catch(() => {});
    await browser?.close();
    browser = undefined;
  });

  test('wallet extension on another network, then without money, then refusing once', async () => {
    browser = await openBrowser();
    const { page } = browser;
    const wallet = await ExtensionWallet.install(browser.context, deployment);
    wallet.refusals = 1;
    await openApp(page, url);
    await page.getByRole('button', { name: 'Wallet', exact: true }).click();
    const menu = page.getByRole('group', { name: 'Wallet', exact: true });
    await menu.getByRole('button', { name: new RegExp(WALLET_NAME) }).click();
    await menu.getByText('The wallet is on another network.').waitFor();
    await picture(page, 'wrong-network', false);
    await page.keyboard.press('Escape');

    await chooseAdapter(page, small.name);
    const turn = await ask(page, small.question);
    await turn.getByRole('button', { name: 'Pay them' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pay for this answer' });
    await dialog.getByRole('button', { name: 'Switch the network' }).click();
    await dialog.getByText('The wallet is on another network.').waitFor({ state: 'hidden' });
    expect(wallet.chainId).toBe(deployment.chain.id);

    await wallet.fund('0.01');
    await dialog.getByText('This account holds less than that.').waitFor();
    await dialog.getByRole('button', { name: 'Sign and pay' }).click();
    await dialog.getByRole('alert').getByText('wallet/insufficient-funds').waitFor();
    await wallet.fund('50');
    await dialog.getByText('This account holds less than that.').waitFor({ state: 'hidden' });

    const claims = (await chain.claims()).length;
    await dialog.getByRole('button', { name: 'Sign and pay' }).click();
    const notice = dialog.getByRole('alert');
    await notice.getByText('wallet/rejected').waitFor();
    expect((await chain.claims()).length).toBe(claims);
    await picture(page, 'wallet-rejects', false);
    await notice.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('dialog', { name: 'Payment' }).getByText('These sum to the wei.').waitFor();
    const paid = (await chain.claims())[0]!;
    expect(paid.claimant).toBe(wallet.account.address);
    // Node computed this receipt too, before any browser was there.
    const receipt = await chain.receipt(paid.receiptCid);
    expect(receiptHash(receipt)).toBe(paid.answer!.receiptHash);
    expect(receiptHash({ ...receipt, nonce: NO_NONCE })).toBe(small.receiptHash);
  });

  test('a training is paused and goes on; reloaded in the middle it is kept, and goes on or is discarded', async () => {
    browser = await openBrowser();
    const { page } = browser;
    const before = (await listAdapters(chain.connection)).length;
    await openApp(page, url, '#/make');
    await page.getByLabel('Datanet').selectOption({ label: small.name });
    await page.getByText('Expert settings').click();
    await page.getByLabel('Rounds over all records').fill('300');
    await page.getByLabel('Attention: what each word looks for').uncheck();
    await page.getByText(/steps on this device, with up to [\d.]+ MB of memory/).waitFor();
    await picture(page, 'make-settings');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByText('The same as a table').click();
    const steps = page.getByRole('table').getByRole('row');
    const more = async (than: number) =>
      waitFor(
        () => steps.count(),
        (rows) => rows > than,
      );
    await more(3);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    const paused = Number(/Paused after step (\d+)/.exec(await page.getByText(/^Paused after step/).innerText())![1]);
    expect(paused).toBeGreaterThanOrEqual(3);
    await picture(page, 'make-paused');
    await page.getByRole('button', { name: 'Go on', exact: true }).click();
    await page.getByRole('heading', { name: /^Learning / }).waitFor();
    await page.getByText(/^\s*\d+ of \d/).first().waitFor();

    let warned = false;
    page.on('dialog', (dialog) => {
      warned = dialog.type() === 'beforeunload';
      void dialog.accept();
    });
    await page.reload();
    expect(warned).toBe(true);
    await page.getByRole('heading', { name: new RegExp(`^Go on with ${small.name}, version 1`) }).waitFor();
    const kept = Number(/Step (\d+) of/.exec(await page.getByText(/^\s*Step \d+ of/).innerText())![1]);
    expect(kept).toBeGreaterThanOrEqual(paused);
    await picture(page, 'make-kept');
    expect((await listAdapters(chain.connection)).length).toBe(before);
    await page.getByRole('button', { name: 'Go on', exact: true, disabled: false }).click();
    // The curve begins where the run began.
    await page.getByText('The same as a table').click();
    await more(3);
    expect(await steps.nth(1).locator('td').first().innerText()).toBe('1');
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Discard it for good' }).click();
    await page.getByRole('button', { name: 'Start training' }).waitFor();
    expect(await page.getByRole('heading', { name: /^Go on with/ }).count()).toBe(0);
    // The settings are those of the run that ended.
    await page.getByText('Expert settings').click();
    expect(await page.getByLabel('Rounds over all records').inputValue()).toBe('300');
    expect(await page.getByLabel('Attention: what each word looks for').isChecked()).toBe(false);
    expect(browser.mistakes).toEqual([]);
  });

  test('a trial: some records held out, their line beside the other, not to be published', async () => {
    browser = await openBrowser();
    const { page } = browser;
    await openApp(page, url, '#/make');
    await page.getByLabel('Datanet').selectOption({ label: small.name });
    await page.getByText('Expert settings').click();
    await page.getByLabel('Rounds over all records').fill('6');
    await page.getByLabel('Held out, per cent of the records').fill('20');
    await page.getByText(/^This is a trial: \d+ record/).waitFor();
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByRole('heading', { name: 'This was a trial' }).waitFor({ timeout: 120_000 });
    await page.getByText('held out, after each round').waitFor();
    await page.getByText('The record says:').first().waitFor();
    await picture(page, 'make-trial');
    expect(await page.getByRole('heading', { name: 'Publish it' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Discard', exact: true }).click();
    await page.getByRole('button', { name: 'Discard it for good' }).click();
    await page.getByRole('button', { name: 'Start training' }).waitFor();
    expect(browser.mistakes).toEqual([]);
  });

  test('gateway down for an adapter that is not kept: clear error, then on where it stopped', async () => {
    browser = await openBrowser();
    const { page, context } = browser;
    const { question, answer } = expectedOf('health', 'Where is the tibia found?');
    await openApp(page, url);
    await page.getByRole('button', { name: 'Device: CPU', exact: true }).waitFor({ timeout: 90_000 });
    await chooseAdapter(page, 'Health facts');
    await context.route('**/ipfs/**', (route) => route.abort('connectionrefused'));
    await page.getByLabel('Your question').fill(question);
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    const turn = page.locator('article.turn').last();
    await turn
      .getByRole('alert')
      .getByText(/^storage\//)
      .waitFor({ timeout: 120_000 });
    await picture(page, 'gateway-down');
    await context.unroute('**/ipfs/**');
    await turn.getByRole('button', { name: 'Ask again' }).click();
    await turn.getByRole('group', { name: /^Words of the answer/ }).waitFor({ timeout: 120_000 });
    expect(await answerText(turn)).toBe(answer);

    // What was fetched once is kept over a reload, and needs no gateway.
    await context.route('**/ipfs/**', (route) => route.abort('connectionrefused'));
    await page.reload();
    const again = await ask(page, question);
    expect(await answerText(again)).toBe(answer);
  });

  test('two tabs: both answer, neither loses its conversation', async () => {
    browser = await openBrowser();
    const { page: first, context } = browser;
    const second = await context.newPage();
    for (const page of [first, second]) {
      await openApp(page, url);
      await chooseAdapter(page, small.name);
    }
    const other = expectedOf('legal', 'What does insolvency mean?');
    const [one, two] = await Promise.all([ask(first, small.question), ask(second, other.question)]);
    expect(await answerText(one)).toBe(small.answer);
    expect(await answerText(two)).toBe(other.answer);
    for (const turn of [one, two]) await madeBy(turn).locator('.strip').waitFor({ timeout: 120_000 });
    await first.reload();
    await first.getByRole('button', { name: 'Earlier conversations' }).click();
    const kept = first.getByRole('group', { name: 'Earlier conversations' });
    await kept.getByText(small.question).waitFor();
    await kept.getByText(other.question).waitFor();
    expect(browser.mistakes).toEqual([]);
  });
});
