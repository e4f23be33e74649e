import { getTransactionReceipt } from 'viem/actions';
import { type ChainConnection, connectChain } from '../../src/chain/client.ts';
import { memoryEventStore } from '../../src/chain/event-store.ts';
import { type EventFeed, createEventFeed } from '../../src/chain/events.ts';
import { type ClaimRecord, listClaims } from '../../src/chain/list-claims.ts';
import { readAccounting, readBalances } from '../../src/chain/read-balances.ts';
import type { Hex } from '../../src/protocol/bytes.ts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { type Receipt, parseReceipt } from '../../src/protocol/receipt.ts';

/** The chain and the content store read beside the browser, to hold what the page says against them. */
export class ChainView {
  readonly connection: ChainConnection;
  private readonly url: string;
  private readonly feed: EventFeed;

  constructor(deployment: Deployment, url: string) {
    this.connection = connectChain(deployment, url);
    this.url = url;
    this.feed = createEventFeed(this.connection, memoryEventStore());
  }

  balances(address: Hex) {
    return readBalances(this.connection, address);
  }

  accounting() {
    return readAccounting(this.connection);
  }

  async claims(): Promise<ClaimRecord[]> {
    return listClaims(this.connection, this.feed);
  }

  async receiptText(cid: string): Promise<string> {
    const response = await fetch(`${this.url}/ipfs/${cid}?format=raw`, { headers: { accept: 'application/vnd.ipld.raw' } });
    if (!response.ok) throw new Error(`${cid}: ${response.status}`);
    return response.text();
  }

  async receipt(cid: string): Promise<Receipt> {
    return parseReceipt(JSON.parse(await this.receiptText(cid)));
  }

  blockNumber(): Promise<bigint> {
    return this.connection.publicClient.getBlockNumber({ cacheTime: 0 });
  }

  /** What an account paid for gas after a block, wei. */
  async gasSince(address: Hex, block: bigint): Promise<bigint> {
    const { publicClient } = this.connection;
    let spent = 0n;
    const newest = await this.blockNumber();
    for (let blockNumber = block + 1n; blockNumber <= newest; blockNumber++) {
      const { transactions } = await publicClient.getBlock({ blockNumber, includeTransactions: true });
      for (const { from, hash } of transactions) {
        if (from.toLowerCase() !== address.toLowerCase()) continue;
        const { gasUsed, effectiveGasPrice } = await getTransactionReceipt(publicClient, { hash });
        spent += gasUsed * effectiveGasPrice;
      }
    }
    return spent;
  }
}
