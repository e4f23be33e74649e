import { concat } from '../../../protocol/bytes.ts';
import type { ShownPiece } from '../node-search.ts';
import type { Matrix } from '../run.ts';
import { TraceNodes, type TracePlace } from '../trace-nodes.ts';
import { TraceTree, cutOf, floatBytes, leafValues } from '../tree.ts';

/** A claimant who shows whatever is demanded of a trace. */
export function shownBy(trace: readonly Matrix[]): (place: TracePlace) => ShownPiece {
  const nodes = new TraceNodes(TraceTree.of(trace));
  return (place) => (place.depth ? { index: place.index, ...nodes.opening(place) } : { ...place, values: valuesBelow(trace[place.index]!, place), proof: nodes.proof(place) });
}

/** Values of all leaves below a node, to the bit: what is no number has its bits too. */
function valuesBelow(matrix: Matrix, { leaf, level }: TracePlace): Float32Array {
  const end = Math.min((leaf + 1) * 2 ** level, cutOf(matrix.rows, matrix.columns).count);
  const leaves: Uint8Array[] = [];
  for (let k = leaf * 2 ** level; k < end; k++) leaves.push(floatBytes(leafValues(matrix, k).values));
  return new Float32Array(concat(...leaves).buffer);
}
