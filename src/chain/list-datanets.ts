import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { datanetRegistryViewsAbi } from './generated/abis.ts';
import { readPages } from './read-pages.ts';
import { translated } from './translate-error.ts';

export interface DatanetVersion {
  /** From 1. */
  version: number;
  root: Hex;
  recordsRoot: Hex;
  count: number;
  /** Unix time, seconds. */
  publishedAt: number;
  cid: string;
}

export interface Datanet {
  id: bigint;
  /** The curator. */
  owner: Hex;
  name: string;
  metadataCid: string;
  /** Wei. */
  minStakePerRecord: bigint;
  /** Unix time, seconds. */
  createdAt: number;
  /** Oldest first. */
  versions: DatanetVersion[];
}

/** All Datanets with all their versions, by id. Errors: `chain/unreachable`, `chain/restarted`. */
export function listDatanets(connection: ChainConnection): Promise<Datanet[]> {
  return translated('Reading the Datanets', async () => {
    const views = await readPages((first, limit) =>
      connection.publicClient.readContract({
        address: connection.contracts.datanetRegistry,
        abi: datanetRegistryViewsAbi,
        functionName: 'page',
        args: [first, limit],
      }),
    );
    const versions = await Promise.all(views.map((view) => readVersions(connection, view.id)));
    return views.map((view, k) => ({
      id: view.id,
      owner: view.owner,
      name: view.name,
      metadataCid: view.metadataCid,
      minStakePerRecord: view.minStakePerRecord,
      createdAt: view.createdAt,
      versions: versions[k]!,
    }));
  });
}

async function readVersions(connection: ChainConnection, datanetId: bigint): Promise<DatanetVersion[]> {
  const versions = await connection.publicClient.readContract({
    address: connection.contracts.datanetRegistry,
    abi: datanetRegistryViewsAbi,
    functionName: 'versions',
    args: [datanetId],
  });
  return versions.map((version, k) => ({ version: k + 1, ...version }));
}
