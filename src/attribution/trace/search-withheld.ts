import type { Hex } from '../../protocol/bytes.ts';
import type { TraceInputs } from './instruction.ts';
import { type LeafPlace, guessLeaf } from './leaf-search.ts';
import { NodeSearch, type ShownPiece } from './node-search.ts';
import type { PublishedTrace } from './published.ts';
import { SEARCH_LIMITS, type SearchLimits } from './search-plan.ts';
import type { TracePlace } from './trace-nodes.ts';
import type { FirstFalse, TraceOptions, Tracer } from './tracer.ts';
import type { TraceTree } from './tree.ts';

/** How far a search through a withheld trace is. */
export type Searched =
  /** The first false leaf as claimed; `tree` proves it and what stands before it: stepEvidence takes both. */
  | { kind: 'leaf'; place: LeafPlace; values: Float32Array; tree: TraceTree }
  /** What has to be shown next; the first false leaf is among `left`. */
  | { kind: 'demand'; places: TracePlace[]; left: number };

/**
 * Goes through what was shown of a claim whose trace is another than computed here. A leaf of which only one bit is false is told from its
 * hash, without a demand. `partly`: what was published of the trace; `first`: the
 * matrix in which it differs from that, if it was kept. Throws RangeError where a piece does not stand under the claim's root, `cancelled`.
 */
export async function searchWithheld(
  tracer: Tracer, inputs: TraceInputs, own: TraceTree, root: Hex, shown: readonly ShownPiece[],
  { limits = SEARCH_LIMITS, partly, first, ...options }: TraceOptions & { limits?: SearchLimits; partly?: PublishedTrace | undefined; first?: FirstFalse | undefined } = {},
): Promise<Searched> {
  const search = new NodeSearch(own, root);
  partly?.tell(search, own);
  for (const piece of shown) search.add(piece);
  const { found, falseLeaf } = search;
  if (found) return { kind: 'leaf', place: found, values: found.values, tree: search.tree() };
  if (falseLeaf && search.proves(falseLeaf)) {
    const { index } = falseLeaf;
    const right = (first?.index === index ? first.matrices : await tracer.matrices(inputs, [index], options)).get(index)!;
    const values = guessLeaf(right, falseLeaf.leaf, falseLeaf.hash);
    if (values) return { kind: 'leaf', place: falseLeaf, values, tree: search.tree() };
  }
  return { kind: 'demand', places: search.next(limits), left: search.left };
}
