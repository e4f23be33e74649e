import { ORDER, type Workings } from '../../protocol/payout-workings.ts';
import { ALL_TABLES, PAYOUTS, WORKINGS } from '../../protocol/workings-places.ts';
import type { TraceMatrix } from './evidence.ts';
import type { TraceInputs } from './instruction.ts';
import { type NodesOpening, type Shown, matrixAt, shownOf } from './replies.ts';
import { CUT, TraceNodes, type TracePlace, isIn } from './trace-nodes.ts';
import type { Tracer } from './tracer.ts';
import { cutOf } from './tree.ts';
import { fromClaim, payoutNodes, workingsLeaf, workingsTree } from './workings-tree.ts';

/** Answers to demands for places of a claim's workings and payouts that are right. Throws RangeError for a place that is not there (noSuchWorkings). */
export function workingsReplies(tracer: Tracer, inputs: TraceInputs, workings: Workings, places: readonly TracePlace[]): Shown[] {
  for (const place of places) if (noSuchWorkings(workings, place)) throw new RangeError(`no place ${place.leaf} of workings ${place.index}`);
  return shownOfWorkings(tracer, inputs, workings, places);
}

/** What shows `places` of any workings and payouts. Neither follows an instruction: their sizes are the Datanet version's and the answer's. */
export function shownOfWorkings(tracer: Tracer, inputs: TraceInputs, workings: Pick<Workings, 'tables' | 'payouts'>, places: readonly TracePlace[]): Shown[] {
  const ofTables = places.flatMap((place) => fromClaim(place) ?? []);
  const shown = ofTables.length ? shownOf(tracer, inputs, ofTables, new TraceNodes(workingsTree(workings)), (index, leaf) => workingsLeaf(workings, { index, leaf })) : [];
  const tables = shown.map(({ matrix, ...rest }) => ({ matrix: treeAt(tracer, inputs, matrix.index < WORKINGS ? WORKINGS + matrix.index : ALL_TABLES), ...rest }));
  const nodes = payoutNodes(workings);
  const payouts = places.flatMap(({ index, leaf, level, depth }): NodesOpening[] =>
    index === PAYOUTS && nodes ? [{ leaf, level, depth, hashes: nodes.below(level, leaf, depth), proof: nodes.siblings(level, leaf) }] : []);
  return payouts.length ? [...tables, { matrix: treeAt(tracer, inputs, PAYOUTS), leaves: [], nodes: payouts }] : tables;
}

/** Which tree. Without the tokens: whoever asks for workings has computed with them. */
const treeAt = (tracer: Tracer, inputs: TraceInputs, index: number): TraceMatrix => ({ ...matrixAt(tracer, inputs, index), inputs: '0x' });

/** Whether a demanded place of workings or payouts does not exist. */
export function noSuchWorkings({ tables, payouts }: Pick<Workings, 'tables' | 'payouts'>, place: TracePlace): boolean {
  // There are no cuts of these trees.
  if (place.depth === CUT) return false;
  if (place.index === ALL_TABLES) return !isIn(tables.length, place);
  if (place.index === PAYOUTS) return payouts.length === 0 || !isIn(payouts.length, place);
  const { rows, columns } = tables[place.index - WORKINGS] ?? tables[ORDER]!;
  return !isIn(cutOf(rows, columns).count, place);
}
