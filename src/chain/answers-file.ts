import { type Hex, fromHex, toHex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import type { DisputeEvents } from './game-events.ts';
import { disputesAbi, disputesViewsAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

/**
 * Makes a claimant show on chain what all answers of the claim are computed from (protocol/answers-file.ts), or lose the claim.
 * Errors: `contract/too-late-to-begin`, `contract/already-demanded`, `contract/not-open` and those of sendTransaction.
 */
export async function demandFile(connection: ChainConnection, wallet: Wallet, claimId: bigint, options: SendOptions = {}) {
  const address = connection.contracts.disputes;
  const value = await translated('Asking for the bond', () => connection.publicClient.readContract({ address, abi: disputesViewsAbi, functionName: 'fileBond', args: [claimId] }));
  const receipt = await sendTransaction(connection, wallet, 'Demanding the answers', { address, abi: disputesAbi, functionName: 'demandFile', args: [claimId], value } as const, options);
  const { due } = receiptEvent(receipt, address, disputesAbi, 'Demanded');
  return { transaction: receipt.transactionHash, due: Number(due), gasUsed: receipt.gasUsed };
}

/**
 * Shows it. Anyone may; the demand's bond is the claimant's, or late in its time the caller's.
 * Errors: `contract/wrong-answer` (these are not the claim's answers), `contract/reply-too-late`, `contract/no-open-demand` and those of sendTransaction.
 */
export async function showFile(connection: ChainConnection, wallet: Wallet, claimId: bigint, file: Uint8Array, options: SendOptions = {}): Promise<{ transaction: Hex; gasUsed: bigint }> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'showFile', args: [claimId, toHex(file)] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Showing the answers', call, options);
  return { transaction: receipt.transactionHash, gasUsed: receipt.gasUsed };
}

/** The file, once it was shown: the contract has compared it with the claim's root. */
export function shownFile(events: DisputeEvents, claimId: bigint): Uint8Array | undefined {
  for (const event of events) if (event.eventName === 'FileShown' && event.args.id === claimId) return fromHex(event.args.file);
  return undefined;
}
