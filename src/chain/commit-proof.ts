import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { disputesAbi } from './generated/abis.ts';
import { type ProofCall, commitmentOf } from './proof-call.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export interface CommittedProof {
  transaction: Hex;
  /** The proof can be sent in a later block than this. */
  blockNumber: bigint;
  /** Unix time, seconds: the proof has to come until then. Until then the claim cannot become final either. */
  proveBy: number;
  gasUsed: bigint;
  /** Wei spent on gas. */
  gasPaid: bigint;
}

/**
 * Commits the caller to a proof, without showing it. Keep the proof: it is sent with sendProof, in a later block.
 * Errors: `contract/too-late-to-begin`, `contract/not-open`, `contract/unknown-claim` and those of sendTransaction.
 */
export async function commitProof(connection: ChainConnection, wallet: Wallet, proof: ProofCall, options: SendOptions = {}): Promise<CommittedProof> {
  const address = connection.contracts.disputes;
  const call = { address, abi: disputesAbi, functionName: 'commit', args: [proof.claimId, commitmentOf(wallet.address, proof)] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Committing to the proof', call, options);
  const { proveBy } = receiptEvent(receipt, address, disputesAbi, 'Committed');
  return {
    transaction: receipt.transactionHash,
    blockNumber: receipt.blockNumber,
    proveBy: Number(proveBy),
    gasUsed: receipt.gasUsed,
    gasPaid: receipt.gasUsed * receipt.effectiveGasPrice,
  };
}
