/** The watch command in a process of its own, on a scratch chain with the contracts, the shipped base and a shipped adapter. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { readClaim } from '../../src/chain/list-claims.ts';
import { type ScratchChain, startScratchChain } from '../../src/chain/testing/scratch-chain.ts';
import { type WatchedClaims, publishWatched } from './watched-claims.ts';

const root = join(import.meta.dirname, '../..');
const state = mkdtempSync(join(tmpdir(), 'openledger-watch-'));
const key = generatePrivateKey();
let chain: ScratchChain;
let watched: WatchedClaims;

beforeAll(async () => {
  chain = await startScratchChain({ window: 40_000 });
  chain.connection.publicClient.pollingInterval = 50;
  watched = await publishWatched(chain, await chain.wallet('owner'), state, 12);
  await anvilRpc(chain.anvil.url, 'anvil_setBalance', [privateKeyToAccount(key).address, `0x${(10n ** 20n).toString(16)}`]);
}, 120_000);
afterAll(async () => {
  watched?.close();
  await chain?.stop();
  rmSync(state, { recursive: true, force: true });
});

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('node', ['--import', 'tsx', 'src/serve/cli/main.ts', 'watch', '--json', ...args], {
    cwd: root, env: { ...process.env, OPENLEDGER_STATE: state, WATCH_KEY: key }, encoding: 'utf8',
  });
  return { status, text: stdout + stderr, events: stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as { event: string; claim?: string; text: string; error?: { code: string } }) };
}

test('a claim with one flipped bit loses its bond, a right one does not; no key is told or kept', async () => {
  const claimant = await chain.wallet('claimant');
  const { right } = watched;
  const honest = await watched.claim(claimant, right);
  const at = Math.floor(right.length / 2);
  const values = right[at]!.values.slice();
  new Uint32Array(values.buffer)[values.length >> 1]! ^= 2 ** 9;
  const bit = await watched.claim(claimant, right.with(at, { ...right[at]!, values }));
  const args = ['--key-env', 'WATCH_KEY', '--confirmations', '0', '--once'];
  const first = run(...args);
  expect(first.status, first.text).toBe(0);
  expect(first.events.map(({ event, claim }) => `${claim} ${event}`)).toEqual([`${honest} found`, `${bit} found`, `${bit} committed`]);
  expect(first.events[1]!.text).toContain(`instruction ${at}`);
  await chain.pass(1);
  const second = run(...args);
  expect(second.events.map(({ event }) => event), second.text).toEqual(['proved', 'withdrawn']);
  expect([(await readClaim(chain.connection, bit)).state, (await readClaim(chain.connection, honest)).state]).toEqual(['refuted', 'open']);
  const kept = readdirSync(state).filter((name) => name.startsWith('watch-')).map((name) => readFileSync(join(state, name), 'utf8')).join('');
  expect(kept).toContain(String(honest));
  for (const text of [kept, first.text, second.text]) expect(text).not.toContain(key.slice(2));
});

test('says what is wrong with how it is called', () => {
  const bad = (...args: string[]) => {
    const { status, events } = run('--once', ...args);
    expect(status).toBe(2);
    return events.at(-1)!.error!.code;
  };
  expect(bad('--key-env', 'NOT_SET')).toBe('watch/bad-key');
  expect(bad('--defend', 'everyone')).toBe('cli/usage');
  writeFileSync(join(state, 'other.json'), '{"openledger":"deployment/9"}');
  expect(bad('--chain', join(state, 'other.json'))).toBe('chain/bad-deployment');
});
