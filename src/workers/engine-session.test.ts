import 'fake-indexeddb/auto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { smallBase } from '../../tests/parity/receipt-of.ts';
import type { Deployment } from '../protocol/deployment.ts';
import { type Companion, createCompanion } from '../serve/gateway/companion.ts';
import { EngineSession } from './engine-session.ts';

const folder = mkdtempSync(join(tmpdir(), 'openledger-session-'));
let companion: Companion;
let deployment: Deployment;
beforeAll(async () => {
  companion = await createCompanion({ store: join(folder, 'store'), staticDir: folder, port: 0, deployment: () => undefined });
  deployment = { gateways: ['./'], base: { name: 'small', cid: await companion.store.addDirectory(smallBase()) } } as unknown as Deployment;
});
afterAll(async () => {
  await companion.close();
  rmSync(folder, { recursive: true, force: true });
});

it('goes on after the device was lost: the next question loads again and is answered', async () => {
  const session = new EngineSession();
  expect(await session.open(deployment, `${companion.url}/`, 'cpu', undefined, () => {})).toMatchObject({ ok: true });
  const before = await session.ask('one', undefined, 'Who repairs clocks?', {}, () => {}, () => {});
  expect(before).toMatchObject({ ok: true });
  (session as unknown as { lost: boolean }).lost = true;
  const after = await session.ask('two', undefined, 'Who repairs clocks?', {}, () => {}, () => {});
  expect(after).toMatchObject({ ok: true });
  if (before.ok && after.ok) expect(after.value.answerTokens).toEqual(before.value.answerTokens);
  session.close();
});

it('answers errors as plain data with their codes', async () => {
  const session = new EngineSession();
  expect(await session.ask('one', undefined, 'x', {}, () => {}, () => {})).toMatchObject({ ok: false, error: { code: 'engine/not-open' } });
  await session.open(deployment, `${companion.url}/`, 'cpu', undefined, () => {});
  expect(await session.ask('two', undefined, '  ', {}, () => {}, () => {})).toMatchObject({ ok: false, error: { code: 'model/empty-prompt' } });
  expect(await session.publishTrained('none')).toMatchObject({ ok: false, error: { code: 'engine/no-such-run' } });
  session.close();
});
