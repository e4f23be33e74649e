import { type Shown, leavesOpening } from '../trace/replies.ts';
import { ALL_MATRICES, TraceNodes, isIn } from '../trace/trace-nodes.ts';
import { cutOf, leafValues } from '../trace/tree.ts';
import type { UnitTrace, UnitTracer } from '../trace/unit-tracer.ts';
import { ALL_OUTPUTS, type RunPlace } from './places.ts';
import type { UnitParts } from './unit-case.ts';

/** Whether a unit has a place. The root of its trace is none of its pieces. */
export function hasPlace(tracer: UnitTracer, { kind, inputs }: Pick<UnitParts, 'kind' | 'inputs'>, place: RunPlace): boolean {
  const first = tracer.firstOutput(kind);
  const shapes = tracer.shapes(kind, inputs);
  const shape = shapes[place.index];
  if (place.depth === 0) return shape !== undefined && isIn(cutOf(shape.rows, shape.columns).count, place);
  return isIn(place.index === ALL_MATRICES ? first : place.index === ALL_OUTPUTS ? shapes.length - first : shape ? cutOf(shape.rows, shape.columns).count : 0, place);
}

/** Answers to demands for places of one unit that is right, matrix by matrix. `trace` is its own. Throws RangeError for a place that it does not have, `cancelled`. */
export async function unitReplies(tracer: UnitTracer, { kind, inputs, sources }: UnitParts, { inner, outputs }: UnitTrace, places: readonly RunPlace[], options: { signal?: AbortSignal | undefined } = {}): Promise<Shown[]> {
  const first = tracer.firstOutput(kind);
  const nodes = { inner: new TraceNodes(inner), outputs: new TraceNodes(outputs) };
  const shown = new Map<number, Shown>();
  const of = (index: number) => {
    if (!shown.has(index)) shown.set(index, { matrix: tracer.matrix(kind, inputs, index), leaves: [], nodes: [] });
    return shown.get(index)!;
  };
  for (const place of places) {
    if (!hasPlace(tracer, { kind, inputs }, place)) throw new RangeError(`no place ${JSON.stringify(place)}`);
    const { index, leaf, level, depth } = place;
    if (depth === 0) continue;
    const outside = index === ALL_OUTPUTS || (index !== ALL_MATRICES && index >= first);
    of(index).nodes.push(nodes[outside ? 'outputs' : 'inner'].opening({ index: index === ALL_OUTPUTS ? ALL_MATRICES : outside ? index - first : index, leaf, level, depth }));
  }
  const leaves = places.filter(({ depth }) => depth === 0);
  const matrices = leaves.length ? await tracer.matrices(kind, inputs, sources, leaves.map(({ index }) => index), options) : new Map();
  for (const place of leaves) {
    const { index } = place;
    const [tree, at] = index < first ? [nodes.inner, index] : [nodes.outputs, index - first];
    of(index).leaves.push(leavesOpening(place, tree.of(at).count, tree.proof({ ...place, index: at }), (leaf) => leafValues(matrices.get(index)!, leaf).values));
  }
  return [...shown.values()];
}
