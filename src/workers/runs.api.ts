import type { RunFacts } from '../attribution/runs/examine.ts';
import type { RunPlace } from '../attribution/runs/places.ts';
import type { RegisteredRoots } from '../attribution/runs/registered.ts';
import type { RunEvidence } from '../attribution/runs/run-evidence.ts';
import type { RepliesOfUnit } from '../attribution/runs/run-replies.ts';
import type { SearchTime } from '../attribution/trace/search-plan.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { AdapterRef } from './engine.api.ts';

export type { RunPlace } from '../attribution/runs/places.ts';
export type { SearchTime } from '../attribution/trace/search-plan.ts';

/** An adapter whose run is made again, with the roots that the chain has of it. */
export interface RegisteredRun extends RegisteredRoots {
  adapter: AdapterRef;
}

/** What its owner vouches for, as the chain has it. */
export interface VouchedRun {
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  /** The list of output roots, in the parts in which it was posted. */
  list: readonly Hex[];
}

/** What its owner had to show of it, `traces` by unit; and what time is `left` to demand more. */
export type ShownOfRun = Omit<RunFacts, 'list' | 'traces' | 'registered'> & { traces: [number, Hex][]; left?: SearchTime | undefined };

/** A statement made here, with the list that is posted with it. */
export interface RunStatementMade extends Omit<VouchedRun, 'list'> {
  roots: Uint8Array;
  seconds: number;
}

/** What making a run again says about a statement; `why` is for people. */
export type RunFinding = { why: string; seconds: number } & (
  | { kind: 'right' | 'other-plan' | 'other-outcome' }
  /** False, and everything that proves it is here. */
  | { kind: 'false'; evidence: RunEvidence }
  /** False, and its owner has to show these places before that can be proved. */
  | { kind: 'demand'; places: RunPlace[] }
);

/** What answers demands, unit by unit. */
export type RunReplies = RepliesOfUnit[];
