import type { RunFacts } from '../attribution/runs/examine.ts';
import type { RunPlace } from '../attribution/runs/places.ts';
import type { RegisteredRoots } from '../attribution/runs/registered.ts';
import type { RunEvidence } from '../attribution/runs/run-evidence.ts';
import type { RepliesOfUnit } from '../attribution/runs/run-replies.ts';
import type { ClaimedTrace } from '../attribution/runs/unit-case.ts';
import type { NodesOpening } from '../attribution/trace/replies.ts';
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
  /** Of the list of output roots: words until it fits. */
  cid: string;
}

/** What its owner had to show of it, `traces` by unit; and what time is `left` to demand more. */
export type ShownOfRun = Omit<RunFacts, 'list' | 'traces' | 'registered'> & { traces: [number, ClaimedTrace][]; left?: SearchTime | undefined };

/** A statement made here, its list of roots published. */
export interface RunStatementMade extends VouchedRun {
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

/** What answers demands. */
export interface RunReplies {
  /** Nodes of the tree of all units' roots. */
  roots: NodesOpening[];
  units: RepliesOfUnit[];
}
