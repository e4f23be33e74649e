import { ALL_MATRICES, type TracePlace } from '../trace/trace-nodes.ts';

/**
 * What the maker of a statement can be made to show: Place in contracts/src/interfaces/IGames.sol, as contracts/src/Runs.sol reads
 * it. `answer` is the unit. Matrices of a unit are counted over all its instructions.
 */
export interface RunPlace extends TracePlace {
  answer: number;
}

/** `index` of the tree over a unit's outputs; ALL_MATRICES is the tree over its inner matrices. */
export const ALL_OUTPUTS = ALL_MATRICES - 1;

/** The root of a unit's trace. Nothing else of it can be demanded before; together with it, after it in the same call, everything. */
export const tracePlace = (unit: number): RunPlace => ({ answer: unit, index: ALL_MATRICES, leaf: 0, level: 0, depth: 0 });

export const samePlace = (a: RunPlace, b: RunPlace): boolean => a.answer === b.answer && a.index === b.index && a.leaf === b.leaf && a.level === b.level && a.depth === b.depth;

/** For people. */
export function describePlace(place: RunPlace): string {
  const { answer, index, leaf, level, depth } = place;
  const nodes = `nodes ${depth} below node ${leaf} of level ${level}`;
  if (samePlace(place, tracePlace(answer))) return `the trace’s root of unit ${answer}`;
  if (index === ALL_MATRICES || index === ALL_OUTPUTS) return `${nodes} of unit ${answer}’s ${index === ALL_OUTPUTS ? 'outputs' : 'inner matrices'}`;
  const leaves = level ? `up to ${2 ** level} leaves from ${leaf * 2 ** level} on` : `leaf ${leaf}`;
  return `${depth ? nodes : leaves} of matrix ${index} of unit ${answer}`;
}
