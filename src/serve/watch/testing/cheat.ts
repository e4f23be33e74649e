/** The other side of a dispute: a claimant of something false who does all that can be done to keep the bond. */
import { getTransactionReceipt } from 'viem/actions';
import type { TraceInputs } from '../../../attribution/trace/instruction.ts';
import { refutationOf } from '../../../attribution/trace/assertion.ts';
import { inTransactions, shownOf } from '../../../attribution/trace/replies.ts';
import type { Matrix } from '../../../attribution/trace/run.ts';
import type { Tables } from '../../../attribution/trace/testing/workings-faults.ts';
import { TraceNodes } from '../../../attribution/trace/trace-nodes.ts';
import type { Tracer } from '../../../attribution/trace/tracer.ts';
import { TraceTree, leafValues } from '../../../attribution/trace/tree.ts';
import { shownOfWorkings } from '../../../attribution/trace/workings-replies.ts';
import { showFile } from '../../../chain/answers-file.ts';
import { refuteAssertion } from '../../../chain/assert-leaves.ts';
import type { ChainConnection } from '../../../chain/client.ts';
import { memoryEventStore } from '../../../chain/event-store.ts';
import { createEventFeed } from '../../../chain/events.ts';
import { disputeEvents } from '../../../chain/game-events.ts';
import { ASSERTION, FILE } from '../../../chain/place.ts';
import { revealPlaces } from '../../../chain/reveal-places.ts';
import type { Wallet } from '../../../chain/wallets.ts';
import { type ClaimedAnswer, openAnswer } from '../../../protocol/answers.ts';
import { shortForm } from '../../../protocol/answers-file.ts';
import type { Payout } from '../../../protocol/fee.ts';
import { isOfWorkings } from '../../../protocol/workings-places.ts';
import { type SeenDemand, demandsOf } from '../demands.ts';
import type { WatchEvent } from '../watcher.ts';

/** What was claimed of one answer. */
export interface Made {
  answer: ClaimedAnswer;
  inputs: TraceInputs;
  trace: readonly Matrix[];
  /** Where they may be asked for. */
  workings?: Tables & { payouts: Payout[] };
}

export interface MadeClaim {
  claimId: bigint;
  adapterId: bigint;
  tracer: Tracer;
  /** All of the claim's, in order. */
  made: readonly Made[];
}

/** What is asked of a claim and not answered, as the chain's events tell it now. */
export async function openDemands(connection: ChainConnection, id: bigint): Promise<SeenDemand[]> {
  const feed = createEventFeed(connection, memoryEventStore());
  await feed.refresh();
  return demandsOf(disputeEvents(feed)).filter(({ claimId, state }) => claimId === id && state === 'open');
}

/** Shows whatever is demanded, as it was claimed. Gas of each transaction. */
export async function showAsClaimed(connection: ChainConnection, wallet: Wallet, { claimId, adapterId, tracer, made }: MadeClaim): Promise<number[]> {
  const gas: number[] = [];
  const places = (await openDemands(connection, claimId)).flatMap(({ place }) => (place.depth === ASSERTION ? [] : [place]));
  if (places.some(({ depth }) => depth === FILE)) {
    gas.push(Number((await showFile(connection, wallet, claimId, shortForm(made.map(({ answer }) => answer), made.map(({ inputs }) => inputs)))).gasUsed));
  }
  for (const [k, { inputs, trace, workings }] of made.entries()) {
    const here = places.filter(({ answer, depth }) => answer === k && depth !== FILE);
    if (!here.length) continue;
    const nodes = new TraceNodes(TraceTree.of(trace));
    const shown = shownOf(tracer, inputs, here.filter((place) => !isOfWorkings(place)), nodes, (index, leaf) => leafValues(trace[index]!, leaf).values);
    if (workings) shown.push(...shownOfWorkings(tracer, inputs, workings, here.filter(isOfWorkings)));
    const opening = openAnswer(adapterId, made.map(({ answer }) => answer), k);
    for (const part of inTransactions(shown)) gas.push(Number((await revealPlaces(connection, wallet, claimId, opening, part)).gasUsed));
  }
  return gas;
}

/** Tries to refute what was asserted of the claim. Throws as refuteAssertion, `contract/assertion-holds` where it is right; gas of each transaction. */
export async function refuteAsserted(connection: ChainConnection, wallet: Wallet, { claimId, adapterId, tracer, made }: MadeClaim): Promise<number[]> {
  const gas: number[] = [];
  for (const { place, asserted } of await openDemands(connection, claimId)) {
    if (place.depth !== ASSERTION) continue;
    const { inputs, trace } = made[place.answer]!;
    const refutation = await refutationOf(tracer, inputs, TraceTree.of(trace), place, asserted!);
    gas.push(Number((await refuteAssertion(connection, wallet, claimId, openAnswer(adapterId, made.map(({ answer }) => answer), place.answer), place, refutation)).gasUsed));
  }
  return gas;
}

/** What a watcher sent about a claim, in order, but for what it fetched afterwards. */
export async function sentBy(connection: ChainConnection, events: readonly WatchEvent[], claimId: bigint): Promise<{ event: WatchEvent['event']; gas: number }[]> {
  const sent: { event: WatchEvent['event']; gas: number }[] = [];
  for (const { event, claim, transaction } of events) {
    if (claim !== String(claimId) || !transaction || event === 'returned' || event === 'withdrawn') continue;
    const { gasUsed } = await getTransactionReceipt(connection.publicClient, { hash: transaction as `0x${string}` });
    sent.push({ event, gas: Number(gasUsed) });
  }
  return sent;
}

export const total = (gas: readonly number[]): number => gas.reduce((a, b) => a + b, 0);
