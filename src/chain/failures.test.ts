/** What people meet when things go wrong: each failure has its code, and nothing is paid by accident. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anvilRpc, startAnvil } from '../../scripts/chain/anvil.ts';
import { deployContracts } from '../../scripts/chain/deploy.ts';
import type { OpenLedgerError } from '../errors.ts';
import { connectChain } from './client.ts';
import { createDatanet } from './create-datanet.ts';
import { memoryEventStore } from './event-store.ts';
import { createEventFeed } from './events.ts';
import { listDatanets } from './list-datanets.ts';
import { readBalances } from './read-balances.ts';
import { submitContribution } from './submit-contribution.ts';
import { switchChain } from './switch-chain.ts';
import { InjectedWallet } from './testing/injected-wallet.ts';
import { OPEN, type ScratchChain, deploymentOf, startScratchChain, word } from './testing/scratch-chain.ts';
import { translateChainError } from './translate-error.ts';
import { type Wallet, demoWallet, discoverWallets } from './wallets.ts';
import { watchChain } from './watch-chain.ts';

let chain: ScratchChain;
let alice: Wallet;
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const datanet = { name: 'One', metadataCid: cid, minStakePerRecord: OPEN };

beforeAll(async () => {
  chain = await startScratchChain();
  alice = await chain.wallet('alice');
}, 60_000);
afterAll(() => chain?.stop());

async function offered(extension: InjectedWallet) {
  const page = new EventTarget();
  extension.announceOn(page);
  const lists: number[] = [];
  const stop = discoverWallets((offers) => {
    lists.push(offers.length);
    found = offers[0];
  }, page);
  stop();
  expect(lists).toEqual([1]);
  return found!.connect(chain.connection);
}
let found: Parameters<Parameters<typeof discoverWallets>[0]>[0][number] | undefined;

test('an announced wallet signs on the chain; its changes are heard', async () => {
  const extension = await InjectedWallet.create(chain);
  const wallet = await offered(extension);
  expect(found).toMatchObject({ name: 'Test wallet', rdns: 'test.wallet', icon: undefined });
  const { datanetId } = await createDatanet(chain.connection, wallet, datanet);
  const [first] = await listDatanets(chain.connection);
  expect(first).toMatchObject({ id: datanetId, owner: wallet.address });

  const heard: unknown[] = [];
  const end = [wallet.onAccountChange((address) => heard.push(address)), wallet.onChainChange((id) => heard.push(id))];
  extension.emit('accountsChanged', []);
  extension.emit('chainChanged', '0x10');
  end.forEach((stop) => stop());
  extension.emit('chainChanged', '0x11');
  expect(heard).toEqual([undefined, 16]);
});

test('rejected in the wallet', async () => {
  const extension = await InjectedWallet.create(chain);
  const wallet = await offered(extension);
  extension.refuse = { code: 4001, message: 'User rejected the request.' };
  const before = await readBalances(chain.connection, wallet.address);
  await expect(createDatanet(chain.connection, wallet, datanet)).rejects.toMatchObject({ code: 'wallet/rejected' });
  expect(await readBalances(chain.connection, wallet.address)).toEqual(before);
});

test('on the wrong network, and switched to the right one, adding it where it is unknown', async () => {
  const extension = await InjectedWallet.create(chain);
  const wallet = await offered(extension);
  extension.chainId = 1;
  await expect(createDatanet(chain.connection, wallet, datanet)).rejects.toMatchObject({ code: 'wallet/wrong-chain' });
  extension.known = [1];
  await switchChain(chain.connection, wallet);
  expect(extension.known).toContain(chain.connection.chain.id);
  expect(await wallet.currentChainId()).toBe(chain.connection.chain.id);
  await createDatanet(chain.connection, wallet, datanet);
  extension.chainId = 1;
  extension.refuse = { code: 4001, message: 'User rejected the request.' };
  await expect(switchChain(chain.connection, wallet)).rejects.toMatchObject({ code: 'wallet/rejected' });
});

test('the account switched in the middle', async () => {
  const extension = await InjectedWallet.create(chain);
  const wallet = await offered(extension);
  extension.accounts = [alice.address];
  await expect(createDatanet(chain.connection, wallet, datanet)).rejects.toMatchObject({
    code: 'wallet/account-changed',
  });
  extension.accounts = [];
  await expect(createDatanet(chain.connection, wallet, datanet)).rejects.toMatchObject({
    code: 'wallet/account-changed',
  });
  // Switched after the check, while the wallet asks: the wallet refuses an account that it no longer offers.
  extension.accounts = [wallet.address];
  extension.beforeSend = () => {
    extension.accounts = [alice.address];
    extension.refuse = { code: 4100, message: 'Unauthorized.' };
  };
  await expect(createDatanet(chain.connection, wallet, datanet)).rejects.toMatchObject({
    code: 'wallet/account-changed',
  });
});

test('not enough OPEN, for the amount or for the gas', async () => {
  const poor = await chain.wallet('poor', 10n);
  await expect(createDatanet(chain.connection, poor, datanet)).rejects.toMatchObject({
    code: 'wallet/insufficient-funds',
  });
  const { datanetId } = await createDatanet(chain.connection, alice, datanet);
  const exact = await chain.wallet('exact', OPEN);
  const contribution = { datanetId, recordsRoot: word('aa'), cid, count: 1, stake: OPEN };
  await expect(submitContribution(chain.connection, exact, contribution)).rejects.toMatchObject({
    code: 'wallet/insufficient-funds',
  });
});

test('the node is down, hangs up or answers with nonsense', async () => {
  const connection = connectChain(
    { ...chain.deployment, chain: { ...chain.deployment.chain, rpcUrls: ['http://127.0.0.1:9/'] } },
    'http://localhost/',
  );
  await expect(listDatanets(connection)).rejects.toMatchObject({ code: 'chain/unreachable' });

  const server = createServer((_, response) => response.end('<html>proxy error</html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const nonsense = connectChain(
    { ...chain.deployment, chain: { ...chain.deployment.chain, rpcUrls: [url] } },
    'http://localhost/',
  );
  const error = (await listDatanets(nonsense).catch((e: unknown) => e)) as OpenLedgerError;
  server.close();
  expect(error.code).toMatch(/^chain\//);

  // A second node takes over.
  const both = connectChain(
    { ...chain.deployment, chain: { ...chain.deployment.chain, rpcUrls: ['http://127.0.0.1:9/', chain.anvil.url] } },
    'http://localhost/',
  );
  expect((await listDatanets(both)).length).toBeGreaterThan(0);
});

test('two transactions at once from one account both arrive', async () => {
  const before = (await listDatanets(chain.connection)).length;
  await Promise.all([createDatanet(chain.connection, alice, datanet), createDatanet(chain.connection, alice, datanet)]);
  expect(await listDatanets(chain.connection)).toHaveLength(before + 2);
});

test('events are read on from the cursor, survive in the store, and a reorg replaces them', async () => {
  const store = memoryEventStore();
  const feed = createEventFeed(chain.connection, store);
  await feed.refresh();
  const known = feed.datanets().filter((event) => event.eventName === 'DatanetCreated').length;
  expect(known).toBe((await listDatanets(chain.connection)).length);

  const snapshot = await anvilRpc<string>(chain.anvil.url, 'evm_snapshot');
  await createDatanet(chain.connection, alice, { ...datanet, name: 'Replaced' });
  await feed.refresh();
  const names = () =>
    feed.datanets().flatMap((event) => (event.eventName === 'DatanetCreated' ? [event.args.name] : []));
  expect(names()).toContain('Replaced');
  // The block is replaced by another: what it said is no longer true.
  await anvilRpc(chain.anvil.url, 'evm_revert', [snapshot]);
  await createDatanet(chain.connection, alice, { ...datanet, name: 'Replacing' });
  await feed.refresh();
  expect(names()).not.toContain('Replaced');
  expect(names()).toContain('Replacing');
  expect(names()).toHaveLength(known + 1);

  const later = createEventFeed(chain.connection, store);
  await later.refresh();
  expect(later.datanets()).toEqual(feed.datanets());
  expect(later.cursor()).toBe(feed.cursor());
});

test('a half-written store is read again from the chain', async () => {
  const store = memoryEventStore();
  const key = `events:${chain.connection.chain.id}:${chain.connection.contracts.settlement.toLowerCase()}`;
  await store.set(key, '{"openledger":"events/1","anch');
  const feed = createEventFeed(chain.connection, store);
  await feed.refresh();
  expect(feed.datanets().length).toBeGreaterThan(0);
});

test('a restarted chain is noticed by the feed and by the watch, and the stored cursor is dropped', async () => {
  const { generatePrivateKey, privateKeyToAccount } = await import('viem/accounts');
  const deployerKey = generatePrivateKey();
  const { address } = privateKeyToAccount(deployerKey);
  const fund = [{ address, wei: 1000n * OPEN }];
  const first = await startAnvil({ blockSeconds: 0, fund });
  const deployed = await deployContracts({ rpcUrl: first.url, deployerKey });
  const connection = connectChain(
    deploymentOf(first, deployed.contracts, deployed.deploymentBlock),
    'http://localhost/',
  );
  const store = memoryEventStore();
  const feed = createEventFeed(connection, store);
  await createDatanet(
    connection,
    demoWallet(connection, { name: 'd', role: 'curator', address, privateKey: deployerKey }),
    datanet,
  );
  await feed.refresh();
  expect(feed.datanets().length).toBeGreaterThan(0);

  const sleeping = createEventFeed(connection, memoryEventStore());
  await sleeping.refresh();

  const errors: string[] = [];
  const blocks: bigint[] = [];
  const stopWatching = watchChain(connection, {
    onBlock: (n) => blocks.push(n),
    onError: (error) => errors.push(error.code),
    intervalMs: 50,
  });
  await expect.poll(() => blocks.length).toBeGreaterThan(0);
  await first.stop();
  await expect.poll(() => errors, { timeout: 10_000 }).toContain('chain/unreachable');
  // Blocks carry seconds: a chain started within the same one would be the same chain.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const second = await startAnvil({ blockSeconds: 0, port: first.port, fund });
  try {
    expect(second.port).toBe(first.port);
    await expect.poll(() => errors, { timeout: 10_000 }).toContain('chain/restarted');
    await expect(feed.refresh()).rejects.toMatchObject({ code: 'chain/restarted' });
    await expect(listDatanets(connection)).rejects.toMatchObject({ code: 'chain/restarted' });
    // The same addresses come back with the same deployer: only the blocks tell the difference.
    const again = await deployContracts({ rpcUrl: second.url, deployerKey });
    expect(again.contracts).toEqual(deployed.contracts);
    const continuing = createEventFeed(connection, store);
    await feed.refresh();
    await continuing.refresh();
    expect(feed.datanets()).toEqual([]);
    expect(continuing.datanets()).toEqual([]);
    // A page that slept through it all holds events of blocks that are gone.
    await expect(sleeping.refresh()).rejects.toMatchObject({ code: 'chain/restarted' });
    await sleeping.refresh();
    expect(sleeping.datanets()).toEqual([]);
  } finally {
    stopWatching();
    await second.stop();
  }
}, 60_000);

test('a demo identity whose key is another’s is refused without showing the key', async () => {
  const privateKey = `0x${'11'.repeat(32)}` as const;
  const identity = { name: 'x', role: 'user' as const, address: alice.address, privateKey };
  try {
    await demoWallet(chain.connection, identity).signer();
    expect.unreachable();
  } catch (error) {
    expect((error as OpenLedgerError).code).toBe('wallet/bad-demo-identity');
    expect(String(error)).not.toContain('1111');
  }
});

test('hostile announcements and strange throws do no harm', async () => {
  const page = new EventTarget();
  let count = 0;
  const stop = discoverWallets((offers) => (count = offers.length), page);
  for (const detail of [
    null,
    {},
    { info: {} },
    { info: { uuid: 'a' } },
    { info: { uuid: 'b', name: 7, icon: 'javascript:alert(1)' }, provider: { request() {} } },
  ]) {
    page.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  }
  stop();
  expect(count).toBe(1);
  const circular: { cause?: unknown } = {};
  circular.cause = circular;
  for (const thrown of [circular, null, undefined, 'text', 7, new Error('x'), { code: 4001 }]) {
    expect((await translateChainError(thrown, 'Doing')).code).toMatch(/^(chain|wallet)\//);
  }
});
