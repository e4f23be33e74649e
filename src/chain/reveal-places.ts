import type { ContractFunctionArgs } from 'viem';
import type { AnswerOpening } from '../protocol/answers.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import type { Place } from './place.ts';
import { disputesAbi } from './generated/abis.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/** What is shown of one matrix, leaves and nodes: Shown in contracts/src/interfaces/IGames.sol, made by attribution/trace/replies.ts. */
export type Shown = ContractFunctionArgs<typeof disputesAbi, 'nonpayable', 'reveal'>[2][number];
/** Which matrix, with the program's proof of its instruction: TraceMatrix in contracts/src/interfaces/IReferee.sol. */
export type TraceMatrix = Shown['matrix'];

const open = ({ index, answer, proof }: AnswerOpening) => ({ index, answer: { ...answer, read: [...answer.read] }, proof });

/**
 * Shows what was demanded of one answer; the demands' bonds go to the claimant, whoever shows it. One place that is not as it was claimed,
 * or not demanded, and nothing is shown.
 * Errors: `contract/reply-too-late`, `contract/no-open-demand`, `contract/not-the-leaf`, `contract/not-the-nodes`,
 * `contract/wrong-answer` and those of sendTransaction.
 */
export async function revealPlaces(
  connection: ChainConnection, wallet: Wallet, claimId: bigint, opening: AnswerOpening, shown: readonly Shown[], options: SendOptions = {},
): Promise<{ transaction: Hex; gasUsed: bigint }> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'reveal', args: [claimId, open(opening), [...shown]] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Showing parts of the trace', call, options);
  return { transaction: receipt.transactionHash, gasUsed: receipt.gasUsed };
}

/**
 * Shows that there is no such place: that the program has fewer instructions, or the tree no such leaf or node. For a demand that
 * nobody could answer. Errors: `contract/place-exists` and those of revealPlaces.
 */
export async function showNoSuchPlace(
  connection: ChainConnection, wallet: Wallet, claimId: bigint, opening: AnswerOpening, matrix: TraceMatrix, place: Place, options: SendOptions = {},
): Promise<Hex> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'showNoSuchPlace', args: [claimId, open(opening), matrix, place] } as const;
  return (await sendTransaction(connection, wallet, 'Showing that there is no such part', call, options)).transactionHash;
}
