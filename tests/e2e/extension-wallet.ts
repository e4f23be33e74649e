import type { BrowserContext } from 'playwright';
import { type Hex, createWalletClient, http, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { Deployment } from '../../src/protocol/deployment.ts';
import { anvilRpc } from '../../scripts/chain/anvil.ts';

interface SendParams {
  to: Hex;
  data: Hex;
  value?: Hex;
  gas?: Hex;
}

export const WALLET_NAME = 'Test extension';

/** A wallet extension as EIP-6963 has them: announces itself in every page, signs for real on the dev chain, refuses on request. */
export class ExtensionWallet {
  readonly account = privateKeyToAccount(generatePrivateKey());
  /** The network that the wallet is on. */
  chainId = 1;
  /** How many signatures the person will refuse. */
  refusals = 0;
  private readonly deployment: Deployment;
  private readonly known = new Set([1]);

  private constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  static async install(context: BrowserContext, deployment: Deployment): Promise<ExtensionWallet> {
    const wallet = new ExtensionWallet(deployment);
    await wallet.fund('50');
    await context.exposeFunction('extensionRequest', (method: string, params: unknown[]) =>
      wallet.request(method, params).then(
        (value) => ({ value }),
        (error: { code?: number; message: string }) => ({ error: { code: error.code ?? -32603, message: error.message } }),
      ),
    );
    await context.addInitScript((name) => {
      type Answer = { value?: unknown; error?: { code: number; message: string } };
      const listeners: Record<string, ((value: unknown) => void)[]> = {};
      const provider = {
        request: async ({ method, params }: { method: string; params?: unknown[] }) => {
          const ask = (window as unknown as { extensionRequest(method: string, params: unknown[]): Promise<Answer> }).extensionRequest;
          const { value, error } = await ask(method, params ?? []);
          if (error) throw Object.assign(new Error(error.message), { code: error.code });
          if (method === 'wallet_switchEthereumChain' || method === 'wallet_addEthereumChain') {
            const { value: id } = await ask('eth_chainId', []);
            for (const listener of listeners.chainChanged ?? []) listener(id);
          }
          return value;
        },
        on: (event: string, listener: (value: unknown) => void) => void (listeners[event] ??= []).push(listener),
        removeListener: (event: string, listener: (value: unknown) => void) =>
          void (listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener)),
      };
      const info = {
        uuid: '6f5c3d1e-0000-4000-8000-000000000001',
        name,
        icon: `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28"><circle cx="14" cy="14" r="12" fill="#446"/></svg>')}`,
        rdns: 'test.extension',
      };
      const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
      addEventListener('eip6963:requestProvider', announce);
      announce();
    }, WALLET_NAME);
    return wallet;
  }

  /** Sets what the account holds. */
  async fund(open: string): Promise<void> {
    await anvilRpc(this.url, 'anvil_setBalance', [this.account.address, `0x${parseEther(open).toString(16)}`]);
  }

  private get url(): string {
    return this.deployment.chain.rpcUrls[0]!;
  }

  private async request(method: string, params: unknown[]): Promise<unknown> {
    if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [this.account.address];
    if (method === 'eth_chainId') return `0x${this.chainId.toString(16)}`;
    if (method === 'wallet_switchEthereumChain' || method === 'wallet_addEthereumChain') {
      const id = Number((params[0] as { chainId: Hex }).chainId);
      if (method === 'wallet_addEthereumChain') this.known.add(id);
      if (!this.known.has(id)) throw Object.assign(new Error('Unrecognized chain ID.'), { code: 4902 });
      this.chainId = id;
      return null;
    }
    if (method === 'eth_sendTransaction') {
      if (this.refusals > 0) {
        this.refusals--;
        throw Object.assign(new Error('User rejected the request.'), { code: 4001 });
      }
      const { to, data, value, gas } = params[0] as SendParams;
      return createWalletClient({ account: this.account, transport: http(this.url) }).sendTransaction({
        to,
        data,
        value: BigInt(value ?? 0),
        ...(gas ? { gas: BigInt(gas) } : {}),
        chain: null,
      });
    }
    return anvilRpc(this.url, method, params);
  }
}
