import { type DemandPrice, assertionBond, demandBonds, fileBond } from '../chain/demand-price.ts';
import type { ClaimOnChain } from '../chain/list-claims.ts';
import { FILE } from '../chain/place.ts';
import { isOfWorkings } from '../protocol/workings-places.ts';
import type { Challengeable } from './claim-check.ts';

export { bondOfDemand } from '../chain/demand-price.ts';

/** Gas of each transaction at worst, rounded up; measured in src/chain/disputes.test.ts and contracts/snapshots. */
const GAS = { commit: 90_000n, demand: 130_000n, place: 35_000n, cutWord: 3_000n, step: 1_500_000n, inputs: 150_000n, payout: 1_000_000n, batchBase: 250_000n, batchByte: 26n, silence: 120_000n };
/** Of an assertion: its proofs and instruction; a byte of its values, sent, hashed and said in an event. */
const [ASSERT_BASE, ASSERT_BYTE] = [250_000n, 40n];
/** Bytes of 64 leaves. */
const MOST_VALUES = 65_536n;

/**
 * How a challenge by this finding goes on. `prove`: everything is known. `leaf`: what is false has to be shown, then is proved.
 * `workings`: the same of payouts. `search`: the trace is withheld, and what is right is asserted in the end. `file`: a batch is withheld,
 * and whatever is false in it is searched. `assert`: the search is over.
 */
export type ChallengeWay = 'prove' | 'leaf' | 'workings' | 'search' | 'file' | 'assert';

export function wayOf(finding: Challengeable): ChallengeWay {
  if (finding.kind !== 'demand') return finding.kind === 'assert' ? 'assert' : 'prove';
  const { places } = finding;
  if (places.some(({ depth }) => depth === FILE)) return 'file';
  if (places.every(isOfWorkings)) return 'workings';
  // Of a trace of which something was published a leaf is false, or some leaves.
  return places.some(({ depth }) => depth > 0) ? 'search' : 'leaf';
}

export interface Stakes {
  /** Half of the bond, wei. */
  win: bigint;
  /** About what all transactions cost at today's gas price, wei; undefined where the price is not known. */
  gas: bigint | undefined;
  /** Bonds of the demands that are next, or of the assertion: the claimant's for what is shown or refuted, back for what is not. Wei. */
  bonds: bigint;
  /** The challenger's own, as far as they can be told. */
  transactions: number;
}

/** What whoever challenges by this finding stands to win and lose. */
export function stakesOf(finding: Challengeable, claim: Pick<ClaimOnChain, 'bond' | 'answers' | 'tokensIn' | 'tokensOut'>, price: DemandPrice, gasPrice: bigint | undefined): Stakes {
  const places = finding.kind === 'demand' ? finding.places : [];
  const way = wayOf(finding);
  const cut = places.find(({ levels }) => levels)?.levels?.length ?? 0;
  const demand = places.length ? GAS.demand + BigInt(places.length) * GAS.place + BigInt(cut) * GAS.cutWord : 0n;
  const [end, transactions] = endOf(finding, way);
  const bonds = finding.kind === 'assert' ? assertionBond(price) : way === 'file' ? fileBond(price, claim) : demandBonds(price, places);
  return { win: claim.bond / 2n, gas: gasPrice === undefined ? undefined : (demand + end) * gasPrice, bonds, transactions: transactions + (places.length ? 1 : 0) };
}

/** Gas and transactions of the challenger after what is demanded now. */
function endOf(finding: Challengeable, way: ChallengeWay): [bigint, number] {
  const assertion = (bytes: bigint) => GAS.commit + ASSERT_BASE + ASSERT_BYTE * bytes + GAS.silence;
  const round = GAS.demand + GAS.place;
  if (finding.kind === 'assert') return [assertion(BigInt(finding.assertion.own.values.length >> 1)), 3];
  if (finding.kind === 'false') return [GAS.commit + proofGas(finding.evidence), 2];
  switch (way) {
    // Two rounds, the commitment with the first of them.
    case 'file':
      return [2n * round + assertion(MOST_VALUES), 4];
    // One more round. The commitment is made by itself where nobody knew the tokens.
    case 'search':
      return [round + assertion(MOST_VALUES), 4];
    default:
      return [GAS.commit + (way === 'workings' ? GAS.payout : GAS.step), 2];
  }
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
