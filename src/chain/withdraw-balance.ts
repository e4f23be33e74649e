import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { contributionsAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Withdrawal } from './withdraw-payouts.ts';
import type { Wallet } from './wallets.ts';

/** settlement: bonds, rewards, platform and owner parts; contributions: stakes that came back; disputes: bonds of demands; runs: bonds of statements about runs and of demands for their parts, rewards. */
export type BalanceSource = 'settlement' | 'contributions' | 'disputes' | 'runs';

/**
 * Fetches what is credited to `account` (the wallet's own where absent; the treasury's for others) in one contract.
 * Errors: `contract/nothing-to-withdraw` and those of sendTransaction.
 */
export async function withdrawBalance(
  connection: ChainConnection,
  wallet: Wallet,
  source: BalanceSource,
  account: Hex = wallet.address,
  options: SendOptions = {},
): Promise<Withdrawal> {
  const address = connection.contracts[source];
  // All keep balances the same way (PullPayments).
  const call = { address, abi: contributionsAbi, functionName: 'withdrawFor', args: [account] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Withdrawing the balance', call, options);
  const { amount } = receiptEvent(receipt, address, contributionsAbi, 'Withdrawn');
  return { amount, gasPaid: receipt.gasUsed * receipt.effectiveGasPrice, transactions: [receipt.transactionHash] };
}
