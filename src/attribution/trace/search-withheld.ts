import type { Hex } from '../../protocol/bytes.ts';
import { type Assertion, type LeavesPlace, assertionFrom } from './assertion.ts';
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
  | { kind: 'demand'; places: TracePlace[]; left: number }
  /** Nothing has to be shown any more: the first false leaf is below this node of a matrix, and what follows there can be asserted. */
  | { kind: 'assert'; place: LeavesPlace; assertion: Assertion; left: number };

/**
 * Goes through what was shown of a claim whose trace is another than computed here. A leaf of which only one bit is false is told from its
 * hash, without a demand. Of a trace that is withheld altogether the last leaves are asserted, where `limits` allow it and they have values.
 * `partly`: what was published of the trace; `first`: the matrix in which it differs from that, if it was kept. Throws RangeError where a piece does not stand under the claim's root, `cancelled`.
 */
export async function searchWithheld(
  tracer: Tracer, inputs: TraceInputs, own: TraceTree, root: Hex, shown: readonly ShownPiece[],
  { limits = SEARCH_LIMITS, partly, first, ...options }: TraceOptions & { limits?: SearchLimits; partly?: PublishedTrace | undefined; first?: FirstFalse | undefined } = {},
): Promise<Searched> {
  const search = new NodeSearch(own, root);
  partly?.tell(search, own);
  for (const piece of shown) search.add(piece);
  const { found, falseLeaf, left } = search;
  if (found) return { kind: 'leaf', place: found, values: found.values, tree: search.tree() };
  const right = async (index: number) => (first?.index === index ? first.matrices : await tracer.matrices(inputs, [index], options)).get(index)!;
  const known = falseLeaf && search.proves(falseLeaf) ? { ...falseLeaf, matrix: await right(falseLeaf.index) } : undefined;
  const values = known && guessLeaf(known.matrix, known.leaf, known.hash);
  if (values) return { kind: 'leaf', place: known, values, tree: search.tree() };
  const asserts = limits.asserts && !partly;
  const places = search.next({ ...limits, asserts });
  const place = asserts ? search.lastNode(places) : undefined;
  const assertion = place && assertionFrom(tracer, inputs, own, place, known?.matrix ?? (await right(place.index)));
  return place && assertion ? { kind: 'assert', place, assertion, left } : { kind: 'demand', places, left };
}
