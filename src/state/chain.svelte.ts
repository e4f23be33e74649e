import { type ChainConnection, connectChain } from '../chain/client.ts';
import { type EventFeed, createEventFeed } from '../chain/events.ts';
import { type Adapter, listAdapters } from '../chain/list-adapters.ts';
import { type Datanet, type DatanetVersion, listDatanets } from '../chain/list-datanets.ts';
import { readAccounting } from '../chain/read-balances.ts';
import { readTerms } from '../chain/read-terms.ts';
import { watchChain } from '../chain/watch-chain.ts';
import { type WireError, toWire } from '../errors.ts';
import type { Deployment } from '../protocol/deployment.ts';
import type { AdapterRef } from '../workers/engine.api.ts';
import { browserEventStore } from './browser-event-store.ts';
import { Loadable } from './loadable.svelte.ts';

/** An adapter with the Datanet version that it was trained on. */
export interface KnownAdapter {
  adapter: Adapter;
  datanet: Datanet;
  version: DatanetVersion;
  ref: AdapterRef;
}

/** What the page knows of the chain. Everything on it is read from there; nothing is assumed. */
export class ChainState {
  readonly connection: ChainConnection;
  readonly feed: EventFeed;
  block = $state<bigint | undefined>(undefined);
  /** Seconds that the chain's clock is ahead of this machine's. */
  clockOffset = $state(0);
  /** Unix seconds of the newest block: what contracts see as now. */
  blockTime = $state(0);
  /** Chain time now, Unix seconds; ticks each second. */
  now = $state(Math.floor(Date.now() / 1000));
  health = $state<'connecting' | 'live' | 'unreachable' | 'restarted'>('connecting');
  error = $state.raw<WireError | undefined>(undefined);

  readonly adapters: Loadable<Adapter[]>;
  readonly datanets: Loadable<Datanet[]>;
  readonly terms: Loadable<Awaited<ReturnType<typeof readTerms>>>;

  readonly accounting: Loadable<Awaited<ReturnType<typeof readAccounting>>>;

  #blockListeners = new Set<(block: bigint) => void>();

  constructor(deployment: Deployment, deploymentUrl: string) {
    this.connection = connectChain(deployment, deploymentUrl);
    this.feed = createEventFeed(this.connection, browserEventStore());
    this.adapters = new Loadable(() => listAdapters(this.connection));
    this.datanets = new Loadable(() => listDatanets(this.connection));
    this.terms = new Loadable(() => readTerms(this.connection));
    this.accounting = new Loadable(() => readAccounting(this.connection));
    watchChain(this.connection, {
      onBlock: (block) => {
        this.block = block;
        this.health = 'live';
        this.error = undefined;
        void this.#readClock(block);
        for (const listener of this.#blockListeners) listener(block);
      },
      onError: (error) => {
        this.error = toWire(error);
        this.health = error.code === 'chain/unreachable' ? 'unreachable' : error.code === 'chain/restarted' ? 'restarted' : 'unreachable';
      },
    });
    setInterval(() => this.#tick(), 1000);
    this.loadRegistries();
  }

  /** Reads adapters, Datanets and terms again, after something on them changed. */
  loadRegistries(): void {
    void this.adapters.load();
    void this.datanets.load();
    void this.terms.load();
  }

  /** Runs on every new block until the returned function is called. */
  onBlock(listener: (block: bigint) => void): () => void {
    this.#blockListeners.add(listener);
    return () => this.#blockListeners.delete(listener);
  }

  get currency(): string {
    return this.connection.chain.nativeCurrency.symbol;
  }

  /** Adapters whose Datanet version is on the chain, newest last. */
  get known(): KnownAdapter[] {
    const datanets = new Map((this.datanets.value ?? []).map((datanet) => [datanet.id, datanet]));
    return (this.adapters.value ?? []).flatMap((adapter) => {
      const datanet = datanets.get(adapter.datanetId);
      const version = datanet?.versions[adapter.version - 1];
      if (!datanet || !version) return [];
      const ref = {
        id: String(adapter.id),
        cid: adapter.cid,
        datanet: { id: String(datanet.id), version: version.version, cid: version.cid },
      };
      return [{ adapter, datanet, version, ref }];
    });
  }

  knownAdapter(id: string): KnownAdapter | undefined {
    return this.known.find((known) => known.ref.id === id);
  }

  async #readClock(block: bigint): Promise<void> {
    try {
      const { timestamp } = await this.connection.publicClient.getBlock({ blockNumber: block });
      this.blockTime = Number(timestamp);
      const ahead = Number(timestamp) - Date.now() / 1000;
      // Ordinary delays between blocks are no difference of clocks.
      this.clockOffset = Math.abs(ahead) > 2 * this.connection.deployment.chain.blockSeconds + 3 ? Math.round(ahead) : 0;
      this.#tick();
    } catch {
      // The watch says when the chain cannot be reached.
    }
  }

  #tick(): void {
    this.now = Math.floor(Date.now() / 1000) + this.clockOffset;
  }
}
