import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { contributionsAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export interface NewContribution {
  datanetId: bigint;
  /** recordsRoot() of the batch. */
  recordsRoot: Hex;
  /** CID of the file with the records. */
  cid: string;
  count: number;
  /** Wei; at least the Datanet's stake per record times count. */
  stake: bigint;
}

/** Errors: `contract/stake-too-low`, `contract/record-count`, `contract/unknown-datanet` and those of sendTransaction. */
export async function submitContribution(
  connection: ChainConnection,
  wallet: Wallet,
  contribution: NewContribution,
  options: SendOptions = {},
): Promise<{ contributionId: bigint; transaction: Hex }> {
  const { datanetId, recordsRoot, cid, count, stake } = contribution;
  const address = connection.contracts.contributions;
  const args = [datanetId, recordsRoot, cid, count] as const;
  const call = { address, abi: contributionsAbi, functionName: 'submit', args, value: stake } as const;
  const receipt = await sendTransaction(connection, wallet, 'Submitting the records', call, options);
  const { id } = receiptEvent(receipt, address, contributionsAbi, 'ContributionSubmitted');
  return { contributionId: id, transaction: receipt.transactionHash };
}
