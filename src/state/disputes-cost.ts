import { type DemandPrice, demandBonds } from '../chain/demand-price.ts';
import type { Challengeable } from './claim-check.ts';

/** Gas of each transaction at worst, rounded up; measured in src/chain/disputes.test.ts and contracts/snapshots. */
const GAS = { commit: 90_000n, demand: 110_000n, place: 35_000n, step: 1_500_000n, inputs: 150_000n, payout: 1_000_000n, batchBase: 250_000n, batchByte: 26n };

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
export function stakesOf(finding: Challengeable, bond: bigint, price: DemandPrice, gasPrice: bigint | undefined): Stakes {
  const places = finding.kind === 'demand' ? finding.places : [];
  const proof = finding.kind === 'false' ? proofGas(finding.evidence) : GAS.step;
  const gas = (places.length ? GAS.demand : 0n) + BigInt(places.length) * GAS.place + GAS.commit + proof;
  const bonds = demandBonds(price, places);
  return { win: bond / 2n, gas: gasPrice === undefined ? undefined : gas * gasPrice, bonds, transactions: places.length ? 3 : 2 };
}

function proofGas(evidence: Extract<Challengeable, { kind: 'false' }>['evidence']): bigint {
  switch (evidence.kind) {
    case 'step':
      return GAS.step;
    case 'inputs':
      return GAS.inputs;
    // One row of the payouts' workings, however many records there are.
    case 'payout':
      return GAS.payout;
    // All that is known of the answers goes along: 2.05 million for the sums of 256.
    case 'batch':
      return GAS.batchBase + GAS.batchByte * BigInt(evidence.proof.data.length >> 1);
  }
}
