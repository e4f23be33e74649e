import { addChain, switchChain as switchWallet } from 'viem/actions';
import type { ChainConnection } from './client.ts';
import { translateChainError, translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

/**
 * Moves the wallet to this deployment's chain; a wallet that does not know it is asked to add it.
 * Errors: `wallet/rejected`, `wallet/wrong-chain`, `wallet/busy`.
 */
export async function switchChain(connection: ChainConnection, wallet: Wallet): Promise<void> {
  const doing = 'Switching the network';
  if ((await translated(doing, () => wallet.currentChainId())) === connection.chain.id) return;
  const signer = await translated(doing, () => wallet.signer());
  try {
    await switchWallet(signer, { id: connection.chain.id });
  } catch (error) {
    const known = await translateChainError(error, doing);
    if (known.code !== 'wallet/wrong-chain') throw known;
    await translated(doing, () => addChain(signer, { chain: connection.chain }));
    if ((await wallet.currentChainId()) !== connection.chain.id) {
      await translated(doing, () => switchWallet(signer, { id: connection.chain.id }));
    }
  }
}
