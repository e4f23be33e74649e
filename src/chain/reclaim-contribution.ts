import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { contributionsAbi } from './generated/abis.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/**
 * Takes back a contribution that was not reviewed in time; the stake can then be withdrawn.
 * Errors: `contract/still-in-review`, `contract/not-contributor`, `contract/already-decided` and those of sendTransaction.
 */
export async function reclaimContribution(
  connection: ChainConnection,
  wallet: Wallet,
  contributionId: bigint,
  options: SendOptions = {},
): Promise<Hex> {
  const target = { address: connection.contracts.contributions, abi: contributionsAbi } as const;
  const call = { ...target, functionName: 'reclaim', args: [contributionId] } as const;
  return (await sendTransaction(connection, wallet, 'Taking the contribution back', call, options)).transactionHash;
}
