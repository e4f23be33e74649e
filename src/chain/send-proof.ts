import { decodeFunctionData } from 'viem';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { disputesAbi, settlementAbi } from './generated/abis.ts';
import type { ProofCall } from './proof-call.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export interface Conviction {
  transaction: Hex;
  /** Half of the claim's bond, wei: fetched with withdrawBalance from the settlement. */
  reward: bigint;
  /** What went to the Datanet's contributors, wei. */
  toPool: bigint;
  gasUsed: bigint;
  /** Wei spent on gas. */
  gasPaid: bigint;
}

/**
 * Makes the call that was committed to, and so refutes the claim.
 * Errors: `contract/claim-holds` (the claim is right in this), `contract/not-committed`, `contract/same-block`,
 * `contract/proof-too-late`, `contract/not-open` (another was first), the referee's, and those of sendTransaction.
 */
export async function sendProof(connection: ChainConnection, wallet: Wallet, proof: ProofCall, options: SendOptions = {}): Promise<Conviction> {
  const { disputes, settlement } = connection.contracts;
  // The same bytes as were committed to: decoded and encoded again they are what they were.
  const { functionName, args } = decodeFunctionData({ abi: disputesAbi, data: proof.data });
  const call = { address: disputes, abi: disputesAbi, functionName, args } as Parameters<typeof sendTransaction<typeof disputesAbi, 'proveSums'>>[3];
  const receipt = await sendTransaction(connection, wallet, 'Proving that the claim is false', call, options);
  const { reward, toPool } = receiptEvent(receipt, settlement, settlementAbi, 'ClaimRefuted');
  return { transaction: receipt.transactionHash, reward, toPool, gasUsed: receipt.gasUsed, gasPaid: receipt.gasUsed * receipt.effectiveGasPrice };
}
