import { type DemandPrice, demandBond } from '../chain/demand-price.ts';
import type { ClaimFinding } from '../workers/engine.api.ts';

/** Gas of each transaction at worst, rounded up; measured in src/chain/disputes.test.ts and contracts/snapshots. */
const GAS = { commit: 90_000n, demand: 110_000n, place: 35_000n, step: 1_500_000n, inputs: 150_000n, payoutBase: 500_000n };

export interface Stakes {
  /** Half of the bond, wei. */
  win: bigint;
  /** About what all transactions cost at today's gas price, wei; undefined where the price is not known. */
  gas: bigint | undefined;
  /** Bonds of the demands that are next: the claimant's for what is shown, back for what is not. Wei. */
  bonds: bigint;
  transactions: number;
}

/** What whoever challenges by this finding stands to win and lose. `bond`: the claim's, wei. */
export function stakesOf(finding: Extract<ClaimFinding, { kind: 'false' | 'demand' }>, bond: bigint, price: DemandPrice, gasPrice: bigint | undefined): Stakes {
  const places = finding.kind === 'demand' ? finding.places : [];
  const payout = finding.kind === 'false' && finding.evidence.kind === 'payout' ? finding.evidence.evidence : undefined;
  // A payout is divided again on chain, record by record.
  const proof = payout ? GAS.payoutBase + 12_000n * BigInt(payout.records.length) : finding.kind === 'false' && finding.evidence.kind === 'inputs' ? GAS.inputs : GAS.step;
  const gas = (places.length ? GAS.demand : 0n) + BigInt(places.length) * GAS.place + GAS.commit + proof;
  const bonds = places.reduce((sum, place) => sum + demandBond(price, place), 0n);
  return { win: bond / 2n, gas: gasPrice === undefined ? undefined : gas * gasPrice, bonds, transactions: places.length ? 3 : 2 };
}
