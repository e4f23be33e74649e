import type { ChainConnection } from './client.ts';
import { ASSERTION, FILE, type Place, leafOf } from './place.ts';
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
  /** For a unit of gas: what all others are made of. */
  gas: bigint;
}

type Priced = Pick<Place, 'level' | 'depth' | 'levels'>;
/** Games.NODE_GAS. */
const HASH_GAS = 1300n;
/** Disputes.ASSERTION_GAS. */
const ASSERTION_GAS = 8_000_000n;
/** Gas of an answer and of a token in the file of a claim's answers: Disputes.FILED_ANSWER_GAS, FILED_TOKEN_GAS. */
const [FILED_ANSWER_GAS, FILED_TOKEN_GAS] = [5_300n, 130n];
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

/** Bond of an assertion about leaves, wei: Disputes.assertionBond. */
export const assertionBond = ({ gas }: DemandPrice): bigint => ASSERTION_GAS * gas;
/** Bond of a demand for the file of a claim's answers, wei: Disputes.fileBond. */
export const fileBond = ({ reply, gas }: DemandPrice, { answers, tokensIn, tokensOut }: { answers: number; tokensIn: number; tokensOut: number }): bigint =>
  reply + (FILED_ANSWER_GAS * BigInt(answers) + FILED_TOKEN_GAS * BigInt(tokensIn + tokensOut)) * gas;
/** Bond of whatever was demanded of a claim, each by itself, wei. */
export const bondOfDemand = (price: DemandPrice, place: Place, claim: Parameters<typeof fileBond>[1]): bigint =>
  place.depth === ASSERTION ? assertionBond(price) : place.depth === FILE ? fileBond(price, claim) : demandBond(price, place);

/** Of whatever contract has games. Errors: `chain/unreachable`. */
export function priceOf(bondOf: (which: 'demandBond' | 'furtherBond', place: Place) => Promise<bigint>): Promise<DemandPrice> {
  const one = leafOf(0, 0, 0);
  return translated('Asking for the bond', async () => {
    const [first, two, pair, further] = await Promise.all([bondOf('demandBond', one), bondOf('demandBond', { ...one, level: 1 }), bondOf('demandBond', { ...one, level: 1, depth: 1 }), bondOf('furtherBond', one)]);
    const leaf = two - first;
    const reply = first - leaf;
    const hash = (pair - reply) / 2n;
    return { reply, further: further - leaf, hash, leaf, gas: hash / HASH_GAS };
  });
}

/** Errors: `chain/unreachable`. */
export function readDemandPrice(connection: ChainConnection): Promise<DemandPrice> {
  const disputes = { address: connection.contracts.disputes, abi: disputesViewsAbi } as const;
  return priceOf((functionName, place) => connection.publicClient.readContract({ ...disputes, functionName, args: [place] }));
}
