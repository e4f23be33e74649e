import { type Balances, readBalances } from '../chain/read-balances.ts';
import { switchChain } from '../chain/switch-chain.ts';
import { type Wallet, type WalletOffer, demoWallet, discoverWallets } from '../chain/wallets.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { DemoIdentity } from '../protocol/deployment.ts';
import type { ChainState } from './chain.svelte.ts';
import { readPreference, writePreference } from './preferences.ts';

/** The wallet that signs: a demo identity of a local chain, or an extension that announced itself (EIP-6963). */
export class WalletState {
  wallet = $state.raw<Wallet | undefined>(undefined);
  balances = $state.raw<Balances | undefined>(undefined);
  offers = $state.raw<WalletOffer[]>([]);
  /** The network that the wallet is on, where it is another than this page's. */
  wrongChain = $state<number | undefined>(undefined);
  connecting = $state(false);
  error = $state.raw<WireError | undefined>(undefined);
  /** An extension that was used before: one press connects it again. */
  lastUsed = $state<string | undefined>(undefined);

  readonly demo: { label: string; identities: DemoIdentity[] } | undefined;
  #chain: ChainState;
  #endListening: () => void = () => {};

  constructor(chain: ChainState) {
    this.#chain = chain;
    this.demo = chain.connection.deployment.demo;
    this.lastUsed = readPreference('wallet');
    discoverWallets((offers) => (this.offers = offers));
    chain.onBlock(() => void this.refresh());
    const identity = this.demo?.identities.find(({ address }) => address === readPreference('demo')) ?? this.demo?.identities[0];
    if (identity && !this.lastUsed) this.useDemo(identity);
  }

  get address() {
    return this.wallet?.address;
  }

  /** The role of the demo identity in use. */
  get identity(): DemoIdentity | undefined {
    if (this.wallet?.kind !== 'demo') return undefined;
    const mine = this.wallet.address.toLowerCase();
    return this.demo?.identities.find(({ address }) => address.toLowerCase() === mine);
  }

  useDemo(identity: DemoIdentity): void {
    try {
      this.#use(demoWallet(this.#chain.connection, identity));
      writePreference('demo', identity.address);
      writePreference('wallet', undefined);
      this.lastUsed = undefined;
    } catch (error) {
      this.error = toWire(error);
    }
  }

  async connect(offer: WalletOffer): Promise<void> {
    if (this.connecting) return;
    this.connecting = true;
    this.error = undefined;
    try {
      const wallet = await offer.connect(this.#chain.connection);
      this.#use(wallet);
      writePreference('wallet', offer.rdns || offer.name);
      this.lastUsed = offer.rdns || offer.name;
      await this.#lookAtChain(wallet);
      wallet.onAccountChange((address) => this.#accountChanged(offer, address));
      this.#endListening = wallet.onChainChange(() => void this.#lookAtChain(wallet));
    } catch (error) {
      this.error = toWire(error);
    } finally {
      this.connecting = false;
    }
  }

  disconnect(): void {
    this.#endListening();
    this.#endListening = () => {};
    this.wallet = undefined;
    this.balances = undefined;
    this.wrongChain = undefined;
    this.lastUsed = undefined;
    writePreference('wallet', undefined);
  }

  async switchNetwork(): Promise<void> {
    if (!this.wallet) return;
    this.error = undefined;
    try {
      await switchChain(this.#chain.connection, this.wallet);
      await this.#lookAtChain(this.wallet);
    } catch (error) {
      this.error = toWire(error);
    }
  }

  /** Reads the balances again; keeps the last ones while the chain cannot be reached. */
  async refresh(): Promise<void> {
    const wallet = this.wallet;
    if (!wallet) return;
    try {
      const balances = await readBalances(this.#chain.connection, wallet.address);
      if (this.wallet === wallet) this.balances = balances;
    } catch {
      // The status line says that the chain cannot be reached.
    }
  }

  /** The wallet, or an error that says how to get one. */
  require(): Wallet {
    if (this.wallet) return this.wallet;
    throw new OpenLedgerError({
      code: 'wallet/none',
      what: 'No wallet is connected.',
      why: 'This needs a signature.',
      next: 'Choose a wallet in the line at the top of the page, then try again.',
    });
  }

  #use(wallet: Wallet): void {
    this.#endListening();
    this.#endListening = () => {};
    this.wallet = wallet;
    this.balances = undefined;
    this.wrongChain = undefined;
    this.error = undefined;
    void this.refresh();
  }

  #accountChanged(offer: WalletOffer, address: string | undefined): void {
    if (this.wallet?.kind !== 'injected' || address?.toLowerCase() === this.wallet.address.toLowerCase()) return;
    if (!address) this.disconnect();
    else void this.connect(offer);
  }

  async #lookAtChain(wallet: Wallet): Promise<void> {
    const id = await wallet.currentChainId();
    if (this.wallet === wallet) this.wrongChain = id === this.#chain.connection.chain.id ? undefined : id;
  }
}
