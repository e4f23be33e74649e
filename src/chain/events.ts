import { type Log, type RpcLog, formatLog, parseEventLogs } from 'viem';
import { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import { chainRestarted, readChainAnchor } from './chain-anchor.ts';
import type { ChainConnection } from './client.ts';
import type { EventStore } from './event-store.ts';
import { adapterRegistryEventsAbi, contributionsEventsAbi, datanetRegistryEventsAbi, settlementAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

/** Blocks read again each time, because the newest ones can still be replaced. */
const REORG_OVERLAP = 16n;
const FIRST_RANGE = 5_000n;

/** A log as it is kept: only what decoding needs. */
interface StoredLog {
  address: Hex;
  topics: Hex[];
  data: Hex;
  block: string;
  blockHash: Hex;
  logIndex: number;
  transaction: Hex;
}

interface StoredFeed {
  openledger: 'events/1';
  anchor: Hex;
  /** Every block up to this one was read, decimal. */
  cursor: string;
  logs: StoredLog[];
}

/** Everything that this deployment's contracts ever said, oldest first. */
export interface EventFeed {
  /** Reads on from the cursor. Calls that overlap share one reading. Errors: `chain/unreachable`, `chain/restarted`. */
  refresh(): Promise<void>;
  settlement(): ReturnType<typeof decodeSettlement>;
  contributions(): ReturnType<typeof decodeContributions>;
  datanets(): ReturnType<typeof decodeDatanets>;
  adapters(): ReturnType<typeof decodeAdapters>;
  /** Not decoded: what decodes the games' events is loaded with the pages that show them (game-events.ts). */
  logs(contract: 'disputes' | 'runs'): Log[];
  /** The newest block read; undefined before the first refresh. */
  cursor(): bigint | undefined;
}

const decodeSettlement = (logs: Log[]) => parseEventLogs({ abi: settlementAbi, logs });
const decodeContributions = (logs: Log[]) => parseEventLogs({ abi: contributionsEventsAbi, logs });
const decodeDatanets = (logs: Log[]) => parseEventLogs({ abi: datanetRegistryEventsAbi, logs });
const decodeAdapters = (logs: Log[]) => parseEventLogs({ abi: adapterRegistryEventsAbi, logs });

/** Filters die silently behind load balancers, so ranges are polled from the deployment block with a stored cursor. */
export function createEventFeed(connection: ChainConnection, store: EventStore): EventFeed {
  const { contracts, publicClient, deployment } = connection;
  const addresses = [
    contracts.settlement,
    contracts.contributions,
    contracts.datanetRegistry,
    contracts.adapterRegistry,
    contracts.disputes,
    contracts.runs,
  ];
  const key = `events:${connection.chain.id}:${contracts.settlement.toLowerCase()}`;
  const start = BigInt(deployment.chain.deploymentBlock);
  let feed: StoredFeed | undefined;
  let running: Promise<void> | undefined;
  let range = FIRST_RANGE;

  async function readRange(from: bigint, to: bigint): Promise<StoredLog[]> {
    const out: StoredLog[] = [];
    for (let at = from; at <= to;) {
      const end = at + range - 1n < to ? at + range - 1n : to;
      try {
        const logs = await publicClient.getLogs({ address: addresses, fromBlock: at, toBlock: end });
        for (const log of logs) {
          out.push({
            address: log.address.toLowerCase() as Hex,
            topics: log.topics as Hex[],
            data: log.data,
            block: String(log.blockNumber),
            blockHash: log.blockHash,
            logIndex: log.logIndex,
            transaction: log.transactionHash,
          });
        }
        at = end + 1n;
      } catch (error) {
        // Nodes limit ranges and result sizes, each in its own words: halve until it goes through.
        const unreachable = (error as { name?: string }).name === 'HttpRequestError';
        if (unreachable || range <= 16n) throw error;
        range /= 2n;
      }
    }
    return out;
  }

  async function load(anchor: Hex): Promise<StoredFeed> {
    const empty: StoredFeed = { openledger: 'events/1', anchor, cursor: String(start - 1n), logs: [] };
    const text = await store.get(key);
    if (!text) return empty;
    try {
      const stored = JSON.parse(text) as StoredFeed;
      if (stored.openledger === 'events/1' && stored.anchor === anchor && Array.isArray(stored.logs)) return stored;
    } catch {
      // Half-written or of another version: read again from the chain.
    }
    return empty;
  }

  async function refreshNow(): Promise<void> {
    await translated('Reading the chain', async () => {
      const [anchor, latest] = await Promise.all([readChainAnchor(connection), publicClient.getBlockNumber()]).catch(
        async (error: unknown) => {
          if (error instanceof OpenLedgerError && error.code === 'chain/restarted') await forget();
          throw error;
        },
      );
      if (feed && feed.anchor !== anchor) {
        await forget();
        throw chainRestarted('Its blocks are not those that were read before.');
      }
      feed ??= await load(anchor);
      const cursor = BigInt(feed.cursor);
      if (latest + REORG_OVERLAP < cursor) {
        await forget();
        throw chainRestarted(`It is at block ${latest}; block ${cursor} was read before.`);
      }
      const from = cursor - REORG_OVERLAP > start ? cursor - REORG_OVERLAP : start;
      const fresh = await readRange(from, latest);
      const kept = feed.logs.filter((log) => BigInt(log.block) < from);
      const changed = cursor !== latest;
      feed = { ...feed, cursor: String(latest), logs: [...kept, ...fresh] };
      if (changed) await store.set(key, JSON.stringify(feed));
    });
  }

  async function forget(): Promise<void> {
    feed = undefined;
    await store.delete(key);
  }

  const logsOf = (address: Hex): Log[] =>
    (feed?.logs ?? [])
      .filter((log) => log.address === address.toLowerCase())
      .map((log) =>
        formatLog({
          address: log.address,
          topics: log.topics as RpcLog['topics'],
          data: log.data,
          blockNumber: `0x${BigInt(log.block).toString(16)}`,
          blockHash: log.blockHash,
          logIndex: `0x${log.logIndex.toString(16)}`,
          transactionHash: log.transaction,
          transactionIndex: '0x0',
          removed: false,
        } as RpcLog),
      );

  return {
    refresh() {
      running ??= refreshNow().finally(() => (running = undefined));
      return running;
    },
    settlement: () => decodeSettlement(logsOf(contracts.settlement)),
    contributions: () => decodeContributions(logsOf(contracts.contributions)),
    datanets: () => decodeDatanets(logsOf(contracts.datanetRegistry)),
    adapters: () => decodeAdapters(logsOf(contracts.adapterRegistry)),
    logs: (contract) => logsOf(contracts[contract]),
    cursor: () => (feed ? BigInt(feed.cursor) : undefined),
  };
}
