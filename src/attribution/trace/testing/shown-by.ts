import type { ShownPiece } from '../node-search.ts';
import type { Matrix } from '../run.ts';
import { TraceNodes, type TracePlace } from '../trace-nodes.ts';
import { TraceTree, cutOf, leafValues } from '../tree.ts';

/** A claimant who shows whatever is demanded of a trace. */
export function shownBy(trace: readonly Matrix[]): (place: TracePlace) => ShownPiece {
  const nodes = new TraceNodes(TraceTree.of(trace));
  return (place) => (place.depth ? { index: place.index, ...nodes.opening(place) } : { ...place, values: valuesBelow(trace[place.index]!, place), proof: nodes.proof(place) });
}

/** Values of all leaves below a node. */
function valuesBelow(matrix: Matrix, { leaf, level }: TracePlace): Float32Array {
  const end = Math.min((leaf + 1) * 2 ** level, cutOf(matrix.rows, matrix.columns).count);
  const leaves: number[][] = [];
  for (let k = leaf * 2 ** level; k < end; k++) leaves.push([...leafValues(matrix, k).values]);
  return Float32Array.from(leaves.flat());
}
