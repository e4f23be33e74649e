import type { ChainConnection } from './client.ts';
import type { Place } from './place.ts';
import type { DemandPrice } from './demand-price.ts';
import { readRunDemandPrice } from './demand-run.ts';
import { runsViewsAbi } from './generated/abis.ts';
import { DEMAND_STATES } from './read-dispute.ts';
import { leastRunBond } from './read-run.ts';
import { translated } from './translate-error.ts';

/** By which statements about runs are disputed. Amounts in wei, times in seconds. */
export interface RunTerms {
  /** Least bond of a statement. */
  bond: bigint;
  demandPrice: DemandPrice;
  /** How long a proof can come after its commitment. */
  proveTime: number;
  /** How long an owner has to show what is demanded. */
  replyTime: number;
}

/** Errors: `chain/unreachable`. */
export function readRunTerms(connection: ChainConnection): Promise<RunTerms> {
  const runs = { address: connection.contracts.runs, abi: runsViewsAbi } as const;
  return translated('Reading the terms', async () => {
    const [bond, demandPrice, proveTime, replyTime] = await Promise.all([
      leastRunBond(connection), readRunDemandPrice(connection),
      connection.publicClient.readContract({ ...runs, functionName: 'proveTime' }), connection.publicClient.readContract({ ...runs, functionName: 'replyTime' }),
    ]);
    return { bond, demandPrice, proveTime, replyTime };
  });
}

/** Whether a place was demanded, as the newest block has it. Errors: `chain/unreachable`. */
export async function isDemandedOfRun(connection: ChainConnection, adapterId: bigint, place: Place): Promise<boolean> {
  const { state } = await translated('Reading the demand', () =>
    connection.publicClient.readContract({ address: connection.contracts.runs, abi: runsViewsAbi, functionName: 'demandOf', args: [adapterId, place] }));
  return DEMAND_STATES[state] !== 'none';
}
