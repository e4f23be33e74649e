import { samePlace, tracePlace } from '../../../attribution/runs/places.ts';
import { runEvents } from '../../../chain/game-events.ts';
import type { OpenRun } from '../../../attribution/runs/run-of-adapter.ts';
import { type PlanTree, openAlone } from '../../../attribution/runs/statement.ts';
import type { FalseMaker } from '../../../attribution/runs/testing/false-maker.ts';
import { inTransactions } from '../../../attribution/trace/replies.ts';
import type { ChainConnection } from '../../../chain/client.ts';
import { memoryEventStore } from '../../../chain/event-store.ts';
import { createEventFeed } from '../../../chain/events.ts';
import { revealOfRun } from '../../../chain/reveal-run.ts';
import { type SeenRun, runsOf } from '../../../chain/run-facts.ts';
import type { Wallet } from '../../../chain/wallets.ts';

/** A statement as the chain's events tell it now; for tests and the bench. */
export async function seenRun(connection: ChainConnection, adapterId: bigint): Promise<SeenRun> {
  const feed = createEventFeed(connection, memoryEventStore());
  await feed.refresh();
  return runsOf(runEvents(feed)).find((one) => one.adapterId === adapterId)!;
}

/** What the maker of a false statement would do to keep its bond: shows whatever is demanded. Gas of each transaction. */
export async function showAll(connection: ChainConnection, wallet: Wallet, adapterId: bigint, { plan, tracer }: OpenRun, planTree: PlanTree, maker: FalseMaker): Promise<number[]> {
  const gas: bigint[] = [];
  const open = (await seenRun(connection, adapterId)).demands.filter(({ state }) => state === 'open').map(({ place }) => place);
  const here = open.filter(({ answer }) => answer === maker.unit);
  const rest = here.filter((place) => !samePlace(place, tracePlace(maker.unit)));
  if (here.length) {
    const [kind, inputs] = [plan.program(maker.unit)!, plan.inputs(maker.unit)];
    const shown = [...new Set(rest.map(({ index }) => index))].map((index) => ({
      matrix: tracer.matrix(kind, inputs, index),
      leaves: rest.filter((place) => place.index === index && !place.depth).map((place) => maker.leaf(place)),
      nodes: rest.filter((place) => place.index === index && place.depth).map((place) => maker.nodes(place)),
    }));
    const opening = openAlone(planTree, maker.list, maker.unit);
    const parts = rest.length ? inTransactions(shown) : [[]];
    for (const [k, part] of parts.entries()) {
      const innerRoot = k === 0 && rest.length < here.length ? maker.trace.innerRoot : undefined;
      gas.push((await revealOfRun(connection, wallet, adapterId, opening, tracer.program(kind).shape, { innerRoot, shown: part })).gasUsed);
    }
  }
  return gas.map(Number);
}
