import type { Deployment } from '../protocol/deployment.ts';
import { ChainState } from './chain.svelte.ts';
import { EngineState } from './engine.svelte.ts';
import { Toasts } from './toasts.svelte.ts';
import { WalletState } from './wallet.svelte.ts';

/** Everything that belongs to one deployment. Pages get it from `useSession()`. */
export class Session {
  readonly deployment: Deployment;
  readonly deploymentUrl: string;
  readonly chain: ChainState;
  readonly wallet: WalletState;
  readonly engine: EngineState;
  readonly toasts = new Toasts();
  #parts = new Map<unknown, unknown>();
  #names = new Map<string, string>();

  constructor(deployment: Deployment, deploymentUrl: string) {
    this.deployment = deployment;
    this.deploymentUrl = deploymentUrl;
    this.chain = new ChainState(deployment, deploymentUrl);
    this.wallet = new WalletState(this.chain);
    this.engine = new EngineState(deployment, deploymentUrl);
    for (const { name, address } of deployment.demo?.identities ?? []) this.#names.set(address.toLowerCase(), name);
    const { treasury, settlement, contributions } = deployment.contracts;
    this.#names.set(treasury.toLowerCase(), 'Treasury');
    this.#names.set(settlement.toLowerCase(), 'Settlement contract');
    this.#names.set(contributions.toLowerCase(), 'Contributions contract');
  }

  /** A page's state: made at first use, kept while the tab lives, so that leaving a page loses nothing. */
  part<T>(State: new (session: Session) => T): T {
    let part = this.#parts.get(State) as T | undefined;
    if (!part) this.#parts.set(State, (part = new State(this)));
    return part;
  }

  /** A demo identity's or a contract's name. */
  nameOf(address: string): string | undefined {
    return this.#names.get(address.toLowerCase());
  }
}
