import type { ClaimRecord } from '../chain/list-claims.ts';
import { setPrices } from '../chain/set-prices.ts';
import { ChainLists } from './chain-lists.svelte.ts';
import type { KnownAdapter } from './chain.svelte.ts';
import type { Session } from './session.svelte.ts';
import { Transaction } from './transaction.svelte.ts';

/** An adapter with what its answers brought. */
export interface MarketAdapter extends KnownAdapter {
  /** Answers paid for and not refuted. */
  answers: number;
  /** Wei: the whole fees, and the owner's part of them. */
  fees: bigint;
  ownerPart: bigint;
  mine: boolean;
}

export class MarketState {
  readonly lists: ChainLists;
  readonly pricing = new Transaction();
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.lists = session.part(ChainLists);
  }

  /** Undefined until the registries were read. */
  get adapters(): MarketAdapter[] | undefined {
    const { chain, wallet } = this.#session;
    if (!chain.adapters.value || !chain.datanets.value) return undefined;
    const byAdapter = new Map<bigint, ClaimRecord[]>();
    for (const claim of this.lists.claims.value ?? []) {
      if (claim.state !== 'refuted') byAdapter.set(claim.adapterId, [...(byAdapter.get(claim.adapterId) ?? []), claim]);
    }
    return chain.known.map((known) => {
      const claims = byAdapter.get(known.adapter.id) ?? [];
      return {
        ...known,
        answers: claims.length,
        fees: claims.reduce((sum, { fee }) => sum + fee.total, 0n),
        ownerPart: claims.reduce((sum, { fee }) => sum + fee.owner, 0n),
        mine: known.adapter.owner.toLowerCase() === wallet.address?.toLowerCase(),
      };
    });
  }

  async setPrices(adapterId: bigint, rateIn: bigint, rateOut: bigint): Promise<boolean> {
    const done = await this.pricing.run(async (options) => {
      const wallet = this.#session.wallet.require();
      return setPrices(this.#session.chain.connection, wallet, { adapterId, rateIn, rateOut }, options);
    });
    if (done) await this.#session.chain.adapters.load();
    return done !== undefined;
  }
}
