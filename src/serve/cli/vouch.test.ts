import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { RECORDS, smallBase } from '../../../tests/parity/receipt-of.ts';
import { anvilRpc } from '../../../scripts/chain/anvil.ts';
import { writeLedgerFile } from '../../attribution/curvature/ledger-file.ts';
import type { CurvatureLedger } from '../../attribution/curvature/curvature-ledger.ts';
import { writeRounded } from '../../attribution/curvature/round-rows.ts';
import { ROW_FORMAT } from '../../attribution/curvature/settings.ts';
import { Engine } from '../../attribution/engine.ts';
import { createDatanet } from '../../chain/create-datanet.ts';
import { memoryEventStore } from '../../chain/event-store.ts';
import { type EventFeed, createEventFeed } from '../../chain/events.ts';
import { runEvents } from '../../chain/game-events.ts';
import { publishVersion } from '../../chain/publish-version.ts';
import { readRun } from '../../chain/read-run.ts';
import { registerAdapter } from '../../chain/register-adapter.ts';
import { runsOf } from '../../chain/run-facts.ts';
import { vouchRun } from '../../chain/vouch-run.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from '../../chain/testing/scratch-chain.ts';
import { type Wallet, demoWallet } from '../../chain/wallets.ts';
import type { Backend } from '../../kernels/backend.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { createMatrix } from '../../kernels/matrix/matrix.ts';
import { DEFAULT_RECIPE } from '../../model/recipe.ts';
import { parseEntries } from '../../model/safetensors.ts';
import { type Hex, concat, fromHex } from '../../protocol/bytes.ts';
import { memoryFolder } from '../../protocol/model-folder.ts';
import { recordsRoot, versionRoot } from '../../protocol/record.ts';
import { trainedRoot } from '../../protocol/trained-records.ts';

const folder = mkdtempSync(join(tmpdir(), 'openledger-vouch-'));
process.env.OPENLEDGER_STATE = folder;
const key = generatePrivateKey();
process.env.VOUCH_TEST_KEY = key;
const flags = ['--chain', join(folder, 'deployment.json'), '--key-env', 'VOUCH_TEST_KEY', '--json'];

/** The same ledger without its last record. */
async function withoutLast(backend: Backend, ledger: CurvatureLedger): Promise<CurvatureLedger> {
  const records = ledger.records - 1;
  const entries = parseEntries(await writeLedgerFile(backend, ledger), 'ledger.safetensors');
  const words = (name: string) => {
    const { bytes } = entries.get(name)!;
    return new Uint32Array(bytes.slice(0, (bytes.length * records) / ledger.records).buffer);
  };
  const rows = createMatrix(backend, 'ledger.rows', records, ledger.rows.columns, ROW_FORMAT);
  writeRounded(backend, rows, 0, { codes: words('rows.codes'), scales: words('rows.scales') });
  return { ...ledger, records, rows, noise: ledger.noise.slice(0, records) };
}

let chain: ScratchChain;
let owner: Wallet;
/** Everything that the contracts said. */
async function allEvents(): Promise<EventFeed> {
  const feed = createEventFeed(chain.connection, memoryEventStore());
  await feed.refresh();
  return feed;
}

let register: (change?: Partial<Record<'adapterRoot' | 'ledgerRoot' | 'programHash' | 'cid', Hex | string>>) => Promise<bigint>;
/** The same adapter with another ledger, and a run.json that names it: of two records exchanged; without the last. */
let swapped: { ledgerRoot: Hex; programHash: Hex; cid: string };
let shorter: typeof swapped;

beforeAll(async () => {
  chain = await startScratchChain({ window: 4000 });
  const { connection } = chain;
  connection.publicClient.pollingInterval = 50;
  const address = privateKeyToAccount(key).address;
  await anvilRpc(chain.anvil.url, 'anvil_setBalance', [address, `0x${(100n * OPEN).toString(16)}`]);
  owner = demoWallet(connection, { name: 'owner', role: 'user', privateKey: key, address });
  const { localStore } = await import('./content.ts');
  const store = await localStore();
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const baseCid = await store.addDirectory(smallBase());
  writeFileSync(join(folder, 'deployment.json'), JSON.stringify({ ...chain.deployment, base: { name: 'small', cid: baseCid } }));
  const backend = await createCpuBackend();
  const engine = await Engine.open(backend, { name: 'small', cid: baseCid }, memoryFolder('small', smallBase()));
  const records = RECORDS.slice(0, 3);
  const { files, run, adapter } = await engine.train('t', records, { ...DEFAULT_RECIPE, rank: 2, alpha: 4, epochs: 2, batch: 2 });
  const cid = await store.addDirectory(files);
  const ledger = await engine.buildLedger(adapter, [records[1]!, records[0]!, records[2]!]);
  const withLedger = async (of: CurvatureLedger): Promise<typeof swapped> => {
    const made = { root: await engine.ledgerRoot(of), program: (await engine.tracer(of)).programHash };
    return {
      ledgerRoot: made.root, programHash: made.program,
      cid: await store.addDirectory({ ...files, 'ledger.safetensors': await writeLedgerFile(backend, of), 'run.json': json({ ...run, ledger: { ...run.ledger, ...made } }) }),
    };
  };
  swapped = await withLedger(ledger);
  const own = await engine.buildLedger(adapter, records);
  shorter = await withLedger(await withoutLast(backend, own));
  await createDatanet(connection, owner, { name: 'Vouched', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(connection, owner, { datanetId: 1n, root: versionRoot(records), recordsRoot: recordsRoot(records), cid: await store.addFile(json({ openledger: 'datanet-version/1', name: 't', records })), count: 3 });
  register = async (change = {}) => (await registerAdapter(connection, owner, {
    datanetId: 1n, version: 1, baseRoot: run.base.root, adapterRoot: run.adapter.root, checkpointsRoot: run.ledger.checkpointsRoot, ledgerRoot: run.ledger.root, programHash: run.ledger.program,
    trainedRoot: trainedRoot(run.datanet.clusters), cid, name: 'Vouched', rateIn: OPEN, rateOut: OPEN, ...(change as object),
  })).adapterId;
}, 120_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await chain?.stop();
});

test('an owner vouches from the command line, a watcher finds it right and ends it', async () => {
  const [{ vouch }, { watch }] = await Promise.all([import('./vouch.ts'), import('./watch.ts')]);
  const id = await register();
  const would = (await vouch(['--id', String(id), ...flags, '--dry-run'])) as { units: number };
  expect((await readRun(chain.connection, id)).state).toBe('none');
  const made = (await vouch(['--id', String(id), ...flags])) as { units: number; outputsRoot: Hex; transaction: Hex };
  expect(made).toMatchObject(would);
  expect(await readRun(chain.connection, id)).toMatchObject({ state: 'open', units: made.units, outputsRoot: made.outputsRoot });
  await expect(vouch(['--id', String(id), ...flags])).rejects.toMatchObject({ code: 'cli/no-statement' });

  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  try {
    await watch([...flags, '--once', '--confirmations', '0']);
    await chain.pass(4001);
    await watch([...flags, '--once', '--confirmations', '0', '--runs', 'own']);
  } finally {
    log.mockRestore();
  }
  const told = lines.map((line) => JSON.parse(line) as { claim: string; event: string; text: string });
  expect(told.filter(({ claim }) => claim === `run ${id}`).map(({ event }) => event)).toEqual(['found', 'returned']);
  expect(told[0]!.text).toContain(`right. All ${made.units} units`);
  expect((await readRun(chain.connection, id)).state).toBe('stands');
}, 120_000);

test.each([
  ['two records exchanged', () => swapped, /the registered program has something else in .+, row \d+, column \d+/],
  ['its last record left out', () => shorter, /the registered program has something else in ledger\.[a-z]+, which is \[\d+,\d+\] and not \[\d+,\d+\]/],
])('with %s an adapter cannot be vouched for; who does so past this program is refuted from the published files', async (_what, other, where) => {
  const [{ vouch }, { watch }] = await Promise.all([import('./vouch.ts'), import('./watch.ts')]);
  const id = await register(other());
  const refused = await vouch(['--id', String(id), ...flags]).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'cli/no-statement', why: 'The run made again here does not end in the registered program.' });
  // What its owner vouched for before, of the adapter as it should be.
  const right = runsOf(runEvents(await allEvents())).at(0)!;
  const roots = concat(...right.list.map(fromHex));
  await vouchRun(chain.connection, owner, { adapterId: id, planRoot: right.planRoot, outputsRoot: right.outputsRoot, units: right.units, roots });

  const key = generatePrivateKey();
  process.env.WATCH_TEST_KEY = key;
  await anvilRpc(chain.anvil.url, 'anvil_setBalance', [privateKeyToAccount(key).address, `0x${(10n * OPEN).toString(16)}`]);
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  try {
    for (let round = 0; round < 2; round++) {
      await watch([...flags, '--key-env', 'WATCH_TEST_KEY', '--once', '--confirmations', '0']);
      await chain.pass(1);
    }
  } finally {
    log.mockRestore();
  }
  const told = lines.map((line) => JSON.parse(line) as { claim: string; event: string; text: string }).filter(({ claim }) => claim === `run ${id}`);
  expect(told.map(({ event }) => event)).toEqual(['found', 'committed', 'proved']);
  expect(told[0]!.text).toMatch(where);
  expect((await readRun(chain.connection, id)).state).toBe('refuted');
}, 120_000);

test('what run.json does not tell of is not vouched for', async () => {
  const { vouch } = await import('./vouch.ts');
  const other = await register({ adapterRoot: word('0c') });
  await expect(vouch(['--id', String(other), ...flags])).rejects.toMatchObject({ code: 'watch/other-content' });
  await expect(vouch(['--id', '99', ...flags])).rejects.toMatchObject({ code: 'cli/no-adapter' });
  expect((await readRun(chain.connection, other)).state).toBe('none');
}, 120_000);
