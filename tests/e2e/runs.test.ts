import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright';
import { getAbiItem, toFunctionSelector, zeroHash } from 'viem';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ALL_OUTPUTS, tracePlace } from '../../src/attribution/runs/places.ts';
import { ALL_MATRICES } from '../../src/attribution/trace/trace-nodes.ts';
import { demandOfRun } from '../../src/chain/demand-run.ts';
import { ledgerRefereeAbi } from '../../src/chain/generated/abis.ts';
import { readRun, readRunBalance } from '../../src/chain/read-run.ts';
import { seenRun } from '../../src/serve/watch/testing/show-run.ts';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { goTo, openApp, useIdentity } from './page-actions.ts';
import { RunMaker } from './run-maker.ts';

/** The test network's windows are seconds: its clock stands still while a slow machine computes, blocks come as ever. */
const RPC = () => inject('network').deployment.chain.rpcUrls[0]!;
const holdTime = () => anvilRpc(RPC(), 'anvil_setBlockTimestampInterval', [0]);
const letTimeRun = () => anvilRpc(RPC(), 'anvil_removeBlockTimestampInterval');

/** Names are not the sample's own, so that other tests still find that by name. */
const FALSE_NAME = 'Glossary of doubt';
const OTHER_NAME = 'Glossary of others';
const SILENT_NAME = 'Glossary of silence';

interface Call {
  id: number;
  method: string;
  params: { data?: string }[];
}

interface Answer {
  jsonrpc: string;
  id: number;
  result: string;
}

const isRpc = (at: URL) => at.href.startsWith(RPC());

/** From now on the page hears from the chain that no registered program is false; `end`: and then what is so again. */
async function acquitPrograms(page: Page): Promise<{ end(): Promise<void> }> {
  const selector = toFunctionSelector(getAbiItem({ abi: ledgerRefereeAbi, name: 'isOtherOutcome' }));
  await page.route(isRpc, async (route) => {
    const asked = [(route.request().postDataJSON() ?? []) as Call | Call[]].flat();
    const about = new Set(asked.filter(({ method, params }) => method === 'eth_call' && params[0]?.data?.startsWith(selector)).map(({ id }) => id));
    if (!about.size) return route.fallback();
    const response = await route.fetch();
    const json = (await response.json()) as Answer | Answer[];
    const other = (one: Answer): Answer => (about.has(one.id) ? { jsonrpc: '2.0', id: one.id, result: zeroHash } : one);
    await route.fulfill({ response, json: Array.isArray(json) ? json.map(other) : other(json) });
  });
  return { end: () => page.unroute(isRpc) };
}

async function look(page: Page, name: string): Promise<void> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await picture(page, `${name}-${colorScheme}`);
    const { violations } = await new AxeBuilder({ page }).analyze();
    found.push(...violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').flatMap(({ id, nodes }) => nodes.map(({ target }) => `${colorScheme}: ${id}: ${target.join(' ')}`)));
  }
  await page.emulateMedia({ colorScheme: 'light' });
  expect(found).toEqual([]);
}

describe.sequential('how adapters were made, in a browser without WebGPU', () => {
  const { url, deployment, small } = inject('network');
  const curator = deployment.demo!.identities.find(({ role }) => role === 'curator')!;
  let browser: TestBrowser;
  let other: RunMaker;
  let page: Page;

  beforeAll(async () => {
    await holdTime();
    browser = await openBrowser();
    page = browser.page;
    await openApp(page, url);
    await useIdentity(page, curator.name);
    await goTo(page, 'Market');
    other = await RunMaker.of(deployment, url, 'Emeka', small.adapterId);
  }, 180_000);
  afterAll(async () => {
    await letTimeRun().catch(() => {});
    if (page) await picture(page, 'runs-end').catch(() => {});
    other?.close();
    await browser?.close();
  });
  const about = (name: string) => page.getByRole('region', { name: `How ${name} was made` });
  const stateOf = async (adapterId: bigint) => (await readRun(other.connection, adapterId)).state;

  test('the owner vouches with a bond; anyone makes the run again and finds it right', async () => {
    const line = about(small.name);
    await line.getByText('Nobody vouches for how it was trained.').waitFor();
    await line.getByRole('button', { name: 'Vouch for it' }).click();
    const dialog = page.getByRole('dialog', { name: `Vouch for ${small.name}` });
    await picture(page, 'runs-vouch');
    await dialog.getByRole('button', { name: 'Make it again and sign' }).click();
    await line.getByText('vouches for every step of its training').waitFor({ timeout: 180_000 });
    const statement = await readRun(other.connection, BigInt(small.adapterId));
    expect(statement).toMatchObject({ state: 'open', maker: curator.address });
    // 8 records in parts of 2, 40 times over, the initial state, 3 checkpoints of own gradients, two draws and one for chance; then squares,
    // scale, of each checkpoint 4 of rows and 7 of curvature, and 5 for chance, noise, rows of four bits and the outcome.
    expect(statement.units).toBe(1 + 40 * 4 + 3 * 4 * 8 + 3 + 3 * (4 + 7) + 5);
    await line.getByRole('button', { name: 'Check its training' }).click();
    await line.getByText('Right: made again here, every unit is the same, and what is registered is what they come to.').waitFor({ timeout: 180_000 });
    expect(await line.getByRole('button', { name: 'Challenge' }).count()).toBe(0);
  }, 400_000);

  test('what somebody demands of it is shown by its owner', async () => {
    const line = about(small.name);
    const adapterId = BigInt(small.adapterId);
    const before = await readRunBalance(other.connection, curator.address);
    const show = async (places: Parameters<typeof demandOfRun>[3]) => {
      await demandOfRun(other.connection, other.wallet, adapterId, places);
      await line.getByText(`demands ${places.length} parts of this run`).waitFor();
      if (places.length === 4) await look(page, 'runs-demanded');
      await line.getByRole('button', { name: 'Show them' }).click();
      await line.getByText('Parts shown').waitFor({ timeout: 60_000 });
    };
    // The root of a trace with nodes of its outputs, a leaf that is not there, and that of the initial state, which has none.
    const at = (index: number, leaf: number, level = 0, depth = 0) => ({ answer: 5, index, leaf, level, depth });
    await show([tracePlace(5), at(ALL_OUTPUTS, 0, 2, 2), at(7, 99_999), tracePlace(0)]);
    // A leaf, and nodes of the inner matrices.
    await show([at(7, 0), at(ALL_MATRICES, 0, 4, 4)]);
    expect(await readRunBalance(other.connection, curator.address)).toBeGreaterThan(before);
    expect(await stateOf(adapterId)).toBe('open');
  }, 120_000);

  test('one flipped bit of one unit is found, challenged and refuted; half of the bond comes', async () => {
    // In the Gram matrix of the last checkpoint's draws.
    const { plan } = other.run;
    let unit = plan.count - 1;
    while (!plan.program(unit)!.startsWith('damped')) unit--;
    const statement = await other.vouch(FALSE_NAME, unit);
    const line = about(FALSE_NAME);
    await line.getByRole('button', { name: 'Check its training' }).click({ timeout: 30_000 });
    await line.getByText(`Unit ${unit} is false: ${other.run.plan.describe(unit)}`).waitFor({ timeout: 180_000 });
    await line.getByText('You stand to win').waitFor();
    await look(page, 'runs-false');
    const before = await readRunBalance(other.connection, curator.address);
    await line.getByRole('button', { name: 'Challenge' }).click();
    const won = line.getByText(/^You won/);
    let replies = 0;
    while (!(await won.isVisible())) {
      replies += await other.show(statement);
      await page.waitForTimeout(300);
    }
    // The root of the unit's trace with its first nodes, more nodes, leaves.
    expect(replies).toBeLessThanOrEqual(3);
    expect(await stateOf(statement.adapterId)).toBe('refuted');
    expect((await readRunBalance(other.connection, curator.address)) - before).toBe(statement.bond / 2n);
    await look(page, 'runs-refuted');
  }, 300_000);

  test('a right run whose adapter is registered with another ledger is refuted, from what was published with it', async () => {
    const { adapterId, bond } = await other.vouchForOther(OTHER_NAME);
    const line = about(OTHER_NAME);
    await line.getByRole('button', { name: 'Check its training' }).click({ timeout: 30_000 });
    await line.getByText('the registered program has something else in ledger.noise, row 0, column 2').waitFor({ timeout: 180_000 });
    const before = await readRunBalance(other.connection, curator.address);
    // A referee that does not find it false: nothing is committed to, and that is said.
    const acquitted = await acquitPrograms(page);
    await line.getByRole('button', { name: 'Challenge' }).click();
    await line.getByText('nothing was committed to').waitFor({ timeout: 30_000 });
    expect((await seenRun(other.connection, adapterId)).commitments).toEqual([]);
    await acquitted.end();
    await line.getByRole('button', { name: 'Go on with the challenge' }).click();
    await line.getByText(/^You won/).waitFor({ timeout: 60_000 });
    await line.getByText('Its registered program was shown to be another than its run comes to').waitFor();
    expect(await stateOf(adapterId)).toBe('refuted');
    expect((await readRunBalance(other.connection, curator.address)) - before).toBe(bond / 2n);
    await look(page, 'runs-outcome');
  }, 300_000);

  test('what a unit computed is demanded; silence loses, and a challenge survives a reload', async () => {
    const statement = await other.vouch(SILENT_NAME, other.run.plan.stateUnit(3));
    const line = about(SILENT_NAME);
    await line.getByRole('button', { name: 'Check its training' }).click({ timeout: 30_000 });
    await line.getByText(`Unit ${other.run.plan.stateUnit(3)} is false`).waitFor({ timeout: 60_000 });
    const before = await readRunBalance(other.connection, curator.address);
    await line.getByRole('button', { name: 'Challenge' }).click();
    await line.getByText(/^\d+ parts demanded/).waitFor();
    await page.reload();
    await line.getByRole('button', { name: 'Go on with the challenge' }).click();
    await line.getByText(/^Waiting for the owner/).waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, 'runs-phone');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.setViewportSize({ width: 1280, height: 800 });
    await letTimeRun();
    await line.getByText(/^You won/).waitFor({ timeout: 60_000 });
    expect(await stateOf(statement.adapterId)).toBe('refuted');
    // The bond of the demand that was not answered came back with the half of the statement's.
    expect((await readRunBalance(other.connection, curator.address)) - before).toBeGreaterThan(statement.bond / 2n);
  }, 200_000);

  test('after the window the bond goes back', async () => {
    const line = about(small.name);
    await line.getByRole('button', { name: 'Return the bond' }).click({ timeout: 90_000 });
    await line.getByText('stands', { exact: true }).waitFor({ timeout: 30_000 });
    expect(await stateOf(BigInt(small.adapterId))).toBe('stands');
  }, 150_000);

  test('nothing went wrong unseen', () => {
    expect(browser.mistakes).toEqual([]);
  });
});
