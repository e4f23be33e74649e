/** attribute, pay and watch in processes of their own, on a scratch chain with the contracts, the shipped base and a shipped adapter. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anvilRpc } from '../../scripts/chain/anvil.ts';
import { readClaim } from '../../src/chain/list-claims.ts';
import { type ScratchChain, startScratchChain } from '../../src/chain/testing/scratch-chain.ts';
import { type WatchedClaims, publishWatched } from './watched-claims.ts';

const root = join(import.meta.dirname, '../..');
const state = mkdtempSync(join(tmpdir(), 'openledger-pay-'));
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
  const { status, stdout, stderr } = spawnSync('node', ['--import', 'tsx', 'src/serve/cli/main.ts', ...args, '--json'], {
    cwd: root, env: { ...process.env, OPENLEDGER_STATE: state, PAY_KEY: key }, encoding: 'utf8',
  });
  const lines = stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown> & { error?: { code: string } });
  return { status, text: stdout + stderr, lines, result: lines.at(-1)! };
}

test('two answers are attributed, paid with one claim and found right', async () => {
  const asked = ['What does estoppel mean?', 'What is a tort?'].map((question, k) => {
    const file = join(state, `receipt-${k}.json`);
    const { status, text } = run('attribute', '--id', '1', '--out', file, question);
    expect(status, text).toBe(0);
    return file;
  });
  const cost = run('pay', '--dry-run', ...asked);
  expect(cost.status, cost.text).toBe(0);
  expect(cost.result).toMatchObject({ adapter: '1', answers: 2 });
  const paid = run('pay', '--key-env', 'PAY_KEY', ...asked);
  expect(paid.status, paid.text).toBe(0);
  expect(paid.result).toMatchObject({ answers: 2, claim: '1', fee: cost.result.fee });
  expect(paid.text).not.toContain(key.slice(2));
  expect(await readClaim(chain.connection, 1n)).toMatchObject({ state: 'open', answers: 2 });
  const looked = run('watch', '--confirmations', '0', '--once');
  expect(looked.lines.map(({ event, text }) => `${event as string} ${(text as string).split('.')[0]}`), looked.text).toEqual(['found claim 1, answer 0: right', 'found claim 1, answer 1: right']);
}, 120_000);

test('one receipt is paid alone; what was made for no chain cannot be paid', () => {
  const file = join(state, 'alone.json');
  expect(run('attribute', '--id', '1', '--out', file, 'What is a lien?').status).toBe(0);
  const paid = run('pay', '--key-env', 'PAY_KEY', file);
  expect(paid.status, paid.text).toBe(0);
  expect(paid.result).toMatchObject({ answers: 1, claim: '2' });
  expect(run('pay', file).result.error!.code).toBe('cli/usage');
  expect(run('attribute', '--id', '9', 'Anything?').result.error!.code).toBe('cli/no-adapter');
}, 120_000);
