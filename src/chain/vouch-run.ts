import { type Hex, toHex } from '../protocol/bytes.ts';
import { leafHash, merkleRoot } from '../protocol/merkle.ts';
import type { ChainConnection } from './client.ts';
import { contributionsAbi, runsAbi, runsViewsAbi } from './generated/abis.ts';
import { leastRunBond } from './read-run.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

/** As makeStatement in attribution/runs gives it. */
export interface RunStatement {
  adapterId: bigint;
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  /** The list that it is about: 32 bytes a unit, the root of what each has made. */
  roots: Uint8Array;
}

const HASH = 32;
/** Roots of one transaction: 112 kB, of which nodes pass 128 on, for some 1,280 gas each. */
export const MOST_ROOTS = 3_500;

export interface VouchOptions extends SendOptions {
  /** Before each transaction; nearly always there is one. */
  onPart?: (part: number, parts: number) => void;
  /** Roots of one transaction. */
  most?: number;
}

/**
 * Vouches for how an adapter was made: its owner, once. The least bond goes with it, and is lost to whoever shows one unit to be false.
 * The list goes on chain with it; one that is too long for a transaction is posted in parts before. Where that broke off it goes on: what
 * is posted is not posted again, unless it is another list.
 * `deadline`: end of the window, Unix seconds. Errors: `contract/not-the-owner`, `contract/already-vouched`, `contract/bad-statement`,
 * `contract/wrong-part`, `contract/wrong-list` and those of sendTransaction.
 */
export async function vouchRun(
  connection: ChainConnection, wallet: Wallet, { adapterId, planRoot, outputsRoot, units, roots }: RunStatement, { onPart, most = MOST_ROOTS, ...options }: VouchOptions = {},
): Promise<{ transaction: Hex; deadline: number; bond: bigint; gasUsed: bigint; parts: number }> {
  const runs = { address: connection.contracts.runs, abi: runsAbi } as const;
  const value = await leastRunBond(connection);
  const begin = await postedAlready(connection, adapterId, roots);
  const parts = Math.max(1, Math.ceil((units - begin) / most));
  const part = (first: number, end = units) => toHex(roots.subarray(first * HASH, end * HASH));
  let [from, gas] = [begin, 0n];
  for (let k = 1; k < parts; k++, from += most) {
    onPart?.(k, parts);
    const call = { ...runs, functionName: 'post', args: [adapterId, from, part(from, from + most)] } as const;
    gas += (await sendTransaction(connection, wallet, 'Posting what the units made', call, options)).gasUsed;
  }
  onPart?.(parts, parts);
  const call = { ...runs, functionName: 'vouch', args: [adapterId, planRoot, outputsRoot, units, part(from)], value } as const;
  const receipt = await sendTransaction(connection, wallet, 'Vouching for the run', call, options);
  const { deadline } = receiptEvent(receipt, runs.address, runsAbi, 'Vouched');
  return { transaction: receipt.transactionHash, deadline: Number(deadline), bond: value, gasUsed: gas + receipt.gasUsed, parts };
}

/** How many of these roots are posted; 0 where something else is. */
async function postedAlready(connection: ChainConnection, adapterId: bigint, roots: Uint8Array): Promise<number> {
  const [count, root] = await translated('Reading what is posted', () =>
    connection.publicClient.readContract({ address: connection.contracts.runs, abi: runsViewsAbi, functionName: 'posted', args: [adapterId] }));
  if (count * HASH > roots.length) return 0;
  const leaves = Array.from({ length: count }, (_, k) => leafHash(roots.subarray(k * HASH, (k + 1) * HASH)));
  return merkleRoot(leaves) === root ? count : 0;
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
