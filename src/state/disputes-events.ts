import { ASSERTION, FILE, type Place, filePlace, samePlace } from '../chain/place.ts';
import type { DisputeEvents } from '../chain/game-events.ts';
import { type AssertedLeaves, type Revealed, assertedLeaves, revealedPlace } from '../chain/revealed-places.ts';
import type { Hex } from '../protocol/bytes.ts';

/** One demand for a piece of a claim's trace. Times in Unix seconds. */
export interface DemandSeen {
  place: Place;
  demander: Hex;
  due: number;
  state: 'open' | 'shown' | 'no-such-place' | 'disproved' | 'closed';
  shown?: Revealed;
  /** Of an assertion about leaves. */
  asserted?: AssertedLeaves;
}

export interface CommitmentSeen {
  challenger: Hex;
  commitment: Hex;
  proveBy: number;
  block: bigint;
}

/** Everything that the disputes contract said about one claim. */
export interface Dispute {
  demands: DemandSeen[];
  commitments: CommitmentSeen[];
  /** Commitments are taken until then, as Disputes.sol extends it; 0: until the claim's own deadline. */
  commitUntil: number;
  /** The claim cannot become final before; 0: its own deadline. With an open demand it cannot at all. */
  heldUntil: number;
  open: number;
  convicted?: { challenger: Hex; what: string; transaction: Hex };
}

/** What is demanded: parts of a trace or of workings, what all answers of a batch come from; or that an assertion be refuted. */
export const kindOf = ({ depth }: Pick<Place, 'depth'>): 'parts' | 'file' | 'assertion' => (depth === FILE ? 'file' : depth === ASSERTION ? 'assertion' : 'parts');

export const NO_DISPUTE: Dispute = { demands: [], commitments: [], commitUntil: 0, heldUntil: 0, open: 0 };

/** Disputes by claim, from the contract's events in order. `proveTime`: seconds, from the terms. */
export function disputesOf(events: DisputeEvents, proveTime: number): Map<bigint, Dispute> {
  const all = new Map<bigint, Dispute>();
  const disputeOf = (claimId: bigint) => {
    let dispute = all.get(claimId);
    if (!dispute) all.set(claimId, (dispute = { demands: [], commitments: [], commitUntil: 0, heldUntil: 0, open: 0 }));
    return dispute;
  };
  for (const event of events) {
    switch (event.eventName) {
      case 'Committed': {
        const { id: claimId, challenger, commitment, proveBy } = event.args;
        const dispute = disputeOf(claimId);
        dispute.commitments.push({ challenger, commitment, proveBy: Number(proveBy), block: event.blockNumber ?? 0n });
        dispute.heldUntil = Math.max(dispute.heldUntil, Number(proveBy));
        break;
      }
      case 'Demanded': {
        const { id: claimId, demander, place, due } = event.args;
        const dispute = disputeOf(claimId);
        dispute.demands.push({ place, demander, due: Number(due), state: 'open' });
        // As Disputes.demand: time to compute with what is shown, and to commit.
        const until = Number(due) + proveTime;
        dispute.commitUntil = Math.max(dispute.commitUntil, until);
        dispute.heldUntil = Math.max(dispute.heldUntil, until);
        break;
      }
      case 'CutDemanded': {
        const demand = disputeOf(event.args.id).demands.find((one) => samePlace(one.place, event.args.place));
        if (demand) demand.place = { ...demand.place, levels: event.args.levels };
        break;
      }
      case 'LeavesAsserted': {
        const found = disputeOf(event.args.id).demands.find((one) => samePlace(one.place, event.args.place));
        if (found) found.asserted = assertedLeaves(event);
        break;
      }
      case 'AssertionRefuted': {
        const found = disputeOf(event.args.id).demands.find((one) => samePlace(one.place, event.args.place));
        if (found) found.state = 'disproved';
        break;
      }
      case 'FileShown': {
        const found = disputeOf(event.args.id).demands.find((one) => samePlace(one.place, filePlace));
        if (found) found.state = 'shown';
        break;
      }
      case 'Revealed':
      case 'RevealedNodes':
      case 'NoSuchPlace':
      case 'DemandClosed': {
        const demand = disputeOf(event.args.id).demands.find((one) => samePlace(one.place, event.args.place));
        if (!demand) break;
        const shows = event.eventName === 'Revealed' || event.eventName === 'RevealedNodes';
        demand.state = shows ? 'shown' : event.eventName === 'NoSuchPlace' ? 'no-such-place' : 'closed';
        if (shows) demand.shown = revealedPlace(event);
        break;
      }
      case 'Convicted': {
        const { id: claimId, challenger, what } = event.args;
        disputeOf(claimId).convicted = { challenger, what, transaction: event.transactionHash! };
      }
    }
  }
  for (const dispute of all.values()) dispute.open = dispute.demands.filter(({ state }) => state === 'open').length;
  return all;
}
