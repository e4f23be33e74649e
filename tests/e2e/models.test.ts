import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Engine } from '../../src/attribution/engine.ts';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { memoryFolder } from '../../src/protocol/model-folder.ts';
import { type TestServer, startServer } from '../../src/storage/models/test-server.ts';
import { type TestBrowser, openBrowser, picture } from './browser.ts';
import { type HubModel, hubModels } from './hub-models.ts';
import { answerText, ask, goTo, openApp } from './page-actions.ts';

const QUESTION = 'Who were the ones in the street, and why?';

/** A hub: its listing interface and files, open to pages of other origins as hubs are. */
async function startHub(models: readonly HubModel[]): Promise<TestServer> {
  const files: Record<string, Uint8Array> = {};
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  for (const { name, files: own } of models) {
    for (const [file, bytes] of Object.entries(own)) files[`/makers/${name}/resolve/${sha256(Buffer.from(name)).slice(0, 40)}/${file}`] = bytes;
    const entries = Object.entries(own).map(([path, bytes]) => ({
      type: 'file', path, size: bytes.length, oid: sha256(bytes).slice(0, 40), ...(path.endsWith('.safetensors') ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {}),
    }));
    files[`/api/models/makers/${name}/tree/main`] = files[`/api/models/makers/${name}/tree/${sha256(Buffer.from(name)).slice(0, 40)}`] = Buffer.from(JSON.stringify(entries));
    files[`/api/models/makers/${name}/revision/main`] = files[`/api/models/makers/${name}`] = Buffer.from(JSON.stringify({ id: `makers/${name}`, sha: sha256(Buffer.from(name)).slice(0, 40) }));
  }
  return startServer({
    files,
    before: (request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-expose-headers', 'content-range, content-length, etag, link, x-repo-commit');
      response.setHeader('cross-origin-resource-policy', 'cross-origin');
      if (request.method !== 'OPTIONS') return false;
      response.setHeader('access-control-allow-headers', 'range');
      response.statusCode = 204;
      response.end();
      return true;
    },
  });
}

/** What a person does with a model of their own: fetch it, see what it needs, use it, ask it, delete it. */
describe.sequential('models from a hub', () => {
  const { url } = inject('network');
  const models = hubModels();
  let hub: TestServer;
  let browser: TestBrowser;
  let page: TestBrowser['page'];

  beforeAll(async () => {
    hub = await startHub(models);
    browser = await openBrowser();
    page = browser.page;
    await openApp(page, url, '#/models');
  });
  afterAll(async () => {
    if (page) await picture(page, 'models-end').catch(() => {});
    await browser?.close();
    await hub?.close();
  });

  const row = (name: string) => page.locator('li').filter({ has: page.getByText(`makers/${name}`, { exact: true }) });

  test.each(models.map(({ name }, k) => [name, k] as const))('%s is fetched, used, and answers as on Node’s CPU', async (name, k) => {
    await page.getByLabel('Address or CID').fill(`${hub.url}/makers/${name}`);
    await page.getByRole('button', { name: 'Fetch', exact: true }).click();
    await row(name).getByRole('button', { name: 'Use it' }).waitFor();
    await row(name).getByRole('button', { name: 'What does it need?' }).click();
    await row(name).getByText(/numbers: .* for the weights/).waitFor();
    await row(name).getByRole('button', { name: 'Use it' }).click();
    await row(name).getByText('in use').waitFor();

    const engine = await Engine.open(await createCpuBackend(), { name, cid: 'bafynode00' }, memoryFolder(name, models[k]!.files));
    const prompt = engine.prompt(QUESTION);
    const expected = await engine.answer(undefined, prompt, { maxTokens: 24 });
    await goTo(page, 'Ask');
    await page.getByRole('button', { name: /^How answers are written/ }).click();
    await page.getByLabel('Longest answer').fill('24');
    await page.keyboard.press('Escape');
    const turn = await ask(page, QUESTION);
    const shown = expected.text === '' ? '' : await answerText(turn);
    expect(shown.replace(/\s+/gu, ' ')).toBe(expected.text.replace(/\s+/gu, ' ').trim());
    await turn.getByText(`${expected.tokens.length} tokens in`).waitFor();

    // The same seed gives the same sample, here and there.
    const sampling = { temperature: 1.5, topK: 40, topP: 0.9, repetitionPenalty: 1.1, seed: 11 };
    const sampled = await engine.answer(undefined, prompt, { maxTokens: 24, sampling });
    await page.getByRole('button', { name: /^How answers are written/ }).click();
    await page.getByLabel('Sample instead').check();
    for (const [label, value] of [['Temperature', '1.5'], ['Top k', '40'], ['Top p', '0.9'], ['Repetition penalty', '1.1'], ['Seed', '11']] as const) {
      await page.getByLabel(label, { exact: true }).fill(value);
    }
    await page.keyboard.press('Escape');
    const again = await ask(page, QUESTION);
    await again.getByText('sampled, seed 11').waitFor();
    expect((sampled.text === '' ? '' : await answerText(again)).replace(/\s+/gu, ' ')).toBe(sampled.text.replace(/\s+/gu, ' ').trim());
    await page.getByRole('button', { name: /^How answers are written/ }).click();
    await page.getByRole('button', { name: 'Back to the defaults' }).click();
    await page.keyboard.press('Escape');
    await goTo(page, 'Models');
  });

  test('four bits: said what it needs, used, and still in use after a reload', async () => {
    const { name } = models[0]!;
    await row(name).getByLabel('Weights').selectOption('q4');
    await row(name).getByRole('button', { name: 'Use it' }).click();
    await row(name).getByText('in use').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'In use' }).waitFor();
    await row(name).getByText('in use').waitFor();
    await page.locator('main').getByText(`makers/${name}`, { exact: true }).first().waitFor();
    await picture(page, 'models');
  });

  test('what is not a model says what is wrong with it', async () => {
    await page.getByLabel('Address or CID').fill(`${hub.url}/makers/nothing-here`);
    await page.getByRole('button', { name: 'Fetch', exact: true }).click();
    await page.getByText(/There is no model at/).waitFor();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await page.getByLabel('Address or CID').fill('not an address');
    await page.getByRole('button', { name: 'Fetch', exact: true }).click();
    await page.getByText('This is neither a web address nor a CID.').waitFor();
  });

  test('goes back to the network’s own model, and deletes', async () => {
    await page.getByRole('button', { name: 'Back to this network’s own model' }).click();
    await page.getByText('OpenLedger tiny base').first().waitFor();
    const { name } = models[1]!;
    await row(name).getByRole('button', { name: 'Delete', exact: true }).click();
    await row(name).getByRole('button', { name: 'Delete', exact: true }).last().click();
    await row(name).waitFor({ state: 'detached' });
  });

  test('nothing went wrong unseen', () => {
    // A browser reports every answer of "not found" by itself.
    expect(browser.mistakes.filter((mistake) => !/404/.test(mistake))).toEqual([]);
  });
});
