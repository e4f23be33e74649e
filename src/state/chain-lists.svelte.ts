import { type ClaimRecord, listClaims } from '../chain/list-claims.ts';
import { type ContributionRecord, listContributions } from '../chain/list-contributions.ts';
import { Loadable } from './loadable.svelte.ts';
import type { Session } from './session.svelte.ts';

/** Claims and contributions as the chain has them; pages share one copy. */
export class ChainLists {
  readonly claims: Loadable<ClaimRecord[]>;
  readonly contributions: Loadable<ContributionRecord[]>;
  #session: Session;
  #watchers = 0;
  #stop: (() => void) | undefined;
  #seen = '';
  #looking = false;

  constructor(session: Session) {
    this.#session = session;
    const { connection, feed } = session.chain;
    this.claims = new Loadable(() => listClaims(connection, feed));
    this.contributions = new Loadable(() => listContributions(connection, feed));
  }

  /** Keeps the lists, and the registries, as new as the chain until the returned function is called. */
  watch(): () => void {
    if (this.#watchers++ === 0) {
      this.reload();
      this.#stop = this.#session.chain.onBlock(() => void this.#look());
    }
    return () => {
      if (--this.#watchers === 0) this.#stop?.();
    };
  }

  reload(): void {
    void this.claims.load();
    void this.contributions.load();
    this.#session.chain.loadRegistries();
  }

  /** Most blocks bring nothing of ours: the lists are read again only when there are new events. */
  async #look(): Promise<void> {
    if (this.#looking || document.visibilityState === 'hidden') return;
    this.#looking = true;
    try {
      const { feed } = this.#session.chain;
      await feed.refresh();
      const now = [feed.settlement(), feed.contributions(), feed.datanets(), feed.adapters()].map((events) => events.length).join();
      if (now !== this.#seen) {
        if (this.#seen) this.reload();
        this.#seen = now;
      }
    } catch {
      // The status line says that the chain cannot be reached.
    } finally {
      this.#looking = false;
    }
  }
}
