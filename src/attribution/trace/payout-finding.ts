import type { ClaimedAnswer } from '../../protocol/answers.ts';
import { type Payout, payoutLeaf } from '../../protocol/fee.ts';
import type { Workings } from '../../protocol/payout-workings.ts';
import type { VersionRecord } from '../../protocol/record.ts';
import { PAYOUTS, isOfWorkings } from '../../protocol/workings-places.ts';
import type { Inspection } from './inspect.ts';
import { NodeSearch, type ShownNodes, type ShownPiece } from './node-search.ts';
import { type FalsePayout, type PayoutEvidence, payoutEvidence } from './payout-evidence.ts';
import { firstFalsePayout, searchPayouts } from './payouts-search.ts';
import { SEARCH_LIMITS, type SearchLimits } from './search-plan.ts';
import type { TracePlace } from './trace-nodes.ts';
import type { Tracer } from './tracer.ts';
import { endToEnd, fromClaim, toClaim, workingsTree } from './workings-tree.ts';

/** Rounds of demands in which a claim's workings are searched: even of 100,000 records they have fewer than 20,000 leaves. */
const ROUNDS = 2;
/** In place of a claim's root, before anything was shown under it. */
const NOT_KNOWN = `0x${'00'.repeat(32)}` as const;

/** What disproves payouts, or what has to be shown of the claim's workings or payouts before that can be said. */
export type FalsePayouts = { kind: 'false'; evidence: PayoutEvidence } | { kind: 'demand'; places: TracePlace[]; left: number };

export interface PayoutsOf {
  answer: ClaimedAnswer;
  /** Of the Datanet version. */
  records: readonly VersionRecord[];
  /** run.datanet.clusters. */
  clusters?: readonly number[] | undefined;
  /** What the claimant has shown so far; what is of the trace is passed over. */
  shown: readonly ShownPiece[];
}

/**
 * Of an answer whose trace is right and whose payouts are not (inspectAnswer): the first row of its workings that does not follow, or the first
 * payout. Undefined where what was shown is what is computed here. Throws RangeError for a piece that does not stand under the claim's roots.
 */
export function payoutFinding(tracer: Tracer, { verdict, inputs, own, workings, payouts }: Inspection, { answer, records, clusters, shown }: PayoutsOf, limits: SearchLimits = SEARCH_LIMITS): FalsePayouts | undefined {
  if (verdict.kind !== 'payout' || !inputs || !own) throw new RangeError('no false payouts');
  const found = falsePayout(verdict.fault, workings, answer, payouts, shown, limits);
  if (found.kind === 'demand') return found;
  const evidence = payoutEvidence({ tracer, inputs, own, workings, records, clusters, read: answer.read }, found);
  return evidence && { kind: 'false', evidence };
}

type Fault = Extract<Inspection['verdict'], { kind: 'payout' }>['fault'];

function falsePayout(fault: Fault, workings: Inspection['workings'], answer: ClaimedAnswer, listed: readonly Payout[] | undefined, shown: readonly ShownPiece[], limits: SearchLimits): FalsePayout | Extract<FalsePayouts, { kind: 'demand' }> {
  if (fault === 'read' || !workings) return { kind: 'read' };
  if (fault === 'sums') return { kind: 'totals' };
  if (fault === 'workings') {
    const search = new NodeSearch(workingsTree(workings), answer.workingsRoot);
    for (const piece of shown) {
      const own = fromClaim(piece);
      if (own) search.add(own);
    }
    const { found } = search;
    if (found) return { kind: 'workings', place: found, values: found.values, tree: search.tree() };
    return { kind: 'demand', left: search.left, places: nextOfWorkings(search, limits) };
  }
  const own = endToEnd(workings.payouts.map(payoutLeaf));
  const theirs = listed && firstFalsePayout(own, endToEnd(listed.map(payoutLeaf)));
  if (theirs) return theirs;
  return searchPayouts(own, answer.payoutRoot, shown.filter((piece): piece is ShownNodes => piece.index === PAYOUTS && 'hashes' in piece));
}

function nextOfWorkings(search: NodeSearch, limits: SearchLimits): TracePlace[] {
  return search.next({ ...limits, rounds: Math.min(ROUNDS, limits.rounds), cuts: false, asserts: false }).map(toClaim);
}

/** What is asked for first of a claim's workings that are others, whatever they are. */
export function workingsBegin(workings: Pick<Workings, 'tables'>, limits: SearchLimits = SEARCH_LIMITS): TracePlace[] {
  return nextOfWorkings(new NodeSearch(workingsTree(workings), NOT_KNOWN), limits);
}

/** What was shown of the trace itself. */
export const ofTrace = (shown: readonly ShownPiece[]): ShownPiece[] => shown.filter((piece) => !isOfWorkings(piece));
