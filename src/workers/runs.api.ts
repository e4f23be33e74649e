import type { Hex } from '../protocol/bytes.ts';
import type { AdapterRef } from './engine.api.ts';

/** An adapter whose run is made again, with the roots that the chain has of it. */
export interface RegisteredRun {
  adapter: AdapterRef;
  adapterRoot: Hex;
  checkpointsRoot: Hex;
}

/** What its owner vouches for, as the chain has it. */
export interface VouchedRun {
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  /** Of the list of output roots: words until it fits. */
  cid: string;
}

/** A statement made here, its list of roots published. */
export interface RunStatementMade extends VouchedRun {
  seconds: number;
}

/** What making a run again says about a statement; `why` is for people. */
export interface RunFinding {
  kind: 'right' | 'false' | 'other-plan' | 'other-outcome';
  why: string;
  seconds: number;
}
