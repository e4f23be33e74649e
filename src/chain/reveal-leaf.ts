import type { ContractFunctionArgs } from 'viem';
import type { AnswerOpening } from '../protocol/answers.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { disputesAbi } from './generated/abis.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

type RevealArgs = ContractFunctionArgs<typeof disputesAbi, 'nonpayable', 'reveal'>;
/** Which matrix, with the program's proof of its instruction: TraceMatrix in contracts/src/interfaces/IReferee.sol. */
export type TraceMatrix = RevealArgs[2];
/** A leaf's values with its proof under the trace's root. */
export type LeafOpening = RevealArgs[3];

const open = ({ index, answer, proof }: AnswerOpening) => ({ index, answer: { ...answer, read: [...answer.read] }, proof });

/**
 * Shows a leaf that was demanded; the demand's bond goes to the claimant, whoever shows it.
 * Errors: `contract/reply-too-late`, `contract/no-open-demand`, `contract/not-the-leaf`, `contract/wrong-answer` and those of sendTransaction.
 */
export async function revealLeaf(
  connection: ChainConnection, wallet: Wallet, claimId: bigint, opening: AnswerOpening, matrix: TraceMatrix, leaf: LeafOpening, options: SendOptions = {},
): Promise<{ transaction: Hex; gasUsed: bigint }> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'reveal', args: [claimId, open(opening), matrix, leaf] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Showing a part of the trace', call, options);
  return { transaction: receipt.transactionHash, gasUsed: receipt.gasUsed };
}

/**
 * Shows that there is no such leaf: that the program or the matrix ends before. For a demand that nobody could answer.
 * Errors: `contract/place-exists` and those of revealLeaf.
 */
export async function showNoSuchLeaf(
  connection: ChainConnection, wallet: Wallet, claimId: bigint, opening: AnswerOpening, matrix: TraceMatrix, leaf: number, options: SendOptions = {},
): Promise<Hex> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'showNoSuchPlace', args: [claimId, open(opening), matrix, leaf] } as const;
  return (await sendTransaction(connection, wallet, 'Showing that there is no such part', call, options)).transactionHash;
}
