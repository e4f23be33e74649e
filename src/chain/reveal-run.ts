import type { ContractFunctionArgs } from 'viem';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import type { Place } from './demand-places.ts';
import { runsAbi } from './generated/abis.ts';
import { type UnitOpening, type UnitShape, shapeArgument } from './prove-run.ts';
import type { Shown, TraceMatrix } from './reveal-places.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

/** Nodes of the tree of output roots: NodesOpening in contracts/src/interfaces/IGames.sol. */
export type NodesOpening = ContractFunctionArgs<typeof runsAbi, 'nonpayable', 'revealOutputs'>[1][number];

interface Sent {
  transaction: Hex;
  gasUsed: bigint;
}

/** Shows nodes of the tree of output roots that were demanded. Errors: `contract/no-open-demand`, `contract/reply-too-late`, `contract/not-the-nodes`. */
export async function revealRunRoots(connection: ChainConnection, wallet: Wallet, adapterId: bigint, nodes: readonly NodesOpening[], options: SendOptions = {}): Promise<Sent> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'revealOutputs', args: [adapterId, [...nodes]] } as const;
  return sent(await sendTransaction(connection, wallet, 'Showing roots of the run', call, options));
}

/** Shows the roots of a unit's trace; only the maker can, and only where it was demanded. Errors: `contract/not-the-maker`, `contract/wrong-unit`, `contract/no-open-demand`. */
export async function showRunTrace(
  connection: ChainConnection, wallet: Wallet, adapterId: bigint, { unit, innerRoot, outputRoot, outputProof }: { unit: number; innerRoot: Hex; outputRoot: Hex; outputProof: readonly Hex[] }, options: SendOptions = {},
): Promise<Sent> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'showTrace', args: [adapterId, unit, innerRoot, outputRoot, [...outputProof]] } as const;
  return sent(await sendTransaction(connection, wallet, 'Showing a unit’s trace', call, options));
}

/** Shows what was demanded of one unit. Errors: `contract/no-open-demand`, `contract/reply-too-late`, `contract/not-the-leaf`, `contract/not-the-nodes`, `contract/wrong-unit`. */
export async function revealOfRun(connection: ChainConnection, wallet: Wallet, adapterId: bigint, opening: UnitOpening, shape: UnitShape, shown: readonly Shown[], options: SendOptions = {}): Promise<Sent> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'reveal', args: [adapterId, opening, shapeArgument(shape), [...shown]] } as const;
  return sent(await sendTransaction(connection, wallet, 'Showing parts of the run', call, options));
}

/** Shows that a unit has no such place. Errors: `contract/place-exists` and those of revealOfRun. */
export async function showNoSuchPlaceOfRun(
  connection: ChainConnection, wallet: Wallet, adapterId: bigint, opening: UnitOpening, shape: UnitShape, matrix: TraceMatrix, place: Place, options: SendOptions = {},
): Promise<Sent> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'showNoSuchPlace', args: [adapterId, opening, shapeArgument(shape), matrix, place] } as const;
  return sent(await sendTransaction(connection, wallet, 'Showing that there is no such part', call, options));
}

const sent = ({ transactionHash, gasUsed }: { transactionHash: Hex; gasUsed: bigint }): Sent => ({ transaction: transactionHash, gasUsed });
