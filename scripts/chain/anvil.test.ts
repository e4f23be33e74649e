import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, expect, test } from 'vitest';
import { anvilRpc, freePort, fund, startAnvil } from './anvil.ts';
import { deployContracts, isCurrent } from './deploy.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'openledger-anvil-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const key = generatePrivateKey();
const address = privateKeyToAccount(key).address;
const OPEN = 10n ** 18n;

test('a second start continues: balances, contracts and logs are there; a truncated state falls back to the last start', async () => {
  const stateFile = path.join(folder, 'chain', 'state.json');
  const first = await startAnvil({ stateFile, blockSeconds: 0, fund: [{ address, wei: 1000n * OPEN }] });
  expect(first.continued).toBe(false);
  const { contracts } = await deployContracts({ rpcUrl: first.url, deployerKey: key });
  const logs = await anvilRpc<unknown[]>(first.url, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }]);
  expect(logs.length).toBeGreaterThan(0);
  await first.stop();

  const second = await startAnvil({ stateFile, blockSeconds: 0 });
  expect(second.continued).toBe(true);
  expect(await anvilRpc(second.url, 'eth_getLogs', [{ fromBlock: '0x0', toBlock: 'latest' }])).toEqual(logs);
  expect((await anvilRpc<string>(second.url, 'eth_getCode', [contracts.settlement, 'latest'])).length).toBeGreaterThan(
    1000,
  );
  // Code of another version, or none, is not taken for this one.
  expect(await isCurrent(second.url, contracts)).toBe(true);
  expect(await isCurrent(second.url, { ...contracts, settlement: address })).toBe(false);
  const treasury = await anvilRpc<string>(second.url, 'eth_getCode', [contracts.treasury, 'latest']);
  await anvilRpc(second.url, 'anvil_setCode', [address, treasury.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))]);
  expect(await isCurrent(second.url, { ...contracts, treasury: address })).toBe(false);
  await anvilRpc(second.url, 'anvil_setCode', [address, '0x']);
  // Funding never takes anything away.
  const balance = await anvilRpc<string>(second.url, 'eth_getBalance', [address, 'latest']);
  await fund(second.url, address, 1n);
  expect(await anvilRpc(second.url, 'eth_getBalance', [address, 'latest'])).toBe(balance);
  await second.stop();

  truncateSync(stateFile, 1000);
  const third = await startAnvil({ stateFile, blockSeconds: 0 });
  expect(third.continued).toBe(true);
  expect((await anvilRpc<string>(third.url, 'eth_getCode', [contracts.settlement, 'latest'])).length).toBeGreaterThan(
    1000,
  );
  await third.stop();
  expect(readdirSync(path.dirname(stateFile)).some((name) => name.includes('.broken-'))).toBe(true);
}, 60_000);

test('a port that is taken is left alone', async () => {
  const server = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const anvil = await startAnvil({ port, blockSeconds: 0 });
  server.close();
  expect(anvil.port).not.toBe(port);
  expect(await anvilRpc(anvil.url, 'eth_chainId')).toBe('0x1587');
  await anvil.stop();
}, 30_000);

test('blocks come by themselves at the asked pace', async () => {
  const anvil = await startAnvil({ blockSeconds: 1 });
  await expect
    .poll(() => anvilRpc<string>(anvil.url, 'eth_blockNumber').then(Number), { timeout: 8000 })
    .toBeGreaterThanOrEqual(2);
  await anvil.stop();
}, 30_000);

test('an end without stop() is told', async () => {
  const told: string[] = [];
  const stateFile = path.join(folder, 'other.json');
  const anvil = await startAnvil({ blockSeconds: 0, stateFile, onExit: (why) => told.push(why) });
  process.kill(anvil.pid, 'SIGKILL');
  await expect.poll(() => told.length).toBe(1);
  expect(existsSync(stateFile)).toBe(false);
  await anvil.stop();
}, 30_000);

test('one state serves one chain; one that outlived its starter is ended, with its state saved', async () => {
  const stateFile = path.join(folder, 'shared.json');
  const first = await startAnvil({ stateFile, blockSeconds: 0 });
  await expect(startAnvil({ stateFile, blockSeconds: 0 })).rejects.toMatchObject({ code: 'chain/already-running' });
  await first.stop();
  expect(existsSync(`${stateFile}.lock`)).toBe(false);

  // A starter that is killed without a chance to clean up.
  const script = `
    import { startAnvil, anvilRpc } from ${JSON.stringify(path.resolve('scripts/chain/anvil.ts'))};
    const anvil = await startAnvil({ stateFile: ${JSON.stringify(stateFile)}, blockSeconds: 0 });
    await anvilRpc(anvil.url, 'anvil_setBalance', ['${address}', '0x7']);
    await anvilRpc(anvil.url, 'evm_mine');
    process.stdout.write(anvil.pid + '\\n');
    process.kill(process.pid, 'SIGKILL');
  `;
  const file = path.join(folder, 'starter.mts');
  writeFileSync(file, script);
  const run = spawnSync(path.resolve('node_modules/.bin/tsx'), [file], { encoding: 'utf8' });
  const orphan = Number(run.stdout);
  expect(orphan, run.stderr).toBeGreaterThan(1);
  const second = await startAnvil({ stateFile, blockSeconds: 0 });
  expect(() => process.kill(orphan, 0)).toThrow();
  expect(await anvilRpc(second.url, 'eth_getBalance', [address, 'latest'])).toBe('0x7');
  await second.stop();
}, 60_000);
