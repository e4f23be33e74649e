import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { disputesAbi } from './generated/abis.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

/** One leaf of one matrix of one answer's trace, at most 256 values (attribution/trace/tree.ts). */
export interface Place {
  /** Which of the claim's answers, from 0. */
  answer: number;
  /** Which instruction's matrix. */
  index: number;
  leaf: number;
}

/**
 * Makes a claimant show a leaf that was not published, or lose the claim. The bond of the demand (readTerms().demandBond) goes to
 * the claimant for the reply, and comes back where there is none.
 * Errors: `contract/too-late-to-begin`, `contract/already-demanded`, `contract/wrong-answer`, `contract/not-open` and those of sendTransaction.
 */
export async function demandLeaf(connection: ChainConnection, wallet: Wallet, claimId: bigint, place: Place, options: SendOptions = {}): Promise<{ transaction: Hex; due: number }> {
  const target = { address: connection.contracts.disputes, abi: disputesAbi } as const;
  const value = await translated('Asking for the bond', () => connection.publicClient.readContract({ ...target, functionName: 'demandBond' }));
  const call = { ...target, functionName: 'demand', args: [claimId, place], value } as const;
  const receipt = await sendTransaction(connection, wallet, 'Demanding a part of the trace', call, options);
  const { due } = receiptEvent(receipt, target.address, disputesAbi, 'Demanded');
  return { transaction: receipt.transactionHash, due: Number(due) };
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
