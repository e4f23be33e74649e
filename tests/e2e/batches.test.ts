import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { Claimant } from './claimant.ts';
import { goTo, openApp, useIdentity, waitFor } from './page-actions.ts';

/** Answers that somebody paid together: checked on Claims, their payouts fetched on Earn. */
describe.sequential('several answers in one claim', () => {
  const { url, deployment, small } = inject('network');
  const chain = new ChainView(deployment, url);
  const rpc = deployment.chain.rpcUrls[0]!;
  const contributor = deployment.demo!.identities.find(({ role }) => role === 'contributor')!;
  let browser: TestBrowser;
  let payer: Claimant;

  beforeAll(async () => {
    payer = await Claimant.of(deployment, url, 'Emeka', small.adapterId);
    browser = await openBrowser();
    await openApp(browser.page, url);
  });
  afterAll(async () => {
    await anvilRpc(rpc, 'anvil_removeBlockTimestampInterval').catch(() => {});
    if (browser) await picture(browser.page, 'batches-end').catch(() => {});
    payer?.close();
    await browser?.close();
  });

  test('each answer is checked; a false one is found in its place', async () => {
    const { page } = browser;
    await anvilRpc(rpc, 'anvil_setBlockTimestampInterval', [0]);
    const right = await payer.claimBatch([{ question: small.question }, { question: 'What does homicide mean?' }]);
    const wrong = await payer.claimBatch([{ question: small.question }, { question: 'What does homicide mean?', cheat: { flip: { index: 200, place: 5, bits: [9] } } }]);
    await goTo(page, 'Claims');
    const card = (id: bigint) => page.getByRole('article', { name: `Claim ${id}`, exact: true });
    await card(wrong.claimId).getByRole('button', { name: 'Check all 2' }).click();
    await card(wrong.claimId).getByText(/Answer 1: False first in instruction 200/).waitFor();
    await card(right.claimId).getByRole('button', { name: 'Check all 2' }).click();
    await card(right.claimId).getByText(/Right\. All 2 answers/).waitFor();
    await picture(page, 'batches-claims');
    await anvilRpc(rpc, 'anvil_removeBlockTimestampInterval');
  });

  test('a contributor withdraws what the answers brought', async () => {
    const { page } = browser;
    const paid = await payer.claimBatch([{ question: small.question }, { question: small.question }]);
    await useIdentity(page, contributor.name);
    await goTo(page, 'Earn');
    const claim = async () => (await chain.claims()).find(({ claimId }) => claimId === paid.claimId)!;
    // Of three claims, two answers each; other tests' claims are on the same chain, and some windows are over sooner.
    const button = page.getByRole('button', { name: /^Make \d+ answers? final$/ });
    for (const began = Date.now(); (await claim()).state !== 'final'; ) {
      expect(Date.now() - began).toBeLessThan(90_000);
      if ((await button.count()) && (await button.isEnabled())) await button.click();
      await page.waitForTimeout(500);
    }
    await waitFor(() => page.getByText('Ready', { exact: true }).count(), (count) => count >= 6);
    await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
    await page.getByText(/came into your account/).waitFor();
    await waitFor(async () => (await claim()).withdrawn.length, (count) => count === 2);
    await waitFor(() => page.getByText('Withdrawn', { exact: true }).count(), (count) => count >= 6);
    await picture(page, 'batches-earn');
    const { paidOut, fee } = await claim();
    expect(paidOut).toBe(fee.contributors);
    expect((await chain.balances(contributor.address)).settlement).toBe(0n);
  });

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
