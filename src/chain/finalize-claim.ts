import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { settlementAbi } from './generated/abis.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/**
 * Makes a claim final after its window: parts and bond can then be fetched. Anyone may.
 * Errors: `contract/window-open`, `contract/wrong-state`, `contract/unknown-claim` and those of sendTransaction.
 */
export async function finalizeClaim(
  connection: ChainConnection,
  wallet: Wallet,
  claimId: bigint,
  options: SendOptions = {},
): Promise<Hex> {
  const call = {
    address: connection.contracts.settlement,
    abi: settlementAbi,
    functionName: 'finalize',
    args: [claimId],
  } as const;
  return (await sendTransaction(connection, wallet, 'Making the claim final', call, options)).transactionHash;
}
