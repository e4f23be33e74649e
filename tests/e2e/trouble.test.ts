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
    expect(receiptHash(receipt)).toBe(paid.receiptHash);
    expect(receiptHash({ ...receipt, nonce: NO_NONCE })).toBe(small.receiptHash);
  });

  test('reload in the middle of a training: said, nothing published, starts again', async () => {
    browser = await openBrowser();
    const { page } = browser;
    const before = (await listAdapters(chain.connection)).length;
    await openApp(page, url, '#/make');
    await page.getByLabel('Datanet').selectOption({ label: small.name });
    await page.getByText('Expert settings').click();
    await page.getByLabel('Rounds over all records').fill('300');
    await page.getByRole('button', { name: 'Start training' }).click();
    await page.getByText('The same as a table').click();
    const steps = page.getByRole('table').getByRole('row');
    await waitFor(
      () => steps.count(),
      (rows) => rows > 3,
    );
    let warned = false;
    page.on('dialog', (dialog) => {
      warned = dialog.type() === 'beforeunload';
      void dialog.accept();
    });
    await page.reload();
    expect(warned).toBe(true);
    await page.getByText('A run ended when this tab was reloaded. Nothing of it was published.').waitFor();
    expect((await listAdapters(chain.connection)).length).toBe(before);
    await page.getByRole('button', { name: 'Start it again' }).click();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Start training' }).waitFor();
    // The settings are those of the run that ended.
    await page.getByText('Expert settings').click();
    expect(await page.getByLabel('Rounds over all records').inputValue()).toBe('300');
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
