import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { adapterRegistryAbi } from './generated/abis.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/**
 * Prices of answers from now on, in wei per 1,000 tokens; owner only.
 * Errors: `contract/not-adapter-owner`, `contract/rate-too-high` and those of sendTransaction.
 */
export async function setPrices(
  connection: ChainConnection,
  wallet: Wallet,
  prices: { adapterId: bigint; rateIn: bigint; rateOut: bigint },
  options: SendOptions = {},
): Promise<Hex> {
  const args = [prices.adapterId, prices.rateIn, prices.rateOut] as const;
  const call = {
    address: connection.contracts.adapterRegistry,
    abi: adapterRegistryAbi,
    functionName: 'setPrices',
    args,
  } as const;
  return (await sendTransaction(connection, wallet, 'Setting the prices', call, options)).transactionHash;
}
