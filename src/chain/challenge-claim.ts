import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { settlementAbi } from './generated/abis.ts';
import { readClaim } from './list-claims.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/**
 * Freezes a claim within its window, against a bond as large as the claim's. Where there is no referee contract yet
 * (`readTerms().referee`), claim and both bonds stay frozen until there is one: say so before.
 * Errors: `contract/window-over`, `contract/wrong-state`, `contract/unknown-claim` and those of sendTransaction.
 */
export async function challengeClaim(
  connection: ChainConnection,
  wallet: Wallet,
  claimId: bigint,
  options: SendOptions = {},
): Promise<Hex> {
  const { bond } = await readClaim(connection, claimId);
  const call = {
    address: connection.contracts.settlement,
    abi: settlementAbi,
    functionName: 'challenge',
    args: [claimId],
    value: bond,
  } as const;
  return (await sendTransaction(connection, wallet, 'Challenging the claim', call, options)).transactionHash;
}
