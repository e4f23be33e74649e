import type { Place } from '../chain/place.ts';
import type { Hex } from '../protocol/bytes.ts';
import { dropKept, keep, keptKeys, readKept } from './local-database.ts';

/**
 * A challenge that one account has begun. Kept in this browser, because a commitment without its proof and salt is worth
 * nothing: a reload or a closed tab must not lose it.
 */
export interface Pursuit {
  openledger: 'pursuit/1';
  /** Decimal. */
  claimId: string;
  account: Hex;
  /** What was found false, in words. */
  where: string;
  /** Which of the claim's answers it is about. */
  answer?: number | undefined;
  /** It ends with an assertion of what is right, not with a proof. */
  asserts?: boolean | undefined;
  /** Pieces that were demanded, in order, and what was asserted. */
  demanded: Place[];
  /** The call that disproves the claim, salt included. Secret until it is sent. */
  proof?: Hex;
  /** Block of the commitment, decimal; the proof can come in a later one. */
  committedIn?: string;
  /** Unix seconds. */
  proveBy?: number;
  /** Wei paid for gas so far. */
  gas: string;
  /** Wei won; with it the pursuit is over. */
  reward?: string;
}

/** One deployment on one chain. */
export interface PursuitPlace {
  chainId: number;
  disputes: Hex;
}

const prefix = ({ chainId, disputes }: PursuitPlace, account: Hex) => `pursuit:${chainId}:${disputes.toLowerCase()}:${account.toLowerCase()}:`;

/** All pursuits of an account, by claim. What is damaged, or of another version, is left out. */
export async function readPursuits(place: PursuitPlace, account: Hex): Promise<Pursuit[]> {
  const keys = await keptKeys(prefix(place, account));
  const values = await Promise.all(keys.map(readKept));
  return values.map(parsePursuit).filter((one): one is Pursuit => one?.account.toLowerCase() === account.toLowerCase());
}

/** Whether it will outlast the tab. */
export function keepPursuit(place: PursuitPlace, pursuit: Pursuit): Promise<boolean> {
  return keep(prefix(place, pursuit.account) + pursuit.claimId, pursuit);
}

export function dropPursuit(place: PursuitPlace, { account, claimId }: Pursuit): Promise<void> {
  return dropKept(prefix(place, account) + claimId);
}

const decimal = (value: unknown): value is string => typeof value === 'string' && /^(0|[1-9][0-9]{0,77})$/.test(value);
const isHex = (value: unknown): value is Hex => typeof value === 'string' && /^0x([0-9a-fA-F]{2})*$/.test(value);
const whole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const optional = (value: unknown, fits: (value: unknown) => boolean) => value === undefined || fits(value);
const isPlace = (value: unknown) => {
  const { answer, index, leaf, level, depth } = (value ?? {}) as Partial<Place>;
  return [answer, index, leaf, level, depth].every(whole);
};

export function parsePursuit(value: unknown): Pursuit | undefined {
  const one = (value ?? {}) as Partial<Pursuit>;
  const right =
    one.openledger === 'pursuit/1' && decimal(one.claimId) && decimal(one.gas) && typeof one.where === 'string' &&
    isHex(one.account) && one.account.length === 42 && Array.isArray(one.demanded) && one.demanded.every(isPlace) &&
    optional(one.proof, isHex) && optional(one.committedIn, decimal) && optional(one.proveBy, whole) && optional(one.reward, decimal) && optional(one.answer, whole) && optional(one.asserts, (value) => typeof value === 'boolean');
  return right ? (one as Pursuit) : undefined;
}
