import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { datanetRegistryAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export interface NewVersion {
  datanetId: bigint;
  /** versionRoot() of its records. */
  root: Hex;
  /** recordsRoot() of its records. */
  recordsRoot: Hex;
  /** CID of the version file. */
  cid: string;
  count: number;
}

/** Appends a version; curator only. Errors: `contract/not-curator`, `contract/empty-version` and those of sendTransaction. */
export async function publishVersion(
  connection: ChainConnection,
  wallet: Wallet,
  version: NewVersion,
  options: SendOptions = {},
): Promise<{ version: number; transaction: Hex }> {
  const address = connection.contracts.datanetRegistry;
  const args = [version.datanetId, version.root, version.recordsRoot, version.cid, version.count] as const;
  const call = { address, abi: datanetRegistryAbi, functionName: 'publishVersion', args } as const;
  const receipt = await sendTransaction(connection, wallet, 'Publishing the version', call, options);
  const event = receiptEvent(receipt, address, datanetRegistryAbi, 'VersionPublished');
  return { version: event.version, transaction: receipt.transactionHash };
}
