/** A wallet extension for tests: announces itself by EIP-6963, signs for real, and misbehaves on request. */
import { EventEmitter } from 'node:events';
import { type EIP1193Provider, createWalletClient, http } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { anvilRpc } from '../../../scripts/chain/anvil.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { OPEN, type ScratchChain } from './scratch-chain.ts';

interface SendParams {
  from: Hex;
  to: Hex;
  data: Hex;
  value?: Hex;
  gas?: Hex;
}

export class InjectedWallet {
  private readonly events = new EventEmitter();
  readonly account = privateKeyToAccount(generatePrivateKey());
  readonly chain: ScratchChain;
  accounts: Hex[] = [this.account.address];
  chainId: number;
  /** Networks that the wallet knows. */
  known: number[];
  /** Thrown instead of signing, switching or connecting. */
  refuse: { code: number; message: string } | undefined;
  /** Runs when a transaction arrives, before it is refused or signed. */
  beforeSend: (() => void) | undefined;

  constructor(chain: ScratchChain) {
    this.chain = chain;
    this.chainId = chain.connection.chain.id;
    this.known = [this.chainId];
  }

  static async create(chain: ScratchChain): Promise<InjectedWallet> {
    const wallet = new InjectedWallet(chain);
    await anvilRpc(chain.anvil.url, 'anvil_setBalance', [wallet.account.address, `0x${(100n * OPEN).toString(16)}`]);
    return wallet;
  }

  announceOn(page: EventTarget): void {
    const info = {
      uuid: crypto.randomUUID(),
      name: 'Test wallet',
      icon: 'https://example.invalid/x.svg',
      rdns: 'test.wallet',
    };
    page.addEventListener('eip6963:requestProvider', () => {
      page.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: { info, provider: this.provider() } }));
    });
  }

  provider(): EIP1193Provider {
    const request = (args: { method: string; params?: unknown[] }) => this.answer(args.method, args.params ?? []);
    return {
      request,
      on: (event: string, listener: (...args: unknown[]) => void) => this.events.on(event, listener),
      removeListener: (event: string, listener: (...args: unknown[]) => void) =>
        this.events.removeListener(event, listener),
    } as unknown as EIP1193Provider;
  }

  /** What a wallet tells the page by itself: accountsChanged, chainChanged. */
  emit(event: string, value: unknown): void {
    this.events.emit(event, value);
  }

  private async answer(method: string, params: unknown[]): Promise<unknown> {
    switch (method) {
      case 'eth_accounts':
        return this.accounts;
      case 'eth_chainId':
        return `0x${this.chainId.toString(16)}`;
      case 'eth_requestAccounts':
        this.refuseIfAsked();
        return this.accounts;
      case 'wallet_switchEthereumChain': {
        this.refuseIfAsked();
        const wanted = Number((params[0] as { chainId: Hex }).chainId);
        if (!this.known.includes(wanted)) throw Object.assign(new Error('Unrecognized chain ID.'), { code: 4902 });
        this.chainId = wanted;
        return null;
      }
      case 'wallet_addEthereumChain':
        this.refuseIfAsked();
        this.known.push(Number((params[0] as { chainId: Hex }).chainId));
        return null;
      case 'eth_sendTransaction': {
        this.beforeSend?.();
        this.refuseIfAsked();
        const { to, data, value, gas } = params[0] as SendParams;
        const signer = createWalletClient({
          account: this.account,
          chain: this.chain.connection.chain,
          transport: http(this.chain.anvil.url),
        });
        return signer.sendTransaction({ to, data, value: BigInt(value ?? 0), ...(gas && { gas: BigInt(gas) }) });
      }
      default:
        return anvilRpc(this.chain.anvil.url, method, params);
    }
  }

  private refuseIfAsked(): void {
    if (this.refuse) throw Object.assign(new Error(this.refuse.message), { code: this.refuse.code });
  }
}
