import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import type { Place } from './place.ts';
import { type DemandPrice, demandBonds, priceOf } from './demand-price.ts';
import { runsAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/** Wei for a demand about a run: units may be fed more than an answer, so replies cost more. Errors: `chain/unreachable`. */
export function readRunDemandPrice(connection: ChainConnection): Promise<DemandPrice> {
  const runs = { address: connection.contracts.runs, abi: runsAbi } as const;
  return priceOf((functionName, place) => connection.publicClient.readContract({ ...runs, functionName, args: [place] }));
}

/**
 * Makes the maker of a statement show parts of its run, or lose it; places as attribution/runs/places.ts has them. The bonds pay
 * for the reply, and come back where there is none. Errors: `contract/too-late-to-begin`, `contract/already-demanded`,
 * `contract/wrong-place`, `contract/no-open-demand` where the root of the unit's trace is neither known nor demanded, `contract/not-open` and those of sendTransaction.
 */
export async function demandOfRun(connection: ChainConnection, wallet: Wallet, adapterId: bigint, places: readonly Place[], options: SendOptions = {}): Promise<{ transaction: Hex; due: number; gasUsed: bigint }> {
  const address = connection.contracts.runs;
  const price = await readRunDemandPrice(connection);
  const value = demandBonds(price, places);
  const call = { address, abi: runsAbi, functionName: 'demand', args: [adapterId, [...places]], value } as const;
  const receipt = await sendTransaction(connection, wallet, 'Demanding parts of the run', call, options);
  const { due } = receiptEvent(receipt, address, runsAbi, 'Demanded');
  return { transaction: receipt.transactionHash, due: Number(due), gasUsed: receipt.gasUsed };
}

/** Says that a demand was not answered in time: the statement is refuted for whoever made it. Errors: `contract/reply-not-due`, `contract/no-open-demand`, `contract/not-open`. */
export async function convictRunSilence(connection: ChainConnection, wallet: Wallet, adapterId: bigint, place: Place, options: SendOptions = {}): Promise<Hex> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'convictSilence', args: [adapterId, place] } as const;
  return (await sendTransaction(connection, wallet, 'Refuting the statement', call, options)).transactionHash;
}

/** Credits the bond of a demand that was open when the statement fell. Errors: `contract/not-refuted`, `contract/no-open-demand`. */
export async function takeBackRunDemand(connection: ChainConnection, wallet: Wallet, adapterId: bigint, place: Place, options: SendOptions = {}): Promise<Hex> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'takeBack', args: [adapterId, place] } as const;
  return (await sendTransaction(connection, wallet, 'Taking the bond back', call, options)).transactionHash;
}
