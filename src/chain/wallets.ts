import {
  type Account,
  type Chain,
  type Client,
  type EIP1193Provider,
  type Transport,
  createClient,
  custom,
  fallback,
  getAddress,
  http,
} from 'viem';
import { OpenLedgerError } from '../errors.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { DemoIdentity } from '../protocol/deployment.ts';
import type { ChainConnection } from './client.ts';
import { translated } from './translate-error.ts';

/** An account that can sign, whatever holds its key. */
export interface Wallet {
  address: Hex;
  name: string;
  kind: 'demo' | 'injected';
  /**
   * What signs; where the page holds the key, its code is fetched for it.
   * Errors: `wallet/bad-demo-identity` where key and address do not belong together.
   */
  signer(): Promise<Client<Transport, Chain, Account>>;
  /** The chain that the wallet is on now. */
  currentChainId(): Promise<number>;
  /** The account that the wallet offers now; undefined when it offers none. */
  currentAddress(): Promise<Hex | undefined>;
  /** Tells when the wallet's user picks another account (undefined: disconnected). Returns a function that ends it. */
  onAccountChange(listener: (address: Hex | undefined) => void): () => void;
  /** Tells when the wallet moves to another chain. Returns a function that ends it. */
  onChainChange(listener: (chainId: number) => void): () => void;
}

/** A wallet extension that announced itself. Name and icon come from the extension: show as text and image only. */
export interface WalletOffer {
  id: string;
  name: string;
  /** A data: image URL, or undefined where the announced icon was none. */
  icon: string | undefined;
  rdns: string;
  /** Asks the user for an account. Errors: `wallet/rejected`, `wallet/no-account`. */
  connect(connection: ChainConnection): Promise<Wallet>;
}

interface Announcement {
  info?: { uuid?: unknown; name?: unknown; icon?: unknown; rdns?: unknown };
  provider?: EIP1193Provider;
}

/**
 * Finds wallet extensions by EIP-6963. `onChange` gets the whole list each time it grows.
 * Returns a function that stops listening.
 */
export function discoverWallets(onChange: (offers: WalletOffer[]) => void, target: EventTarget = window): () => void {
  const offers = new Map<string, WalletOffer>();
  const heard = (event: Event) => {
    const { info, provider } = ((event as CustomEvent).detail ?? {}) as Announcement;
    if (!info || typeof info.uuid !== 'string' || typeof provider?.request !== 'function') return;
    if (offers.has(info.uuid) || offers.size >= 50) return;
    const icon = typeof info.icon === 'string' && /^data:image\/[a-z+.-]+[;,]/i.test(info.icon) ? info.icon : undefined;
    const name = typeof info.name === 'string' && info.name.trim() ? info.name.trim().slice(0, 60) : 'Wallet';
    const rdns = typeof info.rdns === 'string' ? info.rdns.slice(0, 100) : '';
    offers.set(info.uuid, {
      id: info.uuid,
      name,
      icon,
      rdns,
      connect: (chain) => injectedWallet(chain, provider, name),
    });
    onChange([...offers.values()]);
  };
  target.addEventListener('eip6963:announceProvider', heard);
  target.dispatchEvent(new Event('eip6963:requestProvider'));
  return () => target.removeEventListener('eip6963:announceProvider', heard);
}

function addressOf(value: unknown): Hex | undefined {
  const first = Array.isArray(value) ? (value[0] as unknown) : undefined;
  return typeof first === 'string' && /^0x[0-9a-fA-F]{40}$/.test(first) ? getAddress(first) : undefined;
}

async function injectedWallet(connection: ChainConnection, provider: EIP1193Provider, name: string): Promise<Wallet> {
  const accounts = await translated('Connecting the wallet', () => provider.request({ method: 'eth_requestAccounts' }));
  const address = addressOf(accounts);
  if (!address) {
    throw new OpenLedgerError({
      code: 'wallet/no-account',
      what: 'The wallet offered no account.',
      next: 'Create or unlock an account in the wallet and connect again.',
    });
  }
  const listen = (event: 'accountsChanged' | 'chainChanged', listener: (value: never) => void) => {
    provider.on?.(event, listener as never);
    return () => provider.removeListener?.(event, listener as never);
  };
  const client = createClient({
    account: { address, type: 'json-rpc' },
    chain: connection.chain,
    transport: custom(provider),
  });
  return {
    address,
    name,
    kind: 'injected',
    signer: () => Promise.resolve(client),
    currentChainId: async () => Number(await provider.request({ method: 'eth_chainId' })),
    currentAddress: async () => addressOf(await provider.request({ method: 'eth_accounts' })),
    onAccountChange: (listener) => listen('accountsChanged', (accounts: unknown) => listener(addressOf(accounts))),
    onChainChange: (listener) => listen('chainChanged', (chainId: unknown) => listener(Number(chainId))),
  };
}

/**
 * A wallet of a local chain, its key made on this machine and written in the deployment file.
 * Errors: `wallet/bad-demo-identity` where its address is none.
 */
export function demoWallet(connection: ChainConnection, identity: DemoIdentity): Wallet {
  const address = addressOf([identity.address]);
  if (!address) throw badIdentity(identity);
  const nodes = connection.rpcUrls.map((url) => http(url, { timeout: 10_000, retryCount: 1 }));
  const transport = nodes.length === 1 ? nodes[0]! : fallback(nodes);
  const never = () => () => {};
  return {
    address,
    name: identity.name,
    kind: 'demo',
    signer: async () => createClient({ account: await demoAccount(identity), chain: connection.chain, transport }),
    currentChainId: () => connection.publicClient.getChainId(),
    currentAddress: () => Promise.resolve(address),
    onAccountChange: never,
    onChainChange: never,
  };
}

async function demoAccount(identity: DemoIdentity) {
  // Elliptic curves: fetched with the first signature on a local chain.
  const { privateKeyToAccount } = await import('./private-key.ts');
  try {
    const account = privateKeyToAccount(identity.privateKey);
    if (account.address.toLowerCase() === identity.address.toLowerCase()) return account;
  } catch {
    // Said below; the key itself must not appear in a message.
  }
  throw badIdentity(identity);
}

function badIdentity(identity: DemoIdentity): OpenLedgerError {
  return new OpenLedgerError({
    code: 'wallet/bad-demo-identity',
    what: `The demo identity “${identity.name.slice(0, 40)}” cannot be used.`,
    why: 'Its key does not belong to its address.',
    next: 'Start the local chain again with --fresh.',
  });
}
