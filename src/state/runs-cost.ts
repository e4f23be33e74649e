import { type DemandPrice, demandBonds } from '../chain/demand-price.ts';
import type { RunFinding } from '../workers/runs.api.ts';

/** Gas of each transaction at worst, rounded up: contracts/snapshots, docs/runs.md. */
const GAS = { commit: 90_000n, demand: 110_000n, place: 60_000n, unit: 2_200_000n, given: 250_000n, outcome: 400_000n };

export interface RunStakes {
  /** Half of the bond, wei. */
  win: bigint;
  /** What all transactions cost at most at today's gas price, wei; undefined where the price is not known. */
  gas: bigint | undefined;
  /** Bonds of the demands that are next: the owner's for what is shown, back for what is not. Wei. */
  bonds: bigint;
}

/** What whoever challenges by this finding stands to win and lose. `bond`: the statement's, wei. */
export function runStakes(finding: Extract<RunFinding, { kind: 'false' | 'demand' }>, bond: bigint, price: DemandPrice, gasPrice: bigint | undefined): RunStakes {
  const places = finding.kind === 'demand' ? finding.places : [];
  const proof = GAS[finding.kind === 'false' ? finding.evidence.kind : 'unit'];
  const gas = (places.length ? GAS.demand : 0n) + BigInt(places.length) * GAS.place + GAS.commit + proof;
  return { win: bond / 2n, gas: gasPrice === undefined ? undefined : gas * gasPrice, bonds: demandBonds(price, places) };
}
