import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { quoteFee } from '../../src/chain/quote-fee.ts';
import { retrievalPart, retrievalShares } from '../../src/protocol/retrieval-share.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { ask, checkReceipt, chooseAdapter, goTo, openApp, useIdentity, waitFor } from './page-actions.ts';
import { type ReadingBase, publishReadingBase } from './reading-base.ts';

const QUESTION = 'What colour are lighthouse and river of Oss?';
/** Places of the records that share words with it, best first. */
const FOUND = [1, 5, 2];

/** A base that reads records, which the shipped one does not: they are found, placed before the question, shown and paid. */
describe.sequential('records before a question', () => {
  const { url, deployment } = inject('network');
  const chain = new ChainView(deployment, url);
  const rpc = deployment.chain.rpcUrls[0]!;
  const contributors = deployment.demo!.identities.filter(({ role }) => role === 'contributor').slice(0, 3);
  let base: ReadingBase;
  let browser: TestBrowser;
  let page: TestBrowser['page'];

  beforeAll(async () => {
    base = await publishReadingBase(deployment, url, contributors.map(({ address }) => address));
    browser = await openBrowser();
    page = browser.page;
  });
  afterAll(async () => {
    await anvilRpc(rpc, 'anvil_removeBlockTimestampInterval').catch(() => {});
    if (page) await picture(page, 'retrieval-end').catch(() => {});
    base?.engine.close();
    await browser?.close();
  });

  test('are offered by a base that reads them, and by no other', async () => {
    await openApp(page, url, '#/ask');
    const offered = page.getByLabel('Put records before the question');
    const settings = page.getByRole('button', { name: /^How answers are written/ });
    await chooseAdapter(page, 'Legal glossary');
    await ask(page, 'What is a tort?');
    await settings.click();
    await page.getByLabel('Longest answer').waitFor();
    expect(await offered.count()).toBe(0);
    await page.keyboard.press('Escape');

    await goTo(page, 'Models');
    await page.getByLabel('Address or CID').fill(base.cid);
    await page.getByRole('button', { name: 'Fetch', exact: true }).click();
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.locator('li').getByText('in use').waitFor();
    await goTo(page, 'Ask');
    await chooseAdapter(page, base.adapter);
    await settings.click();
    await offered.check();
    await page.keyboard.press('Escape');
  });

  test('are read, shown with what each earns, and paid with the answer', async () => {
    await anvilRpc(rpc, 'anvil_setBlockTimestampInterval', [0]);
    const turn = await ask(page, QUESTION);
    await turn.getByText('after reading 3 records').waitFor();
    const read = turn.getByRole('region', { name: 'Records that were read' });
    await read.waitFor({ timeout: 120_000 });
    expect(await read.locator('cite').allInnerTexts()).toEqual(FOUND.map((k) => base.records[k]!.text));
    expect(await read.getByText(/earns/).count()).toBe(3);
    await picture(page, 'retrieval-read');
    await page.setViewportSize({ width: 390, height: 844 });
    await picture(page, 'retrieval-read-phone');
    await page.setViewportSize({ width: 1280, height: 860 });

    await turn.getByRole('button', { name: 'Pay them' }).click();
    await page.getByRole('dialog', { name: 'Pay for this answer' }).getByRole('button', { name: 'Sign and pay' }).click();
    await page.getByRole('dialog', { name: 'Payment' }).getByRole('button', { name: 'Done' }).click();
    const claim = (await chain.claims())[0]!;
    expect(claim.answer!.read).toEqual(FOUND);
    const receipt = await chain.receipt(claim.receiptCid);

    // The prompt is the one that Node makes of the same records: they stand in it, word for word, before the question.
    const { ids, used } = base.engine.promptWithRecords(QUESTION, FOUND.map((k) => base.records[k]!), 96);
    expect([used, receipt.prompt.tokens]).toEqual([3, ids]);
    const prompt = base.engine.tokenizer.decode(ids);
    const places = [...FOUND.map((k) => prompt.indexOf(base.records[k]!.text)), prompt.indexOf(QUESTION)];
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);

    // Of the contributors' part a fifth, by 1 / rank. Those whose records were read and moved nothing earn that alone.
    const { prices, payouts } = receipt;
    const { contributors: whole } = await quoteFee(chain.connection, { adapterId: claim.adapterId, tokensIn: receipt.prompt.tokens.length, tokensOut: receipt.answer.tokens.length });
    const shares = retrievalShares(FOUND.map((record) => ({ record, contributor: base.records[record]!.contributor })), retrievalPart(whole, prices.payout.retrievalPart, 3));
    expect(shares.map(({ amount }) => amount > 0n)).toEqual([true, true, true]);
    const by = (contributor: string) => BigInt(payouts.find((one) => one.contributor === contributor.toLowerCase())?.amount ?? 0);
    const [, second, third] = contributors;
    expect([by(second!.address), by(third!.address)]).toEqual([shares[0]!.amount, shares[2]!.amount]);
  });

  test('are found again by whoever checks the receipt, or the claim', async () => {
    const claim = (await chain.claims())[0]!;
    await goTo(page, 'Claims');
    const card = page.getByRole('article', { name: `Claim ${claim.claimId}`, exact: true });
    await card.getByRole('button', { name: 'Check', exact: true }).click();
    await card.getByText(/Right\. This machine computed the same/).waitFor();
    await card.getByRole('link', { name: 'its receipt' }).click();
    await page.getByRole('heading', { name: 'What this receipt says' }).waitFor();
    await page.getByText('bm25/1', { exact: false }).first().waitFor();
    expect(await checkReceipt(page)).toBe('equal');
    await picture(page, 'retrieval-check');
    await anvilRpc(rpc, 'anvil_removeBlockTimestampInterval');
  });

  test('the contributor of a record that was only read fetches what it brought', async () => {
    const claim = (await chain.claims())[0]!;
    const { name, address } = contributors[1]!;
    await useIdentity(page, name);
    await goTo(page, 'Earn');
    await page.getByText(QUESTION).waitFor();
    await page.getByRole('button', { name: /^Make \d+ answers? final$/ }).click({ timeout: 60_000 });
    const final = async () => (await chain.claims()).find(({ claimId }) => claimId === claim.claimId)!;
    await page.getByText('payouts of your records').waitFor();
    await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
    await page.getByText(/came into your account/).waitFor();
    await waitFor(async () => (await final()).withdrawn.length, (count) => count === 1);
    const receipt = await chain.receipt(claim.receiptCid);
    expect((await final()).paidOut).toBe(BigInt(receipt.payouts.find(({ contributor }) => contributor === address.toLowerCase())!.amount));
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
