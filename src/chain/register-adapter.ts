import type { Hex } from '../protocol/bytes.ts';
import { trainedRoot } from '../protocol/trained-records.ts';
import type { ChainConnection } from './client.ts';
import { adapterRegistryAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export interface NewAdapter {
  datanetId: bigint;
  /** The published Datanet version it was trained on, from 1. */
  version: number;
  baseRoot: Hex;
  adapterRoot: Hex;
  checkpointsRoot: Hex;
  ledgerRoot: Hex;
  /** The program that traces of its answers follow (attribution/trace/instruction.ts). */
  programHash: Hex;
  /** Which records were trained (protocol/trained-records.ts). Absent: all. */
  trainedRoot?: Hex;
  /** CID of the folder with adapter, run and ledger. */
  cid: string;
  name: string;
  /** Wei per 1,000 prompt tokens. */
  rateIn: bigint;
  /** Wei per 1,000 answer tokens. */
  rateOut: bigint;
}

/**
 * The caller owns the adapter and earns the owner's part.
 * Errors: `contract/unknown-version`, `contract/missing-root`, `contract/rate-too-high` and those of sendTransaction.
 */
export async function registerAdapter(
  connection: ChainConnection,
  wallet: Wallet,
  adapter: NewAdapter,
  options: SendOptions = {},
): Promise<{ adapterId: bigint; transaction: Hex }> {
  const { datanetId: datanet, ...rest } = adapter;
  const address = connection.contracts.adapterRegistry;
  const call = { address, abi: adapterRegistryAbi, functionName: 'register', args: [{ datanet, ...rest, trainedRoot: adapter.trainedRoot ?? trainedRoot(undefined) }] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Registering the adapter', call, options);
  const { id } = receiptEvent(receipt, address, adapterRegistryAbi, 'AdapterRegistered');
  return { adapterId: id, transaction: receipt.transactionHash };
}
