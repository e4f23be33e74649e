import type { TraceMatrix } from '../attribution/trace/evidence.ts';
import type { AnswerFinding } from '../attribution/trace/finding.ts';
import type { ShownPiece } from '../attribution/trace/node-search.ts';
import type { Shown } from '../attribution/trace/replies.ts';
import type { SearchTime } from '../attribution/trace/search-plan.ts';
import type { TracePlace } from '../attribution/trace/trace-nodes.ts';
import type { ClaimedAnswer } from '../protocol/answers.ts';
import type { ReceiptPrices } from '../protocol/divide-fee.ts';
import type { AdapterRef } from './engine.api.ts';

export type { ShownPiece } from '../attribution/trace/node-search.ts';
export type { TracePlace } from '../attribution/trace/trace-nodes.ts';

/** A claim about one answer, as the chain has it. The receipt that it names is words until it fits. */
export interface ClaimQuery {
  adapter: AdapterRef;
  /** What the adapter is registered with. */
  programHash: `0x${string}`;
  answer: ClaimedAnswer;
  receiptCid: string;
  /** By which it was paid. */
  prices: ReceiptPrices;
  /** Leaves and nodes of its trace that its claimant had to show. */
  shown: ShownPiece[];
  /** The tokens that it is about, as shown with them; what `answer.inputsHash` is the hash of. */
  inputs: `0x${string}` | undefined;
  /** Time to demand more in; absent: enough. */
  left?: SearchTime | undefined;
}

/** What disproves a claim. */
export type { AnswerEvidence as ClaimEvidence } from '../attribution/trace/finding.ts';

/** What computing a claim again says. */
export type ClaimFinding = AnswerFinding & { seconds: number };

/** What answers demands: what is there, as much as fits in each transaction, and the matrices of places that are not there. */
export interface DemandReplies {
  shown: Shown[][];
  missing: { place: TracePlace; matrix: TraceMatrix }[];
}
