import type { UnitShape } from '../trace/unit.ts';
import type { TraceMatrix } from '../trace/evidence.ts';
import { type Shown, inTransactions } from '../trace/replies.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import type { RunExaminer } from './examine.ts';
import { type RunPlace, samePlace, tracePlace } from './places.ts';
import { hasPlace, unitReplies } from './replies.ts';
import { type UnitOpening, openAlone } from './statement.ts';

/** What one call of Runs.reveal shows. */
export interface UnitReply {
  /** Where the root of the unit's trace was demanded: only who vouched can show it. */
  innerRoot: Hex | undefined;
  shown: Shown[];
}

/** What answers demands for places of one unit: Runs.reveal for each reply, then Runs.showNoSuchPlace for each place that it does not have. */
export interface RepliesOfUnit {
  unit: number;
  opening: UnitOpening;
  shape: UnitShape;
  replies: UnitReply[];
  missing: { place: RunPlace; matrix: TraceMatrix }[];
}

/** In place of the trace that the initial state does not have. */
const NO_TRACE = merkleRoot([]);
const NO_MATRIX: TraceMatrix = { header: { instructionsRoot: NO_TRACE, instructionCount: 0n, constantsRoot: NO_TRACE, constantCount: 0n, window: 0n }, inputs: '0x', index: 0, instruction: '0x', instructionProof: [] };

/** Units of which something is demanded, in order of the demands. */
export const unitsOf = (places: readonly RunPlace[]): number[] => [...new Set(places.map(({ answer }) => answer))];

/** Answers the demands for places of one unit of a statement that is right; what it does not have is shown not to be there. Throws `cancelled`. */
export async function repliesOfUnit(examiner: RunExaminer, unit: number, demanded: readonly RunPlace[], options: { signal?: AbortSignal | undefined } = {}): Promise<RepliesOfUnit> {
  const opening = openAlone(await examiner.plan(), await examiner.outputs(), unit);
  const places = demanded.filter(({ answer }) => answer === unit);
  const rest = places.filter((place) => !samePlace(place, tracePlace(unit)));
  const traced = rest.length < places.length;
  if (unit === 0) return { unit, opening, shape: { outputs: 0, sources: [] }, replies: traced ? [{ innerRoot: NO_TRACE, shown: [] }] : [], missing: rest.map((place) => ({ place, matrix: NO_MATRIX })) };
  const { parts, trace } = await examiner.unit(unit, options);
  const { tracer } = examiner.run;
  const there = rest.filter((place) => hasPlace(tracer, parts, place));
  const calls = there.length ? inTransactions(await unitReplies(tracer, parts, trace, there, options)) : [];
  // The root comes first: what is shown with it stands under it.
  if (traced && !calls.length) calls.push([]);
  return {
    unit, opening, shape: tracer.program(parts.kind).shape,
    replies: calls.map((shown, k) => ({ innerRoot: traced && k === 0 ? trace.inner.root : undefined, shown })),
    missing: rest.filter((place) => !there.includes(place)).map((place) => ({ place, matrix: tracer.matrix(parts.kind, parts.inputs, place.index) })),
  };
}
