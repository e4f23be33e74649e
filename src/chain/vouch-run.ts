import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { contributionsAbi, runsAbi } from './generated/abis.ts';
import { leastRunBond } from './read-run.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/** As makeStatement in attribution/runs gives it, and where its list of roots is published. */
export interface RunStatement {
  adapterId: bigint;
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  cid: string;
}

/**
 * Vouches for how an adapter was made: its owner, once. The least bond goes with it, and is lost to whoever shows one unit to be false.
 * `deadline`: end of the window, Unix seconds. Errors: `contract/not-the-owner`, `contract/already-vouched`, `contract/bad-statement`
 * and those of sendTransaction.
 */
export async function vouchRun(connection: ChainConnection, wallet: Wallet, { adapterId, planRoot, outputsRoot, units, cid }: RunStatement, options: SendOptions = {}): Promise<{ transaction: Hex; deadline: number; bond: bigint; gasUsed: bigint }> {
  const address = connection.contracts.runs;
  const value = await leastRunBond(connection);
  const call = { address, abi: runsAbi, functionName: 'vouch', args: [adapterId, planRoot, outputsRoot, units, cid], value } as const;
  const receipt = await sendTransaction(connection, wallet, 'Vouching for the run', call, options);
  const { deadline } = receiptEvent(receipt, address, runsAbi, 'Vouched');
  return { transaction: receipt.transactionHash, deadline: Number(deadline), bond: value, gasUsed: receipt.gasUsed };
}

/**
 * Says that nobody showed a statement to be false in time: its bond is credited to its maker. Anyone may.
 * Errors: `contract/statement-held`, `contract/wrong-statement` and those of sendTransaction.
 */
export async function standRun(connection: ChainConnection, wallet: Wallet, adapterId: bigint, options: SendOptions = {}): Promise<Hex> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'stand', args: [adapterId] } as const;
  return (await sendTransaction(connection, wallet, 'Letting the statement stand', call, options)).transactionHash;
}

/** Fetches what Runs has credited to the wallet's account. Errors: `contract/nothing-to-withdraw` and those of sendTransaction. */
export async function withdrawRunBalance(connection: ChainConnection, wallet: Wallet, options: SendOptions = {}): Promise<{ amount: bigint; transaction: Hex }> {
  const address = connection.contracts.runs;
  // Kept as every contract here keeps balances (PullPayments).
  const call = { address, abi: contributionsAbi, functionName: 'withdrawFor', args: [wallet.address] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Withdrawing the balance', call, options);
  const { amount } = receiptEvent(receipt, address, contributionsAbi, 'Withdrawn');
  return { amount, transaction: receipt.transactionHash };
}
