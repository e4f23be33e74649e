import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { datanetRegistryAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

export interface NewDatanet {
  /** 1 to 80 bytes. */
  name: string;
  /** CID of a JSON file that describes it. */
  metadataCid: string;
  /** Wei. */
  minStakePerRecord: bigint;
}

/** The caller becomes owner and curator. Errors: `contract/text-length`, `contract/stake-too-high` and those of sendTransaction. */
export async function createDatanet(
  connection: ChainConnection,
  wallet: Wallet,
  datanet: NewDatanet,
  options: SendOptions = {},
): Promise<{ datanetId: bigint; transaction: Hex }> {
  const address = connection.contracts.datanetRegistry;
  const args = [datanet.name, datanet.metadataCid, datanet.minStakePerRecord] as const;
  const call = { address, abi: datanetRegistryAbi, functionName: 'create', args } as const;
  const receipt = await sendTransaction(connection, wallet, 'Creating the Datanet', call, options);
  const { id } = receiptEvent(receipt, address, datanetRegistryAbi, 'DatanetCreated');
  return { datanetId: id, transaction: receipt.transactionHash };
}
