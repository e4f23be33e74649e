import type { ChainConnection } from './client.ts';
import { type Place, leafOf } from './place.ts';
import { disputesViewsAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

/** Wei: what a reply is paid with. */
export interface DemandPrice {
  /** For the first place of a call, beside the hashes and leaves that it shows. */
  reply: bigint;
  /** For each further one. */
  further: bigint;
  /** For each hash. */
  hash: bigint;
  /** For each leaf. */
  leaf: bigint;
}

type Priced = Pick<Place, 'level' | 'depth' | 'levels'>;
/** A word of a cut's levels pays for 32 hashes and itself: Games.CUT_GAS. */
const CUT_HASHES = 33n;

function shownPrice({ hash, leaf }: DemandPrice, { level, depth, levels }: Priced): bigint {
  if (levels) return hash * CUT_HASHES * BigInt(levels.length);
  return depth > 0 ? hash << BigInt(depth) : leaf << BigInt(level);
}

/** Bond of a demand, the first of its call, wei: Games.demandBond. */
export const demandBond = (price: DemandPrice, place: Priced): bigint => price.reply + shownPrice(price, place);
/** Bonds of all demands of one call, wei. */
export const demandBonds = (price: DemandPrice, places: readonly Priced[]): bigint =>
  places.reduce((sum, place, k) => sum + (k ? price.further : price.reply) + shownPrice(price, place), 0n);

/** Of whatever contract has games. Errors: `chain/unreachable`. */
export function priceOf(bondOf: (which: 'demandBond' | 'furtherBond', place: Place) => Promise<bigint>): Promise<DemandPrice> {
  const one = leafOf(0, 0, 0);
  return translated('Asking for the bond', async () => {
    const [first, two, pair, further] = await Promise.all([bondOf('demandBond', one), bondOf('demandBond', { ...one, level: 1 }), bondOf('demandBond', { ...one, level: 1, depth: 1 }), bondOf('furtherBond', one)]);
    const leaf = two - first;
    const reply = first - leaf;
    return { reply, further: further - leaf, hash: (pair - reply) / 2n, leaf };
  });
}

/** Errors: `chain/unreachable`. */
export function readDemandPrice(connection: ChainConnection): Promise<DemandPrice> {
  const disputes = { address: connection.contracts.disputes, abi: disputesViewsAbi } as const;
  return priceOf((functionName, place) => connection.publicClient.readContract({ ...disputes, functionName, args: [place] }));
}
