import type { ClaimFinding } from '../workers/engine.api.ts';

/** Gas of each transaction at worst, rounded up; measured in src/chain/disputes.test.ts and contracts/snapshots. */
const GAS = { commit: 90_000n, demand: 160_000n, step: 1_500_000n, inputs: 150_000n, payoutBase: 500_000n };

export interface Stakes {
  /** Half of the bond, wei. */
  win: bigint;
  /** About what all transactions cost at today's gas price, wei; undefined where the price is not known. */
  gas: bigint | undefined;
  /** Bonds of demands: the claimant's for each piece shown, back for each that is not. Wei. */
  bonds: bigint;
  transactions: number;
}

/** What whoever challenges by this finding stands to win and lose. `bond`: the claim's, wei. */
export function stakesOf(finding: Extract<ClaimFinding, { kind: 'false' | 'demand' }>, bond: bigint, demandBond: bigint, gasPrice: bigint | undefined): Stakes {
  const demands = finding.kind === 'demand' ? finding.places.length : 0;
  const payout = finding.kind === 'false' && finding.evidence.kind === 'payout' ? finding.evidence.evidence : undefined;
  // A payout is divided again on chain, record by record.
  const proof = payout ? GAS.payoutBase + 12_000n * BigInt(payout.records.length) : finding.kind === 'false' && finding.evidence.kind === 'inputs' ? GAS.inputs : GAS.step;
  const gas = BigInt(demands) * GAS.demand + GAS.commit + proof;
  return { win: bond / 2n, gas: gasPrice === undefined ? undefined : gas * gasPrice, bonds: BigInt(demands) * demandBond, transactions: demands + 2 };
}
