import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { adapterRegistryViewsAbi } from './generated/abis.ts';
import { readPages } from './read-pages.ts';
import type { NewAdapter } from './register-adapter.ts';
import { translated } from './translate-error.ts';

export interface Adapter extends Required<NewAdapter> {
  id: bigint;
  /** Receives the owner's part of fees. */
  owner: Hex;
  /** Who registered it. */
  maker: Hex;
  /** Unix time, seconds. */
  registeredAt: number;
}

/** All adapters by id. Errors: `chain/unreachable`, `chain/restarted`. */
export function listAdapters(connection: ChainConnection): Promise<Adapter[]> {
  return translated('Reading the adapters', async () => {
    const views = await readPages((first, limit) =>
      connection.publicClient.readContract({
        address: connection.contracts.adapterRegistry,
        abi: adapterRegistryViewsAbi,
        functionName: 'page',
        args: [first, limit],
      }),
    );
    return views.map(({ id, owner, maker, registeredAt, draft: { datanet: datanetId, ...rest } }) => ({
      id,
      owner,
      maker,
      registeredAt,
      datanetId,
      ...rest,
    }));
  });
}
