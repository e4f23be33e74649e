import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { contributionsAbi } from './generated/abis.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export type Review =
  | {
      decision: 'accept';
      /** recordsRoot() of the records taken, in their order; the batch's own root where all are. */
      acceptedRoot: Hex;
      acceptedCount: number;
      /** Needed where only some were taken. */
      reason: string;
    }
  | {
      decision: 'reject';
      reason: string;
      /** Part of the stake to take, basis points, at most 5,000. */
      slashBps: number;
    };

/**
 * The curator's decision on a contribution, once.
 * Errors: `contract/not-curator`, `contract/already-decided`, `contract/wrong-selection`, `contract/text-length`,
 * `contract/slash-too-high` and those of sendTransaction.
 */
export async function reviewContribution(
  connection: ChainConnection,
  wallet: Wallet,
  contributionId: bigint,
  review: Review,
  options: SendOptions = {},
): Promise<Hex> {
  const target = { address: connection.contracts.contributions, abi: contributionsAbi } as const;
  if (review.decision === 'accept') {
    const args = [contributionId, review.acceptedRoot, review.acceptedCount, review.reason] as const;
    const call = { ...target, functionName: 'accept', args } as const;
    return (await sendTransaction(connection, wallet, 'Accepting the contribution', call, options)).transactionHash;
  }
  const args = [contributionId, review.reason, review.slashBps] as const;
  const call = { ...target, functionName: 'reject', args } as const;
  return (await sendTransaction(connection, wallet, 'Rejecting the contribution', call, options)).transactionHash;
}
