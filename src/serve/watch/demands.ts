import type { Place } from '../../chain/demand-leaf.ts';
import type { EventFeed } from '../../chain/events.ts';
import { type RevealedLeaf, revealedLeaf } from '../../chain/revealed-leaf.ts';
import type { Hex } from '../../protocol/bytes.ts';

/** A demand as the events tell it. */
export interface SeenDemand {
  claimId: bigint;
  place: Place;
  demander: Hex;
  /** Last moment to answer, Unix seconds. */
  due: number;
  /** shown; shown not to exist; or given back because nobody answered. */
  state: 'open' | 'shown' | 'no-such-place' | 'closed';
  shown?: RevealedLeaf;
}

const keyOf = (claimId: bigint, { answer, index, leaf }: Place) => `${claimId} ${answer} ${index} ${leaf}`;

/** All demands there ever were, oldest first. */
export function demandsOf(events: ReturnType<EventFeed['disputes']>): SeenDemand[] {
  const all = new Map<string, SeenDemand>();
  for (const event of events) {
    if (event.eventName === 'Demanded') {
      const { id: claimId, demander, place, due } = event.args;
      all.set(keyOf(claimId, place), { claimId, place, demander, due: Number(due), state: 'open' });
    } else if (event.eventName === 'Revealed' || event.eventName === 'NoSuchPlace' || event.eventName === 'DemandClosed') {
      const found = all.get(keyOf(event.args.id, event.args.place));
      if (!found) continue;
      found.state = event.eventName === 'Revealed' ? 'shown' : event.eventName === 'NoSuchPlace' ? 'no-such-place' : 'closed';
      if (event.eventName === 'Revealed') found.shown = revealedLeaf(event.args);
    }
  }
  return [...all.values()];
}

export const samePlace = (a: Place, b: Place) => a.answer === b.answer && a.index === b.index && a.leaf === b.leaf;
