import { zeroAddress } from 'viem';
import type { Hex } from '../protocol/bytes.ts';
import type { ChainConnection } from './client.ts';
import { runsAbi, runsViewsAbi } from './generated/abis.ts';
import { translated } from './translate-error.ts';

export const RUN_STATES = ['none', 'open', 'refuted', 'stands'] as const;
export type RunStateName = (typeof RUN_STATES)[number];

/** What an adapter's owner vouches for; docs/runs.md. */
export interface RunOnChain {
  /** none: nobody has vouched. stands: nobody showed it to be false in time. */
  state: RunStateName;
  /** Undefined where nobody has vouched. */
  maker: Hex | undefined;
  /** Over the units' programs, inputs and sources. */
  planRoot: Hex;
  /** Over the root of what each unit made. */
  outputsRoot: Hex;
  units: number;
  /** Wei at stake. */
  bond: bigint;
  /** End of the window, Unix time in seconds. */
  deadline: number;
}

/** The statement about an adapter's run. Errors: `chain/unreachable`. */
export async function readRun(connection: ChainConnection, adapterId: bigint): Promise<RunOnChain> {
  const raw = await translated('Reading the statement', () =>
    connection.publicClient.readContract({ address: connection.contracts.runs, abi: runsViewsAbi, functionName: 'statement', args: [adapterId] }));
  const { maker, planRoot, outputsRoot, units, bond, deadline } = raw;
  return { state: RUN_STATES[raw.state] ?? 'none', maker: maker === zeroAddress ? undefined : maker, planRoot, outputsRoot, units, bond, deadline };
}

/** Unix seconds: until when demands and commitments are taken, and when the statement can stand at the earliest. */
export interface RunClock {
  demandUntil: number;
  /** 0: until the statement's own deadline; so `heldUntil`. */
  commitUntil: number;
  heldUntil: number;
  openDemands: number;
}

/** Errors: `chain/unreachable`. */
export function readRunClock(connection: ChainConnection, adapterId: bigint): Promise<RunClock> {
  const runs = { address: connection.contracts.runs, abi: runsViewsAbi, args: [adapterId] } as const;
  return translated('Reading the game', async () => {
    const [{ commitUntil, heldUntil, open }, demandUntil] = await Promise.all([
      connection.publicClient.readContract({ ...runs, functionName: 'clockOf' }), connection.publicClient.readContract({ ...runs, functionName: 'demandUntil' }),
    ]);
    return { demandUntil: Number(demandUntil), commitUntil, heldUntil, openDemands: open };
  });
}

/** Least bond of a statement, wei. Errors: `chain/unreachable`. */
export function leastRunBond(connection: ChainConnection): Promise<bigint> {
  return translated('Asking for the bond', () =>
    connection.publicClient.readContract({ address: connection.contracts.runs, abi: runsAbi, functionName: 'leastBond' }));
}

/** Wei credited in Runs: bonds of statements and demands that came back, rewards. Errors: `chain/unreachable`. */
export function readRunBalance(connection: ChainConnection, account: Hex): Promise<bigint> {
  return translated('Reading the balance', () =>
    connection.publicClient.readContract({ address: connection.contracts.runs, abi: runsAbi, functionName: 'claimable', args: [account] }));
}
