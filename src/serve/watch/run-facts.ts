import { ALL_UNITS, type RunPlace, samePlace, tracePlace } from '../../attribution/runs/places.ts';
import type { RunFacts } from '../../attribution/runs/examine.ts';
import type { UnitShown } from '../../attribution/runs/unit-case.ts';
import type { NodesOpening } from '../../attribution/trace/replies.ts';
import type { EventFeed } from '../../chain/events.ts';
import { revealedPlace } from '../../chain/revealed-places.ts';
import type { Hex } from '../../protocol/bytes.ts';

export interface RunDemand {
  place: RunPlace;
  demander: Hex;
  /** Last moment to answer, Unix seconds. */
  due: number;
  state: 'open' | 'shown' | 'no-such-place' | 'closed';
}

/** A statement about a run, and its games, as the events of contracts/src/Runs.sol tell them. */
export interface SeenRun extends Omit<RunFacts, 'list'> {
  adapterId: bigint;
  maker: Hex;
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  bond: bigint;
  /** End of the window, Unix seconds. */
  deadline: number;
  /** Where the list of output roots lies. */
  cid: string;
  blockNumber: bigint;
  state: 'open' | 'refuted' | 'stands';
  demands: RunDemand[];
}

interface Growing extends SeenRun {
  roots: NodesOpening[];
  traces: Map<number, { innerRoot: Hex; outputRoot: Hex }>;
  shown: UnitShown[];
}

/** All statements there ever were, oldest first. */
export function runsOf(events: ReturnType<EventFeed['runs']>): SeenRun[] {
  const all = new Map<bigint, Growing>();
  for (const event of events) {
    switch (event.eventName) {
      case 'Vouched': {
        const { adapterId, maker, planRoot, outputsRoot, units, bond, deadline, cid } = event.args;
        all.set(adapterId, {
          adapterId, maker, planRoot, outputsRoot, units, bond, deadline: Number(deadline), cid, blockNumber: event.blockNumber, state: 'open',
          demands: [], roots: [], traces: new Map(), shown: [],
        });
        break;
      }
      case 'Stood': set(all.get(event.args.adapterId), 'stands'); break;
      case 'RunRefuted': set(all.get(event.args.adapterId), 'refuted'); break;
      case 'Demanded': {
        const { id, demander, place, due } = event.args;
        all.get(id)?.demands.push({ place, demander, due: Number(due), state: 'open' });
        break;
      }
      case 'TraceShown': {
        const { adapterId, unit, innerRoot, outputRoot } = event.args;
        const run = all.get(adapterId);
        run?.traces.set(unit, { innerRoot, outputRoot });
        close(run, tracePlace(unit), 'shown');
        break;
      }
      case 'Revealed':
      case 'RevealedNodes': {
        const run = all.get(event.args.id);
        const { place, proof, what } = revealedPlace(event);
        close(run, place, 'shown');
        if (place.answer === ALL_UNITS && 'hashes' in what) run?.roots.push({ ...place, hashes: what.hashes, proof });
        else run?.shown.push({ ...place, proof, ...what });
        break;
      }
      case 'NoSuchPlace': close(all.get(event.args.id), event.args.place, 'no-such-place'); break;
      case 'DemandClosed': close(all.get(event.args.id), event.args.place, 'closed'); break;
    }
  }
  return [...all.values()];
}

function set(run: SeenRun | undefined, state: SeenRun['state']): void {
  if (run) run.state = state;
}

function close(run: SeenRun | undefined, place: RunPlace, state: RunDemand['state']): void {
  const demand = run?.demands.find((one) => samePlace(one.place, place));
  if (demand) demand.state = state;
}

