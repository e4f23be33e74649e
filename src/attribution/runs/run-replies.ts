import type { UnitShape } from '../trace/unit.ts';
import type { TraceMatrix } from '../trace/evidence.ts';
import { type NodesOpening, type Shown, inTransactions } from '../trace/replies.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import type { RunExaminer } from './examine.ts';
import { ALL_UNITS, type RunPlace, samePlace, tracePlace } from './places.ts';
import { hasPlace, unitReplies } from './replies.ts';
import { rootsReply } from './roots-search.ts';
import { type UnitOpening, openAlone } from './statement.ts';

/** What answers demands for places of one unit, a call each: Runs.showTrace, then Runs.reveal for each part, then Runs.showNoSuchPlace for each place. */
export interface RepliesOfUnit {
  unit: number;
  opening: UnitOpening;
  shape: UnitShape;
  /** Where the roots of its trace were demanded. */
  innerRoot: Hex | undefined;
  shown: Shown[][];
  missing: { place: RunPlace; matrix: TraceMatrix }[];
}

/** In place of the trace that the initial state does not have. */
const NO_TRACE = merkleRoot([]);
const NO_MATRIX: TraceMatrix = { header: { instructionsRoot: NO_TRACE, instructionCount: 0n, constantsRoot: NO_TRACE, constantCount: 0n, window: 0n }, inputs: '0x', index: 0, instruction: '0x', instructionProof: [] };

/** Answers demands for nodes of the tree of all units' roots: Runs.revealOutputs. */
export async function repliesAboutRoots(examiner: RunExaminer, places: readonly RunPlace[]): Promise<NodesOpening[]> {
  const own = await examiner.outputs();
  return places.filter(({ answer }) => answer === ALL_UNITS).flatMap((place) => rootsReply(own, place) ?? []);
}

/** Units of which something is demanded, in order of the demands. */
export const unitsOf = (places: readonly RunPlace[]): number[] => [...new Set(places.map(({ answer }) => answer))].filter((unit) => unit !== ALL_UNITS);

/** Answers the demands for places of one unit of a statement that is right; what it does not have is shown not to be there. Throws `cancelled`. */
export async function repliesOfUnit(examiner: RunExaminer, unit: number, demanded: readonly RunPlace[], options: { signal?: AbortSignal | undefined } = {}): Promise<RepliesOfUnit> {
  const opening = openAlone(await examiner.plan(), await examiner.outputs(), unit);
  const places = demanded.filter(({ answer }) => answer === unit);
  const rest = places.filter((place) => !samePlace(place, tracePlace(unit)));
  const traced = rest.length < places.length;
  if (unit === 0) return { unit, opening, shape: { outputs: 0, sources: [] }, innerRoot: traced ? NO_TRACE : undefined, shown: [], missing: rest.map((place) => ({ place, matrix: NO_MATRIX })) };
  const { parts, trace } = await examiner.unit(unit, options);
  const { tracer } = examiner.run;
  const there = rest.filter((place) => hasPlace(tracer, parts, place));
  return {
    unit, opening, shape: tracer.program(parts.kind).shape, innerRoot: traced ? trace.inner.root : undefined,
    shown: there.length ? inTransactions(await unitReplies(tracer, parts, trace, there, options)) : [],
    missing: rest.filter((place) => !there.includes(place)).map((place) => ({ place, matrix: tracer.matrix(parts.kind, parts.inputs, place.index) })),
  };
}
