import type { ChainConnection } from './client.ts';
import type { Place } from './place.ts';
import { disputesViewsAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

/** What holds a claim beyond its window. Times in Unix seconds. */
export interface DisputeClock {
  /** Commitments are taken until then; 0: until the claim's own deadline. */
  commitUntil: number;
  /** The claim can become final after this, if nothing is demanded; 0: after its own deadline. */
  heldUntil: number;
  /** Demands are taken until then: after the window only on what replies show. */
  demandUntil: number;
  /** Demands that wait for an answer: with one, the claim cannot become final. */
  openDemands: number;
}

/** Errors: `chain/unreachable`. */
export async function readDisputeClock(connection: ChainConnection, claimId: bigint): Promise<DisputeClock> {
  const disputes = { address: connection.contracts.disputes, abi: disputesViewsAbi, args: [claimId] } as const;
  const [{ commitUntil, heldUntil, open }, demandUntil] = await translated('Reading the dispute', () =>
    Promise.all([connection.publicClient.readContract({ ...disputes, functionName: 'clockOf' }), connection.publicClient.readContract({ ...disputes, functionName: 'demandUntil' })]),
  );
  return { commitUntil, heldUntil, demandUntil: Number(demandUntil), openDemands: open };
}

export const DEMAND_STATES = ['none', 'open', 'answered', 'closed'] as const;

/** One demand; `due` is the last moment to answer, Unix time in seconds. Errors: `chain/unreachable`. */
export async function readDemand(connection: ChainConnection, claimId: bigint, place: Place) {
  const { demander, due, state } = await translated('Reading the demand', () =>
    connection.publicClient.readContract({ address: connection.contracts.disputes, abi: disputesViewsAbi, functionName: 'demandOf', args: [claimId, place] }),
  );
  return { demander, due, state: DEMAND_STATES[state] ?? ('none' as const) };
}
