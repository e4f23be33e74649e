import type { ChainConnection } from './client.ts';
import { disputesViewsAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

/** Wei: what a reply is paid with. */
export interface DemandPrice {
  /** For a place, beside the hashes that it shows. */
  reply: bigint;
  /** For each hash. */
  hash: bigint;
}

/** Bond of a demand, wei: Games.demandBond. */
export const demandBond = ({ reply, hash }: DemandPrice, { depth }: { depth: number }): bigint => reply + (hash << BigInt(depth));

/** Errors: `chain/unreachable`. */
export function readDemandPrice(connection: ChainConnection): Promise<DemandPrice> {
  const bondOf = (depth: number) =>
    connection.publicClient.readContract({ address: connection.contracts.disputes, abi: disputesViewsAbi, functionName: 'demandBond', args: [{ answer: 0, index: 0, leaf: 0, level: depth, depth }] });
  return translated('Asking for the bond', async () => {
    const [leaf, pair] = await Promise.all([bondOf(0), bondOf(1)]);
    return { hash: pair - leaf, reply: leaf - (pair - leaf) };
  });
}
