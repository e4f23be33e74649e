import AxeBuilder from '@axe-core/playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { listAdapters } from '../../src/chain/list-adapters.ts';
import { readRun } from '../../src/chain/read-run.ts';
import { registerAdapter } from '../../src/chain/register-adapter.ts';
import { vouchRun } from '../../src/chain/vouch-run.ts';
import { demoWallet } from '../../src/chain/wallets.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { ChainView } from './chain-view.ts';
import { goTo, openApp, useIdentity } from './page-actions.ts';

/** Its name is not the sample's own, so that other tests still find that by name. */
const FALSE_NAME = 'Glossary of doubt';

describe.sequential('how adapters were made, in a browser without WebGPU', () => {
  const { url, deployment, small } = inject('network');
  const { connection } = new ChainView(deployment, url);
  const curator = deployment.demo!.identities.find(({ role }) => role === 'curator')!;
  let browser: TestBrowser;

  beforeAll(async () => {
    browser = await openBrowser();
    await openApp(browser.page, url);
    await useIdentity(browser.page, curator.name);
    await goTo(browser.page, 'Market');
  });
  afterAll(async () => {
    if (browser) await picture(browser.page, 'runs-end').catch(() => {});
    await browser?.close();
  });
  const about = (name: string) => browser.page.getByRole('region', { name: `How ${name} was made` });

  test('the owner vouches with a bond; anyone makes the run again and finds it right', async () => {
    const { page } = browser;
    const line = about(small.name);
    await line.getByText('Nobody vouches for how it was trained.').waitFor();
    await line.getByRole('button', { name: 'Vouch for it' }).click();
    const dialog = page.getByRole('dialog', { name: `Vouch for ${small.name}` });
    await picture(page, 'runs-vouch');
    await dialog.getByRole('button', { name: 'Make it again and sign' }).click();
    await line.getByText('vouches for every step of its training').waitFor({ timeout: 180_000 });
    const statement = await readRun(connection, BigInt(small.adapterId));
    expect(statement).toMatchObject({ state: 'open', maker: curator.address });
    // 8 records in parts of 2, 40 times over, the initial state, and 3 checkpoints of own gradients, two draws and one for chance.
    expect(statement.units).toBe(1 + 40 * 4 + 3 * 4 * 8);
    await line.getByRole('button', { name: 'Check its training' }).click();
    await line.getByText('Right: made again here, every unit is the same.').waitFor({ timeout: 180_000 });
    await picture(page, 'runs-right');
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
  }, 400_000);

  test('a statement about something else is said to be false', async () => {
    const { page } = browser;
    const wallet = demoWallet(connection, curator);
    const of = (await listAdapters(connection)).find(({ id }) => String(id) === small.adapterId)!;
    const { planRoot, units, outputsRoot } = await readRun(connection, of.id);
    const { adapterId } = await registerAdapter(connection, wallet, { ...of, name: FALSE_NAME });
    const flipped = `${outputsRoot.slice(0, -1)}${outputsRoot.endsWith('0') ? '1' : '0'}` as const;
    await vouchRun(connection, wallet, { adapterId, planRoot, outputsRoot: flipped as typeof outputsRoot, units, cid: of.cid });
    const line = about(FALSE_NAME);
    await line.getByRole('button', { name: 'Check its training' }).click({ timeout: 30_000 });
    await line.getByText('Made again here, it is something else. The list').waitFor({ timeout: 180_000 });
    await picture(page, 'runs-false');
  }, 300_000);

  test('after the window the bond goes back', async () => {
    const line = about(small.name);
    await line.getByRole('button', { name: 'Return the bond' }).click({ timeout: 90_000 });
    await line.getByText('stands', { exact: true }).waitFor({ timeout: 30_000 });
    expect((await readRun(connection, BigInt(small.adapterId))).state).toBe('stands');
  }, 150_000);
});
