import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { demandFile } from '../../src/chain/answers-file.ts';
import { demandPlaces } from '../../src/chain/demand-places.ts';
import { filePlace, leafOf } from '../../src/chain/place.ts';
import { demoWallet } from '../../src/chain/wallets.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { type Cheat, Claimant } from './claimant.ts';
import { goTo, openApp, useIdentity, waitFor } from './page-actions.ts';

/** Answers that somebody paid together: checked and challenged on Claims, their payouts fetched on Earn. */
describe.sequential('several answers in one claim', () => {
  const { url, deployment, small } = inject('network');
  const chain = new ChainView(deployment, url);
  const rpc = deployment.chain.rpcUrls[0]!;
  const challenger = deployment.demo!.identities.find(({ name }) => name === 'Uma')!;
  const contributor = deployment.demo!.identities.find(({ role }) => role === 'contributor')!;
  let browser: TestBrowser;
  let payer: Claimant;

  beforeAll(async () => {
    payer = await Claimant.of(deployment, url, 'Emeka', small.adapterId);
    browser = await openBrowser();
    await openApp(browser.page, url);
  });
  afterAll(async () => {
    await letTimeRun().catch(() => {});
    if (browser) await picture(browser.page, 'batches-end').catch(() => {});
    payer?.close();
    await browser?.close();
  });

  /** The test network's windows are seconds: its clock stands still while a slow machine computes, blocks come as ever. */
  const holdTime = () => anvilRpc(rpc, 'anvil_setBlockTimestampInterval', [0]);
  const letTimeRun = () => anvilRpc(rpc, 'anvil_removeBlockTimestampInterval');
  const card = (id: bigint) => browser.page.getByRole('article', { name: `Claim ${id}`, exact: true });
  const stateOf = async (id: bigint) => (await chain.claims()).find(({ claimId }) => claimId === id)!.state;
  const questions = [small.question, 'What does homicide mean?'];
  const batch = (cheat: Cheat, options?: { withhold: boolean }) => payer.claimBatch([{ question: questions[0]! }, { question: questions[1]!, cheat }], options);
  /** Light, and as wide as a phone. */
  const look = async (name: string) => {
    const { page } = browser;
    await picture(page, name);
    await page.setViewportSize({ width: 390, height: 844 });
    await picture(page, `${name}-phone`);
    await page.setViewportSize({ width: 1280, height: 860 });
  };

  test('each answer is checked; a false one is found in its place, challenged and refuted', async () => {
    const { page } = browser;
    await holdTime();
    const right = await batch({});
    const wrong = await batch({ flip: { index: 200, place: 5, bits: [9] } });
    await goTo(page, 'Claims');
    await card(right.claimId).getByRole('button', { name: 'Check all 2' }).click();
    await card(right.claimId).getByText(/Right\. All 2 answers/).waitFor();
    expect(await card(right.claimId).getByRole('button', { name: 'Challenge' }).count()).toBe(0);
    const claim = card(wrong.claimId);
    await claim.getByRole('button', { name: 'Check all 2' }).click();
    await claim.getByText(/Answer 1: False first in instruction 200/).waitFor();
    await claim.getByText('You stand to win').waitFor();
    await look('batches-claims');

    const before = await chain.balances(challenger.address);
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^You won/).waitFor();
    await look('batches-refuted');
    expect([await stateOf(wrong.claimId), await stateOf(right.claimId)]).toEqual(['refuted', 'open']);
    expect((await chain.balances(challenger.address)).settlement - before.settlement).toBe(wrong.bond / 2n);
    await letTimeRun();
  });

  test('what the published hashes of one answer do not tell is demanded; that survives a reload, and is proved when it was shown', async () => {
    const { page } = browser;
    await holdTime();
    const wrong = await batch({ flip: { index: 333, place: 3, bits: [2, 30] } });
    const claim = card(wrong.claimId);
    await claim.getByRole('button', { name: 'Check all 2' }).click();
    await claim.getByText('Only the hash of what is false is known').waitFor();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    await look('batches-demanded');
    await page.reload();
    await claim.getByRole('button', { name: 'Go on with the challenge' }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    // A piece of that answer, and of no other.
    expect(await payer.showDemanded(wrong.parts[0]!)).toBe(0);
    expect(await payer.showDemanded(wrong.parts[1]!)).toBe(1);
    await claim.getByText(/^You won/).waitFor();
    expect(await claim.locator('.verdict').innerText()).toMatch(/Answer 1: False first in instruction 333, .*, row \d+, column \d+/);
    expect(await stateOf(wrong.claimId)).toBe('refuted');
    await letTimeRun();
  });

  test('what answers come from whose file is withheld is demanded; the false one is searched, and what is right asserted', async () => {
    const { page } = browser;
    await holdTime();
    const hidden = await batch({ flip: { index: 444, place: 2, bits: [3, 29] }, withhold: true }, { withhold: true });
    const claim = card(hidden.claimId);
    await claim.getByRole('button', { name: 'Check all 2' }).click();
    await claim.getByText(/The file of its answers cannot be had/).waitFor();
    await claim.getByText('You demand all 2 questions and answers').waitFor();
    await look('batches-withheld');
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    await look('batches-file-demanded');
    expect(await payer.showFile(hidden)).toBe(true);
    const asserted = claim.getByText(/^Waiting until the claimant’s time to refute what was asserted is over/);
    const replies = [0, 0];
    while (!(await asserted.isVisible())) {
      for (const [k, part] of hidden.parts.entries()) if (await payer.showDemanded(part)) replies[k]!++;
      await page.waitForTimeout(300);
    }
    // The first is computed and right; the second one's trace is searched in two rounds.
    expect(replies[0]).toBe(0);
    expect(replies[1]).toBeLessThanOrEqual(2);
    await look('batches-asserted');
    await letTimeRun();
    await claim.getByText(/^You won/).waitFor();
    await look('batches-silenced');
    // File, first parts, nodes, each demanded and shown; the assertion, and silence. The commitment came with the first parts.
    const { transactions, gas, committedAlone } = await payer.disputeCost(hidden.claimId);
    console.info(`a dispute about a withheld batch: ${transactions} transactions, ${gas} gas`);
    expect([transactions, committedAlone]).toEqual([8, false]);
    expect(gas).toBeLessThan(5_000_000);
    expect(await stateOf(hidden.claimId)).toBe('refuted');
    await letTimeRun();
  });

  test('where one answer’s receipt is withheld and the file is not, the tokens of all are demanded; the search goes on as ever', async () => {
    await holdTime();
    const hidden = await batch({ flip: { index: 444, place: 2, bits: [3, 29] }, withhold: true });
    const claim = card(hidden.claimId);
    await claim.getByRole('button', { name: 'Check all 2' }).click();
    await claim.getByText(/Answer 1: The receipt cannot be had/).waitFor();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    expect(await payer.openPlaces(hidden.claimId)).toEqual([filePlace]);
    const asserted = claim.getByText(/^Waiting until the claimant’s time to refute what was asserted is over/);
    while (!(await asserted.isVisible())) {
      await payer.showFile(hidden);
      await payer.showDemanded(hidden.parts[1]!);
      await browser.page.waitForTimeout(300);
    }
    await letTimeRun();
    await claim.getByText(/^You won/).waitFor();
    const { transactions, committedAlone } = await payer.disputeCost(hidden.claimId);
    expect([transactions, committedAlone]).toEqual([8, false]);
    expect(await stateOf(hidden.claimId)).toBe('refuted');
  });

  test('of a withheld batch false payouts are searched too, and the row proved', async () => {
    await holdTime();
    const hidden = await batch({ workings: { table: 0, row: 1 }, withhold: true }, { withhold: true });
    const claim = card(hidden.claimId);
    await claim.getByRole('button', { name: 'Check all 2' }).click();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    const won = claim.getByText(/^You won/);
    while (!(await won.isVisible())) {
      await payer.showFile(hidden);
      expect(await payer.showDemanded(hidden.parts[0]!)).toBe(0);
      await payer.showDemanded(hidden.parts[1]!);
      await browser.page.waitForTimeout(300);
    }
    await look('batches-payouts');
    const { transactions, gas } = await payer.disputeCost(hidden.claimId);
    console.info(`a dispute about payouts of a withheld batch: ${transactions} transactions, ${gas} gas`);
    expect(transactions).toBeLessThanOrEqual(8);
    expect(gas).toBeLessThan(5_000_000);
    expect(await stateOf(hidden.claimId)).toBe('refuted');
    await letTimeRun();
  });

  test('a batch whose file is not shown in time is lost', async () => {
    await holdTime();
    const hidden = await batch({}, { withhold: true });
    const claim = card(hidden.claimId);
    await claim.getByRole('button', { name: 'Check all 2' }).click();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    await letTimeRun();
    await claim.getByText(/^You won/).waitFor();
    expect(await stateOf(hidden.claimId)).toBe('refuted');
  });

  test.each([
    ['sums that are not those of its answers', { tokensIn: 3 }, 'Check all 2', /Its answers have \d+ tokens in and \d+ out and allocate \d+ wei; it was paid for/],
    ['the same receipt twice', { twice: true }, 'Check all 3', /Answers 0 and 2 are one receipt/],
  ])('%s are proved false at once', async (_, cheat, check, why) => {
    await goTo(browser.page, 'Claims');
    await holdTime();
    const wrong = await payer.claimFalseBatch(questions, cheat);
    const claim = card(wrong.claimId);
    await claim.getByRole('button', { name: check }).click();
    await claim.getByText(why).waitFor();
    const before = await chain.balances(challenger.address);
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^You won/).waitFor();
    expect(await stateOf(wrong.claimId)).toBe('refuted');
    expect((await chain.balances(challenger.address)).settlement - before.settlement).toBe(wrong.bond / 2n);
    await letTimeRun();
  });

  test('whoever paid a batch shows what is demanded of one of its answers', async () => {
    const { page } = browser;
    await holdTime();
    const paid = await batch({});
    const other = demoWallet(payer.connection, contributor);
    await demandPlaces(payer.connection, other, paid.claimId, [leafOf(1, 30, 0)]);
    await useIdentity(page, 'Emeka');
    const claim = card(paid.claimId);
    await claim.getByText(/demands piece 0 of instruction 30 of answer 1/).waitFor();
    await claim.getByRole('button', { name: 'Show it' }).click();
    await claim.getByRole('list', { name: 'Path of the dispute' }).getByText('Piece shown').waitFor();
    await demandFile(payer.connection, other, paid.claimId);
    await claim.getByText(/demands all its questions and answers/).waitFor();
    await claim.getByRole('button', { name: 'Show it' }).click();
    await claim.getByRole('list', { name: 'Path of the dispute' }).getByText('Questions and answers shown').waitFor();
    expect(await payer.openPlaces(paid.claimId)).toEqual([]);
    await useIdentity(page, challenger.name);
    await letTimeRun();
  });

  test('a contributor withdraws what the answers brought', async () => {
    const { page } = browser;
    const paid = await payer.claimBatch([{ question: small.question }, { question: small.question }]);
    await useIdentity(page, contributor.name);
    await goTo(page, 'Earn');
    const claim = async () => (await chain.claims()).find(({ claimId }) => claimId === paid.claimId)!;
    // Of two claims at least, two answers each; other tests' claims are on the same chain, and some windows are over sooner.
    const button = page.getByRole('button', { name: /^Make \d+ answers? final$/ });
    for (const began = Date.now(); (await claim()).state !== 'final'; ) {
      expect(Date.now() - began).toBeLessThan(90_000);
      if ((await button.count()) && (await button.isEnabled())) await button.click();
      await page.waitForTimeout(500);
    }
    // What other claims brought may be ready before this one's, and be taken by itself.
    const withdraw = page.getByRole('button', { name: 'Withdraw', exact: true });
    const taken = async () => {
      if ((await withdraw.count()) && (await withdraw.isEnabled())) await withdraw.click();
      await page.waitForTimeout(500);
      return (await claim()).withdrawn.length;
    };
    await waitFor(taken, (count) => count === 2);
    await page.getByText(/came into your account/).waitFor();
    await waitFor(() => page.getByText('Withdrawn', { exact: true }).count(), (count) => count >= 4);
    await picture(page, 'batches-earn');
    const { paidOut, fee } = await claim();
    expect(paidOut).toBe(fee.contributors);
    expect((await chain.balances(contributor.address)).settlement).toBe(0n);
  });

  test('nothing went wrong unseen', () => {
    // A withheld file is asked for and is not there: browsers log that themselves.
    expect(browser.mistakes.filter((mistake) => !/404/.test(mistake))).toEqual([]);
  });
});
