import type { Hex } from '../protocol/bytes.ts';
import type { RunEvents } from './game-events.ts';
import { type Place, samePlace } from './place.ts';
import { type Revealed, revealedPlace } from './revealed-places.ts';

/** As attribution/runs/places.ts has it: the place of a unit's trace. */
const ALL = 0xffffffff;
const tracePlace = (unit: number): Place => ({ answer: unit, index: ALL, leaf: 0, level: 0, depth: 0 });

export interface RunDemand {
  place: Place;
  demander: Hex;
  /** Last moment to answer, Unix seconds. */
  due: number;
  state: 'open' | 'shown' | 'no-such-place' | 'closed';
}

export interface RunCommitment {
  challenger: Hex;
  /** Unix seconds. */
  proveBy: number;
}

/** A leaf or nodes of a unit's trace, as its maker showed them. */
export type ShownOfUnit = Place & Pick<Revealed, 'proof'> & Revealed['what'];

/** A statement about a run, and its games, as the events of contracts/src/Runs.sol tell them. */
export interface SeenRun {
  adapterId: bigint;
  maker: Hex;
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  bond: bigint;
  /** End of the window, Unix seconds. */
  deadline: number;
  /** The list of output roots, in the parts in which it was posted; 32 bytes a unit, end to end. */
  list: Hex[];
  blockNumber: bigint;
  state: 'open' | 'refuted' | 'stands';
  demands: RunDemand[];
  commitments: RunCommitment[];
  /** Roots over units' inner matrices, as their maker showed them. */
  traces: Map<number, Hex>;
  shown: ShownOfUnit[];
  /** Who showed it to be false, how ('silence', or by which proof), and what they got, wei. */
  refuted?: { challenger: Hex; what: string; reward: bigint };
}

/** All statements there ever were, oldest first. */
export function runsOf(events: RunEvents): SeenRun[] {
  const all = new Map<bigint, SeenRun>();
  const posted = new Map<bigint, Hex[]>();
  const convicted = new Map<bigint, string>();
  for (const event of events) {
    switch (event.eventName) {
      case 'Posted': {
        const { adapterId, first, roots } = event.args;
        if (first === 0) posted.set(adapterId, []);
        posted.get(adapterId)?.push(roots);
        break;
      }
      case 'Vouched': {
        const { adapterId, maker, planRoot, outputsRoot, units, bond, deadline } = event.args;
        all.set(adapterId, {
          adapterId, maker, planRoot, outputsRoot, units, bond, deadline: Number(deadline), list: posted.get(adapterId) ?? [], blockNumber: event.blockNumber, state: 'open',
          demands: [], commitments: [], traces: new Map(), shown: [],
        });
        break;
      }
      case 'Stood': {
        const run = all.get(event.args.adapterId);
        if (run) run.state = 'stands';
        break;
      }
      case 'Convicted': convicted.set(event.args.id, event.args.what); break;
      case 'RunRefuted': {
        const { adapterId, challenger, reward } = event.args;
        const run = all.get(adapterId);
        if (!run) break;
        run.state = 'refuted';
        run.refuted = { challenger, what: '', reward };
        break;
      }
      case 'Committed': {
        const { id, challenger, proveBy } = event.args;
        all.get(id)?.commitments.push({ challenger, proveBy: Number(proveBy) });
        break;
      }
      case 'Demanded': {
        const { id, demander, place, due } = event.args;
        all.get(id)?.demands.push({ place, demander, due: Number(due), state: 'open' });
        break;
      }
      case 'TraceShown': {
        const { adapterId, unit, innerRoot } = event.args;
        const run = all.get(adapterId);
        run?.traces.set(unit, innerRoot);
        close(run, tracePlace(unit), 'shown');
        break;
      }
      case 'Revealed':
      case 'RevealedNodes': {
        const run = all.get(event.args.id);
        const { place, proof, what } = revealedPlace(event);
        close(run, place, 'shown');
        run?.shown.push({ ...place, proof, ...what });
        break;
      }
      case 'NoSuchPlace': close(all.get(event.args.id), event.args.place, 'no-such-place'); break;
      case 'DemandClosed': close(all.get(event.args.id), event.args.place, 'closed'); break;
    }
  }
  for (const { adapterId, refuted } of all.values()) if (refuted) refuted.what = convicted.get(adapterId) ?? '';
  return [...all.values()];
}

function close(run: SeenRun | undefined, place: Place, state: RunDemand['state']): void {
  const demand = run?.demands.find((one) => samePlace(one.place, place));
  if (demand) demand.state = state;
}
