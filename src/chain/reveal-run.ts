import { zeroHash } from 'viem';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import type { Place } from './place.ts';
import { runsAbi } from './generated/abis.ts';
import { type UnitOpening, type UnitShape, shapeArgument } from './prove-run.ts';
import type { Shown, TraceMatrix } from './reveal-places.ts';
import { type SendOptions, sendTransaction } from './send-transaction.ts';
import type { Wallet } from './wallets.ts';

interface Sent {
  transaction: Hex;
  gasUsed: bigint;
}

/**
 * Shows what was demanded of one unit. `innerRoot`: of its trace, where that was demanded; only the maker can show it. Errors:
 * `contract/no-open-demand`, `contract/reply-too-late`, `contract/not-the-leaf`, `contract/not-the-nodes`, `contract/wrong-unit`, `contract/not-the-maker`.
 */
export async function revealOfRun(
  connection: ChainConnection, wallet: Wallet, adapterId: bigint, opening: UnitOpening, shape: UnitShape, { innerRoot = zeroHash, shown }: { innerRoot?: Hex | undefined; shown: readonly Shown[] }, options: SendOptions = {},
): Promise<Sent> {
  const call = { address: connection.contracts.runs, abi: runsAbi, functionName: 'reveal', args: [adapterId, opening, shapeArgument(shape), innerRoot, [...shown]] } as const;
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
