import { afterAll, beforeAll, expect, test } from 'vitest';
import { concat, fromHex } from '../protocol/bytes.ts';
import { leafHash, merkleRoot } from '../protocol/merkle.ts';
import { createDatanet } from './create-datanet.ts';
import { memoryEventStore } from './event-store.ts';
import { createEventFeed } from './events.ts';
import { runEvents } from './game-events.ts';
import { publishVersion } from './publish-version.ts';
import { readRun } from './read-run.ts';
import { registerAdapter } from './register-adapter.ts';
import { runsOf } from './run-facts.ts';
import { OPEN, type ScratchChain, startScratchChain, word } from './testing/scratch-chain.ts';
import { MOST_ROOTS, vouchRun } from './vouch-run.ts';
import type { Wallet } from './wallets.ts';

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
let chain: ScratchChain;
let owner: Wallet;

beforeAll(async () => {
  chain = await startScratchChain({ window: 4000 });
  chain.connection.publicClient.pollingInterval = 20;
  owner = await chain.wallet('owner');
  await createDatanet(chain.connection, owner, { name: 'Vouched', metadataCid: cid, minStakePerRecord: 0n });
  await publishVersion(chain.connection, owner, { datanetId: 1n, root: word('01'), recordsRoot: word('02'), cid, count: 3 });
});
afterAll(() => chain?.stop());

const register = async () => (await registerAdapter(chain.connection, owner, {
  datanetId: 1n, version: 1, baseRoot: word('03'), adapterRoot: word('04'), checkpointsRoot: word('05'), ledgerRoot: word('06'), programHash: word('07'), cid, name: 'Vouched', rateIn: OPEN, rateOut: OPEN,
})).adapterId;

/** A statement about `units` units, with any words for what they made; `salt` makes it another. */
function statementOf(adapterId: bigint, units: number, salt = 1) {
  const roots = Uint8Array.from({ length: 32 * units }, (_, k) => 1 + ((k * 7 + (k >> 5) * salt) % 251));
  const leaves = Array.from({ length: units }, (_, k) => leafHash(roots.subarray(32 * k, 32 * k + 32)));
  return { adapterId, planRoot: word('08'), outputsRoot: merkleRoot(leaves), units, roots };
}

/** Everything that was posted of it, and the list that stands with the statement. */
async function seen(adapterId: bigint) {
  const feed = createEventFeed(chain.connection, memoryEventStore());
  await feed.refresh();
  const events = runEvents(feed);
  const parts = events.flatMap((event) => (event.eventName === 'Posted' && event.args.adapterId === adapterId ? [[event.args.first, fromHex(event.args.roots).length / 32]] : []));
  return { parts, list: concat(...runsOf(events).find((run) => run.adapterId === adapterId)!.list.map(fromHex)) };
}

test('a short list goes with the statement, in one transaction', async () => {
  const statement = statementOf(await register(), 52);
  const told: number[][] = [];
  const { parts, gasUsed } = await vouchRun(chain.connection, owner, statement, { onPart: (...at) => told.push(at) });
  expect([parts, told]).toEqual([1, [[1, 1]]]);
  expect(Number(gasUsed)).toBeLessThan(350_000);
  const { outputsRoot, units } = statement;
  expect(await readRun(chain.connection, statement.adapterId)).toMatchObject({ state: 'open', outputsRoot, units });
  expect(await seen(statement.adapterId)).toEqual({ parts: [[0, 52]], list: statement.roots });
});

test('a long list goes in parts; where that breaks off it goes on, and nothing is posted twice', async () => {
  const statement = statementOf(await register(), 23);
  const refused = new Error('refused in the wallet');
  const breakAt = (at: number) => vouchRun(chain.connection, owner, statement, { most: 5, onPart: (part) => { if (part === at) throw refused; } });
  await expect(breakAt(3)).rejects.toBe(refused);
  expect((await readRun(chain.connection, statement.adapterId)).state).toBe('none');
  const told: number[][] = [];
  // Ten are posted: 13 are left. Another size of parts is as good.
  await vouchRun(chain.connection, owner, statement, { most: 4, onPart: (...at) => told.push(at) });
  expect(told).toEqual([[1, 4], [2, 4], [3, 4], [4, 4]]);
  expect(await seen(statement.adapterId)).toEqual({ parts: [[0, 5], [5, 5], [10, 4], [14, 4], [18, 4], [22, 1]], list: statement.roots });
  expect(await readRun(chain.connection, statement.adapterId)).toMatchObject({ state: 'open', outputsRoot: statement.outputsRoot });
});

test('where another list is posted it begins again; where all of this one is, only the statement is left', async () => {
  const adapterId = await register();
  const stop = (part: number) => { if (part === 3) throw new Error('stop'); };
  await expect(vouchRun(chain.connection, owner, statementOf(adapterId, 20, 2), { most: 8, onPart: stop })).rejects.toThrow('stop');
  await expect(vouchRun(chain.connection, owner, statementOf(adapterId, 17), { most: 8, onPart: stop })).rejects.toThrow('stop');
  // Sixteen roots of it are all of a shorter list.
  const statement = statementOf(adapterId, 16);
  await vouchRun(chain.connection, owner, statement, { most: 8 });
  expect(await seen(adapterId)).toEqual({ parts: [[0, 8], [8, 8], [0, 8], [8, 8], [16, 0]], list: statement.roots });
});

test('as many roots as go into one transaction, for less than 1,350 gas each', async () => {
  const statement = statementOf(await register(), MOST_ROOTS);
  const { parts, gasUsed } = await vouchRun(chain.connection, owner, statement);
  expect(parts).toBe(1);
  const each = Number(gasUsed) / MOST_ROOTS;
  expect(each).toBeLessThan(1_350);
  expect((await seen(statement.adapterId)).list).toEqual(statement.roots);
  console.info(`${each.toFixed(0)} gas a root in a statement of ${MOST_ROOTS}`);
});
