import 'fake-indexeddb/auto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildEvaluation } from '../../scripts/samples/records.ts';
import { decideLane } from '../fast/decide-lane.ts';
import type { Deployment } from '../protocol/deployment.ts';
import { type Companion, createCompanion } from '../serve/gateway/companion.ts';
import { EngineSession } from './engine-session.ts';
import { FastSession } from './fast-session.ts';

const files = (name: string) => {
  const path = fileURLToPath(new URL(`../../public/${name}`, import.meta.url));
  return Object.fromEntries(readdirSync(path).map((file) => [file, new Uint8Array(readFileSync(join(path, file)))]));
};
const folder = mkdtempSync(join(tmpdir(), 'openledger-fast-'));
const question = buildEvaluation('exploits')[0]!.question;
let companion: Companion;
let base: { name: string; cid: string };
let adapter: { id: string; cid: string; datanet: { id: string; version: number; cid: string } };
beforeAll(async () => {
  companion = await createCompanion({ store: join(folder, 'store'), staticDir: folder, port: 0, deployment: () => undefined });
  base = { name: 'base', cid: await companion.store.addDirectory(files('base')) };
  adapter = { id: '', cid: await companion.store.addDirectory(files('adapters/exploits')), datanet: { id: '', version: 1, cid: '' } };
});
afterAll(async () => {
  await companion.close();
  rmSync(folder, { recursive: true, force: true });
});

it('answers by CID as the exact lane does, says which lane it is, and is timed', async () => {
  const exact = new EngineSession();
  const deployment = { gateways: ['./'], base } as unknown as Deployment;
  expect(await exact.open(deployment, `${companion.url}/`, 'cpu', undefined, () => {})).toMatchObject({ ok: true });
  const wanted = await exact.ask('e', adapter, question, {}, () => {}, () => {});
  if (!wanted.ok) throw new Error(wanted.error.what);

  const fast = new FastSession();
  expect(await fast.ask('0', undefined, question, {}, () => {})).toMatchObject({ ok: false, error: { code: 'fast/not-open' } });
  expect(await fast.open({ gateways: [`${companion.url}/`], base }, 'auto', () => {})).toMatchObject({ ok: true, value: { provider: 'wasm', context: 256 } });
  let heard = '';
  const answered = await fast.ask('1', adapter, question, {}, (piece) => (heard += piece));
  const { promptTokens, answerTokens, pieces, text } = wanted.value;
  expect(answered).toMatchObject({ ok: true, value: { lane: 'fast', promptTokens, answerTokens, pieces, text, stopped: false } });
  expect(heard.trim()).toBe(text);

  const sampling = { temperature: 0.8, topK: 40, topP: 0.95, repetitionPenalty: 1.1, seed: 7 };
  const sampled = await Promise.all([fast.ask('2', undefined, question, { sampling, maxTokens: 6 }, () => {}), exact.ask('e2', undefined, question, { sampling, maxTokens: 6 }, () => {}, () => {})]);
  if (sampled[0].ok && sampled[1].ok) expect(sampled[0].value.answerTokens).toEqual(sampled[1].value.answerTokens);
  else throw new Error('not sampled');

  expect(await fast.ask('3', undefined, '  ', {}, () => {})).toMatchObject({ ok: false, error: { code: 'model/empty-prompt' } });
  const stopped = await fast.ask('4', adapter, question, {}, () => void fast.cancel('4'));
  expect(stopped.ok && stopped.value.stopped ? stopped.value.answerTokens.length : 0).toBeLessThan(answerTokens.length);

  const speed = await fast.measure(adapter, question);
  expect(speed.ok && speed.value).toBeGreaterThan(1);
  await fast.close();
  expect(await fast.status()).toMatchObject({ ok: false, error: { code: 'fast/not-open' } });
  exact.close();
});

it('takes the fast lane only where it is clearly faster, and says why', () => {
  expect(decideLane(10, 30)).toMatchObject({ lane: 'fast', why: expect.stringContaining('30') });
  expect(decideLane(10, 11).lane).toBe('exact');
  expect(decideLane(40, 8.25).why).toContain('8.3');
});
