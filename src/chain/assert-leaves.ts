import { type ContractFunctionArgs, encodeAbiParameters } from 'viem';
import { estimateContractGas } from 'viem/actions';
import type { AnswerOpening } from '../protocol/answers.ts';
import { type Hex, fromHex, keccak256, toHex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { disputesAbi, disputesViewsAbi } from './generated/abis.ts';
import type { Place } from './place.ts';
import { receiptEvent } from './receipt-event.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import { translated } from './translate-error.ts';
import type { Wallet } from './wallets.ts';

type AssertArgs = ContractFunctionArgs<typeof disputesAbi, 'payable', 'assertLeaves'>;
type RefuteArgs = ContractFunctionArgs<typeof disputesAbi, 'nonpayable', 'refuteAssertion'>;
/** What a challenger says are the right leaves below a node: made by attribution/trace/assertion.ts. */
export interface Assertion {
  matrix: AssertArgs[2];
  own: AssertArgs[3];
  ownRoot: Hex;
}
/** What shows that an assertion is false: the same file. */
export interface Refutation {
  matrix: RefuteArgs[3];
  asserted: RefuteArgs[4];
  step: RefuteArgs[5];
}

const hash = (types: readonly string[], values: readonly unknown[]): Hex =>
  toHex(keccak256(fromHex(encodeAbiParameters(types.map((type) => ({ type })), values))));
const open = ({ index, answer, proof }: AnswerOpening) => ({ index, answer: { ...answer, read: [...answer.read] }, proof });

/** What a challenger commits to before an assertion about an answer. Nobody who has not computed the answer knows the root, so there is no salt. */
export const rootCommitment = (challenger: Hex, claimId: bigint, answer: number, ownRoot: Hex): Hex =>
  hash(['address', 'bytes32'], [challenger, hash(['uint256', 'uint256', 'bytes32'], [claimId, BigInt(answer), ownRoot])]);

/** The block in which the challenger committed to this root in this claim: assertions can be made in later ones. Undefined where they did not. Errors: `chain/unreachable`. */
export async function rootCommittedIn(connection: ChainConnection, challenger: Hex, claimId: bigint, answer: number, ownRoot: Hex): Promise<bigint | undefined> {
  const made = await translated('Reading the commitment', () =>
    connection.publicClient.readContract({ address: connection.contracts.disputes, abi: disputesViewsAbi, functionName: 'commitmentOf', args: [challenger, rootCommitment(challenger, claimId, answer, ownRoot)] }));
  return made.committedIn > 0n ? made.committedIn : undefined;
}

/**
 * Commits to the root of the own trace of an answer, where it was not done with the search's first demand.
 * Errors: `contract/too-late-to-begin`, `contract/not-open` and those of sendTransaction.
 */
export async function commitRoot(connection: ChainConnection, wallet: Wallet, claimId: bigint, answer: number, ownRoot: Hex, options: SendOptions = {}) {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'commit', args: [claimId, rootCommitment(wallet.address, claimId, answer, ownRoot)] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Committing to the own trace', call, options);
  return { transaction: receipt.transactionHash, gasUsed: receipt.gasUsed, gasPaid: receipt.gasUsed * receipt.effectiveGasPrice };
}

/**
 * Says what leaves of a claim's answer are that follow from what the claim has before them, and that the claim has others: it is refuted
 * (refuteAssertion) in time, or lost by silence (convictSilence, with the place that comes back). The bond comes back then.
 * Errors: `contract/not-committed`, `contract/same-block` (commitRoot in an earlier block), `contract/not-the-leaf`, `contract/too-late-to-begin`,
 * `contract/already-demanded` (of 2^32 names this one was taken: again), `contract/not-open` and those of sendTransaction.
 */
export async function assertLeaves(connection: ChainConnection, wallet: Wallet, claimId: bigint, opening: AnswerOpening, { matrix, own, ownRoot }: Assertion, options: SendOptions = {}) {
  const address = connection.contracts.disputes;
  const value = await translated('Asking for the bond', () => connection.publicClient.readContract({ address, abi: disputesViewsAbi, functionName: 'assertionBond' }));
  const [name] = crypto.getRandomValues(new Uint32Array(1));
  const call = { address, abi: disputesAbi, functionName: 'assertLeaves', args: [claimId, open(opening), matrix, own, ownRoot, name!], value } as const;
  const receipt = await sendTransaction(connection, wallet, 'Asserting what is right', call, options);
  const { due, place } = receiptEvent(receipt, address, disputesAbi, 'Demanded');
  return { transaction: receipt.transactionHash, place: place satisfies Place, due: Number(due), gasUsed: receipt.gasUsed, gasPaid: receipt.gasUsed * receipt.effectiveGasPrice };
}

/**
 * Shows that an assertion about a claim is false. Anyone may; its bond is the claimant's, or late in its time the caller's.
 * Errors: `contract/assertion-holds`, `contract/other-assertion`, `contract/reply-too-late`, `contract/no-open-demand` and those of sendTransaction.
 */
export async function refuteAssertion(connection: ChainConnection, wallet: Wallet, claimId: bigint, opening: AnswerOpening, place: Place, { matrix, asserted, step }: Refutation, options: SendOptions = {}) {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'refuteAssertion', args: [claimId, open(opening), place, matrix, asserted, step] } as const;
  const receipt = await sendTransaction(connection, wallet, 'Refuting what was asserted', call, options);
  return { transaction: receipt.transactionHash, gasUsed: receipt.gasUsed };
}

/** Gas of that, from this account: some elements cost more to compute on chain than the bond pays for. Errors: as refuteAssertion. */
export function refutationGas(connection: ChainConnection, account: Hex, claimId: bigint, opening: AnswerOpening, place: Place, { matrix, asserted, step }: Refutation): Promise<bigint> {
  const call = { address: connection.contracts.disputes, abi: disputesAbi, functionName: 'refuteAssertion', args: [claimId, open(opening), place, matrix, asserted, step] } as const;
  return translated('Asking for the gas', () => estimateContractGas(connection.publicClient, { ...call, account }));
}
