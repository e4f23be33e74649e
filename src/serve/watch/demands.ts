import { ALL_MATRICES, CUT } from '../../attribution/trace/trace-nodes.ts';
import { ASSERTION, FILE, type Place, filePlace, placeText } from '../../chain/place.ts';
import type { DisputeEvents } from '../../chain/game-events.ts';
import { type AssertedLeaves, type Revealed, assertedLeaves, revealedPlace } from '../../chain/revealed-places.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { WORKINGS_TABLES } from '../../protocol/payout-workings.ts';
import { ALL_TABLES, PAYOUTS, WORKINGS } from '../../protocol/workings-places.ts';

/** A demand as the events tell it. */
export interface SeenDemand {
  claimId: bigint;
  place: Place;
  demander: Hex;
  /** Last moment to answer, Unix seconds. */
  due: number;
  /** shown; shown not to exist; or given back because nobody answered. */
  state: 'open' | 'shown' | 'no-such-place' | 'disproved' | 'closed';
  shown?: Revealed;
  /** Of an assertion about leaves. */
  asserted?: AssertedLeaves;
}

const keyOf = (claimId: bigint, place: Place) => `${claimId} ${placeText(place)}`;

/** All demands there ever were, oldest first. */
export function demandsOf(events: DisputeEvents): SeenDemand[] {
  const all = new Map<string, SeenDemand>();
  for (const event of events) {
    switch (event.eventName) {
      case 'Demanded': {
        const { id: claimId, demander, place, due } = event.args;
        all.set(keyOf(claimId, place), { claimId, place, demander, due: Number(due), state: 'open' });
        break;
      }
      case 'CutDemanded': {
        const found = all.get(keyOf(event.args.id, event.args.place));
        if (found) found.place = { ...found.place, levels: event.args.levels };
        break;
      }
      case 'LeavesAsserted': {
        const found = all.get(keyOf(event.args.id, event.args.place));
        if (found) found.asserted = assertedLeaves(event);
        break;
      }
      case 'AssertionRefuted': {
        const found = all.get(keyOf(event.args.id, event.args.place));
        if (found) found.state = 'disproved';
        break;
      }
      case 'FileShown': {
        const found = all.get(keyOf(event.args.id, filePlace));
        if (found) found.state = 'shown';
        break;
      }
      case 'Revealed':
      case 'RevealedNodes':
      case 'NoSuchPlace':
      case 'DemandClosed': {
        const found = all.get(keyOf(event.args.id, event.args.place));
        if (!found) break;
        const shows = event.eventName === 'Revealed' || event.eventName === 'RevealedNodes';
        found.state = shows ? 'shown' : event.eventName === 'NoSuchPlace' ? 'no-such-place' : 'closed';
        if (shows) found.shown = revealedPlace(event);
      }
    }
  }
  return [...all.values()];
}

const TREES = new Map([
  [ALL_MATRICES, 'the tree of all matrices'], [ALL_TABLES, 'the tree of the payouts’ workings'], [PAYOUTS, 'the payouts'],
  ...WORKINGS_TABLES.map(({ name }, table) => [WORKINGS + table, `the payouts’ workings (${name})`] as const),
]);

/** For people. */
export function placeWords({ index, leaf, level, depth }: Place): string {
  if (depth === FILE) return 'what its answers are computed from';
  const tree = TREES.get(index) ?? `instruction ${index}`;
  if (depth === ASSERTION) return `an assertion about leaves of ${tree}`;
  if (depth === CUT) return `nodes of several levels of ${tree}`;
  if (depth === 0) return level ? `${2 ** level} leaves from ${leaf * 2 ** level} of ${tree}` : `leaf ${leaf} of ${tree}`;
  return `${2 ** depth} nodes below node ${leaf} at level ${level} of ${tree}`;
}
