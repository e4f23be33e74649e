import { type Hex, concat, fromHex, keccak256, toHex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { demandBonds, readDemandPrice } from './demand-price.ts';
import { disputesAbi } from './generated/abis.ts';
import { type Place, samePlace } from './place.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

const NONE: Hex = `0x${'0'.repeat(64)}`;
/** Places of one demand: a transaction of them takes less than 4 million gas. */
export const MOST_AT_ONCE = 32;

/**
 * The places as they are demanded, or can be. A place names a cut by 32 bits of its hash, so a claimant can have one demanded that nobody wants
 * under the same name: then a word of chance behind its levels, which changes nothing else, gives ours another. Whoever has done so
 * already is followed.
 */
export function asDemanded(places: readonly Place[], demands: readonly { place: Place }[]): Place[] {
  return places.map((place) => {
    const { levels } = place;
    if (!levels) return place;
    const there = demands.find((one) => one.place.answer === place.answer && levels.every((word, k) => one.place.levels?.[k] === word));
    if (there) return there.place;
    let free = place;
    while (demands.some((one) => samePlace(one.place, free))) {
      const salted = [...levels, toHex(crypto.getRandomValues(new Uint8Array(32)))];
      free = { ...place, levels: salted, leaf: new DataView(keccak256(concat(...salted.map(fromHex))).buffer).getUint32(28) };
    }
    return free;
  });
}

/**
 * Makes a claimant show parts of a trace that was not published, or lose the claim; all in one transaction. A cut comes first; with it the caller
 * can commit to the root of their own trace (rootCommitment), which an assertion needs. The bonds (demandBond) go to
 * the reply, the claimant's or late in its time the caller's, and come back where there is none. `due`: by which all are to be shown, Unix seconds.
 * Errors: `contract/too-late-to-begin`, `contract/already-demanded`, `contract/wrong-answer`, `contract/wrong-place`,
 * `contract/not-open` and those of sendTransaction.
 */
export async function demandPlaces(connection: ChainConnection, wallet: Wallet, claimId: bigint, places: readonly Place[], { commitment = NONE, ...options }: SendOptions & { commitment?: Hex | undefined } = {}): Promise<{ transaction: Hex; due: number; gasUsed: bigint }> {
  const target = { address: connection.contracts.disputes, abi: disputesAbi } as const;
  const price = await readDemandPrice(connection);
  const value = demandBonds(price, places);
  const [{ answer, levels } = { answer: 0, levels: undefined }, ...further] = places;
  const call = levels
    ? ({ ...target, functionName: 'search', args: [claimId, answer, [...levels], further, commitment], value } as const)
    : ({ ...target, functionName: 'demand', args: [claimId, [...places]], value } as const);
  const receipt = await sendTransaction(connection, wallet, 'Demanding parts of the trace', call, options);
  // Of several the first is due first.
  const { due } = receiptEvent(receipt, target.address, disputesAbi, 'Demanded');
  return { transaction: receipt.transactionHash, due: Number(due), gasUsed: receipt.gasUsed };
}

/**
 * Says that a demand was not answered in time: the claim is refuted for whoever made it. Anyone may.
 * Errors: `contract/reply-not-due`, `contract/no-open-demand`, `contract/not-open` and those of sendTransaction.
 */
export async function convictSilence(connection: ChainConnection, wallet: Wallet, claimId: bigint, place: Place, options: SendOptions = {}): Promise<Hex> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'convictSilence', args: [claimId, place] } as const;
  return (await sendTransaction(connection, wallet, 'Refuting the claim', call, options)).transactionHash;
}

/**
 * Credits the bond of a demand that was open when its claim fell to who made it. Anyone may.
 * Errors: `contract/not-refuted`, `contract/no-open-demand` and those of sendTransaction.
 */
export async function takeBackDemand(connection: ChainConnection, wallet: Wallet, claimId: bigint, place: Place, options: SendOptions = {}): Promise<Hex> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'takeBack', args: [claimId, place] } as const;
  return (await sendTransaction(connection, wallet, 'Taking the bond back', call, options)).transactionHash;
}
