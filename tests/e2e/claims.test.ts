import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { cutPlace } from '../../src/attribution/trace/trace-nodes.ts';
import { demandPlaces } from '../../src/chain/demand-places.ts';
import { type Place, leafOf } from '../../src/chain/place.ts';
import { demoWallet } from '../../src/chain/wallets.ts';
import { readDemand } from '../../src/chain/read-dispute.ts';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { Claimant } from './claimant.ts';
import { ask, chooseAdapter, goTo, openApp, useIdentity, waitFor } from './page-actions.ts';

/** The test network's windows are seconds: its clock stands still while a slow machine computes, blocks come as ever. */
const RPC = () => inject('network').deployment.chain.rpcUrls[0]!;
const holdTime = () => anvilRpc(RPC(), 'anvil_setBlockTimestampInterval', [0]);
const letTimeRun = () => anvilRpc(RPC(), 'anvil_removeBlockTimestampInterval');

const card = (page: Page, claimId: bigint | string) => page.getByRole('article', { name: `Claim ${claimId}`, exact: true });

/** In which states the steps of a dispute are, as a screen reader says them. */
async function pathOf(claim: Locator): Promise<string[]> {
  return (await claim.getByRole('list', { name: 'Path of the dispute' }).getByRole('listitem').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').replaceAll(' ,', ',').trim());
}

async function problems(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
  const wide = await page.evaluate(() => (document.documentElement.scrollWidth > innerWidth ? [`${document.documentElement.scrollWidth} of ${innerWidth} wide`] : []));
  return [...serious, ...wide];
}

async function look(page: Page, name: string): Promise<void> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `${name}-${colorScheme}`);
    found.push(...(await problems(page)).map((problem) => `${colorScheme}: ${problem}`));
  }
  await page.emulateMedia({ colorScheme: 'light' });
  expect(found).toEqual([]);
}

describe.sequential('claims, in a browser without WebGPU', () => {
  const { url, deployment, small } = inject('network');
  const chain = new ChainView(deployment, url);
  let browser: TestBrowser;
  let page: Page;
  let cheat: Claimant;
  const identity = (name: string) => deployment.demo!.identities.find((one) => one.name === name)!;

  beforeAll(async () => {
    cheat = await Claimant.of(deployment, url, 'Emeka', small.adapterId);
    browser = await openBrowser();
    page = browser.page;
    await openApp(page, url);
  });
  afterAll(async () => {
    await letTimeRun().catch(() => {});
    if (page) await picture(page, 'claims-end').catch(() => {});
    cheat?.close();
    await browser?.close();
  });

  test('an honest claim, paid here, is right; what is demanded of it is shown', async () => {
    await chooseAdapter(page, small.name);
    const turn = await ask(page, 'What does insider trading mean?');
    await holdTime();
    await turn.getByRole('button', { name: 'Pay them' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pay for this answer' });
    await dialog.getByRole('button', { name: 'Sign and pay' }).click();
    await page.getByRole('dialog', { name: 'Payment' }).getByRole('button', { name: 'Done' }).click();
    const { claimId } = (await chain.claims())[0]!;

    await goTo(page, 'Claims');
    const claim = card(page, claimId);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    await claim.getByText(/^=?\s*Right\. This machine computed the same trace/).waitFor();
    expect(await claim.getByRole('button', { name: 'Challenge' }).count()).toBe(0);

    await demandPlaces(cheat.connection, cheat.wallet, claimId, [leafOf(0, 30, 0)]);
    const show = claim.getByRole('button', { name: 'Show it' });
    await show.waitFor();
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/^\d Shows the piece, now you, .* left$/));
    await look(page, 'claims-demanded');
    const before = await chain.balances(identity('Uma').address);
    await show.click();
    await waitFor(() => pathOf(claim), (steps) => steps.some((step) => step.includes('Piece shown, done')));
    // The bond of the demand is the claimant's.
    expect((await chain.balances(identity('Uma').address)).disputes).toBeGreaterThan(before.disputes);

    // Nodes of several levels, and several leaves at once.
    const more: Place[] = [{ answer: 0, ...cutPlace([5, 3, 4]) }, { answer: 0, index: 30, leaf: 0, level: 1, depth: 0 }];
    for (const place of more) await demandPlaces(cheat.connection, cheat.wallet, claimId, [place]);
    await claim.getByText('demands 2 parts of the trace').waitFor();
    await claim.getByRole('button', { name: 'Show them' }).click();
    await waitFor(() => Promise.all(more.map((place) => readDemand(cheat.connection, claimId, place))), (demands) => demands.every(({ state }) => state === 'answered'));

    // Somebody says that values of it are others, and commits to that: they are not.
    await cheat.assertFalse((await chain.claims())[0]!, 30);
    await claim.getByText(/asserts that \d+ values of instruction 30 are others than claimed/).waitFor();
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/^\d Has to refute them, now you, .* left$/));
    await look(page, 'claims-asserted');
    const unrefuted = await chain.balances(identity('Uma').address);
    await claim.getByRole('button', { name: 'Refute it' }).click();
    await claim.getByText('1 assertion about this claim was refuted.').waitFor();
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/^Assertion refuted, done by you$/));
    expect((await chain.balances(identity('Uma').address)).disputes).toBeGreaterThan(unrefuted.disputes);
    await look(page, 'claims-assertion-refuted');
    await letTimeRun();
  });

  test('whoever finds a claim right can refute what is asserted of it in the claimant’s place; the asserter asserts nothing more', async () => {
    await holdTime();
    const right = await cheat.claim('What does homicide mean?');
    const uma = demoWallet(cheat.connection, identity('Uma'));
    await cheat.assertFalse((await chain.claims()).find(({ claimId }) => claimId === right.claimId)!, 30, uma);
    await useIdentity(page, 'Cora');
    const claim = card(page, right.claimId);
    await claim.getByText(/The claimant has to refute that within/).waitFor();
    expect(await claim.getByRole('button', { name: 'Refute it' }).count()).toBe(0);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    await claim.getByText(/Anyone can refute that within .*, or the claim is lost\. The bond of .* is the claimant’s in the first half of the time/).waitFor();
    await look(page, 'claims-anyone');
    await claim.getByRole('button', { name: 'Refute it' }).click();
    await claim.getByText('1 assertion about this claim was refuted.').waitFor();
    await useIdentity(page, 'Uma');
    await claim.getByText(/What you asserted about this claim was refuted/).waitFor();
    await letTimeRun();
  });

  test('one flipped bit is found in the right place, challenged and refuted; the reward is withdrawn', async () => {
    await holdTime();
    const index = 200;
    const { claimId, bond, matrices } = await cheat.claim('What does homicide mean?', { flip: { index, place: 5, bits: [9] } });
    const { columns } = matrices[index]!;
    const claim = card(page, claimId);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    const verdict = claim.locator('.verdict');
    await verdict.waitFor();
    expect(await verdict.innerText()).toContain(`False first in instruction ${index}, ${cheat.tracer.program.instructions[index]!.name}`);
    expect(await verdict.innerText()).toContain(`row ${Math.floor(5 / columns)}, column ${5 % columns}`);
    await claim.getByText('You stand to win').waitFor();
    await look(page, 'claims-false');

    const before = await chain.balances(identity('Uma').address);
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^You won/).waitFor();
    expect((await pathOf(claim)).every((step) => step.includes(', done'))).toBe(true);
    const after = (await chain.claims()).find((one) => one.claimId === claimId)!;
    expect([after.state, after.challenger?.toLowerCase()]).toEqual(['refuted', identity('Uma').address.toLowerCase()]);
    expect((await chain.balances(identity('Uma').address)).settlement - before.settlement).toBe(bond / 2n);
    await look(page, 'claims-refuted');

    await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
    await page.getByText(/came into your account/).waitFor();
    const done = await chain.balances(identity('Uma').address);
    expect([done.settlement, done.disputes]).toEqual([0n, 0n]);
    await letTimeRun();
  });

  test('what the published hashes do not tell is demanded, shown by the claimant, and proved', async () => {
    await holdTime();
    const index = 333;
    const false_ = await cheat.claim('What does homicide mean?', { flip: { index, place: 3, bits: [2, 30] } });
    const claim = card(page, false_.claimId);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    await claim.getByText('Only the hash of what is false is known').waitFor();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    await cheat.show(false_, [leafOf(0, index, 0)]);
    await claim.getByText(/^You won/).waitFor();
    expect((await pathOf(claim)).every((step) => step.includes(', done'))).toBe(true);
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(new RegExp(`instruction ${index}, .*, row \\d+, column \\d+, done`)));
    expect((await chain.claims()).find((one) => one.claimId === false_.claimId)!.state).toBe('refuted');
    await picture(page, 'claims-proved');
    await letTimeRun();
  });

  test('a trace that is withheld is searched; what is right where it goes wrong is asserted, and nobody can refute it', async () => {
    await holdTime();
    const index = 444;
    const withheld = await cheat.claim('What does homicide mean?', { flip: { index, place: 2, bits: [3, 29] }, withhold: true });
    const claim = card(page, withheld.claimId);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    await claim.getByText('It cannot be checked.').waitFor();
    await claim.getByText('A block later you assert the right values where the search ends.').waitFor();
    await look(page, 'claims-withheld');
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    const asserted = claim.getByText(/^Waiting until the claimant’s time to refute what was asserted is over/);
    let replies = 0;
    while (!(await asserted.isVisible())) {
      if (await cheat.showDemanded(withheld)) replies++;
      await page.waitForTimeout(300);
    }
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/^\d Has to refute them, now the claimant, .* left$/));
    await look(page, 'claims-asserting');
    // It is kept: the challenge goes on after a reload.
    await page.reload();
    await claim.getByRole('button', { name: 'Go on with the challenge' }).click();
    await asserted.waitFor();
    await letTimeRun();
    await claim.getByText(/^You won/).waitFor();
    // The tokens with nodes of the tree over all matrices; nodes of some.
    expect(replies).toBeLessThanOrEqual(2);
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/^\d? ?Not refuted in time, not done/));
    await look(page, 'claims-silenced');
    // Two rounds, the commitment, the assertion, silence.
    const { transactions, gas } = await cheat.disputeCost(withheld.claimId);
    console.info(`a dispute about a withheld trace: ${transactions} transactions, ${gas} gas`);
    expect(transactions).toBeLessThanOrEqual(7);
    expect(gas).toBeLessThan(5_000_000);
    expect((await chain.claims()).find((one) => one.claimId === withheld.claimId)!.state).toBe('refuted');
  });

  test('payouts whose workings go wrong in one row are searched, and the row is proved', async () => {
    await holdTime();
    const false_ = await cheat.claim('What does homicide mean?', { workings: { table: 0, row: 1 } });
    const claim = card(page, false_.claimId);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    await claim.getByText(/The trace is right, its payouts are not: .*; the claim commits to other workings\./).waitFor();
    await claim.getByText(/^You demand .* of the payouts’ workings/).waitFor();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    const won = claim.getByText(/^You won/);
    let replies = 0;
    while (!(await won.isVisible())) {
      if (await cheat.showDemanded(false_)) replies++;
      await page.waitForTimeout(300);
    }
    expect(replies).toBeLessThanOrEqual(2);
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/pieces? of the payouts’ workings demanded, done/));
    expect((await chain.claims()).find((one) => one.claimId === false_.claimId)!.state).toBe('refuted');
    await picture(page, 'claims-payouts');
    await letTimeRun();
  });

  test('of a claim with nothing published a piece is demanded; that survives a reload, and silence loses the bond', async () => {
    await holdTime();
    const { claimId } = await cheat.claim('What does jurisdiction mean?', { withhold: true });
    const claim = card(page, claimId);
    await claim.getByRole('button', { name: 'Check', exact: true }).click();
    await claim.getByText('It cannot be checked.').waitFor();
    await claim.getByRole('button', { name: 'Challenge', exact: true }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    await page.reload();
    await claim.getByRole('button', { name: 'Go on with the challenge' }).waitFor();
    expect(await pathOf(claim)).toContainEqual(expect.stringMatching(/^\d Shows the piece, now the claimant, .* left$/));
    await claim.getByRole('button', { name: 'Go on with the challenge' }).click();
    await claim.getByText(/^Waiting for the claimant/).waitFor();
    await letTimeRun();
    await claim.getByText(/^You won/).waitFor();
    expect((await chain.claims()).find((one) => one.claimId === claimId)!.state).toBe('refuted');
  });

  test('another account sees no challenge of this one', async () => {
    await useIdentity(page, 'Cora');
    await page.getByRole('article', { name: /^Claim/ }).first().waitFor();
    expect(await page.getByText(/^You won/).count()).toBe(0);
    await useIdentity(page, 'Uma');
    await page.getByText(/^You won/).first().waitFor();
  });

  test('fits a phone, by keyboard too', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, 'claims-phone');
    const check = page.getByRole('button', { name: /^Check/ }).first();
    await check.focus();
    await page.keyboard.press('Enter');
    await page.locator('.verdict').first().waitFor();
  });

  test('nothing went wrong unseen', () => {
    // A withheld file is asked for and is not there: browsers log that themselves.
    expect(browser.mistakes.filter((mistake) => !/404/.test(mistake))).toEqual([]);
  });
});
