import type { TraceMatrix } from '../attribution/trace/evidence.ts';
import type { LeavesPlace } from '../attribution/trace/assertion.ts';
import type { AnswerFinding } from '../attribution/trace/finding.ts';
import type { ShownPiece } from '../attribution/trace/node-search.ts';
import type { Shown } from '../attribution/trace/replies.ts';
import type { SearchTime } from '../attribution/trace/search-plan.ts';
import type { TracePlace } from '../attribution/trace/trace-nodes.ts';
import type { ClaimedAnswer } from '../protocol/answers.ts';
import type { FiledAnswer } from '../protocol/answers-file.ts';
import type { ReceiptPrices } from '../protocol/divide-fee.ts';
import type { AdapterRef } from './engine.api.ts';

export type { Assertion, LeavesPlace, Refutation } from '../attribution/trace/assertion.ts';
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

/** What computing a claim again says. `ownRoot`: of the trace as it is computed here, where that is known to be another than the claim's. */
export type ClaimFinding = AnswerFinding & { seconds: number; ownRoot?: `0x${string}` | undefined };

/** What answers demands: what is there, as much as fits in each transaction, and the matrices of places that are not there. */
export interface DemandReplies {
  shown: Shown[][];
  missing: { place: TracePlace; matrix: TraceMatrix }[];
}

/** An answer of a batch as the claimant had to show it: protocol/answers-file.ts. */
export type FiledQuery = Pick<ClaimQuery, 'adapter' | 'programHash' | 'prices'> & { filed: FiledAnswer };

/** What computing such an answer again says. */
export type FiledFinding = { where: string; seconds: number } & (
  | { kind: 'right' }
  | { kind: 'unchecked' }
  /** False, and all of it is known: a claim about it can be inspected as any other. */
  | { kind: 'known'; answer: ClaimedAnswer }
  /** False, and of what was made only the hash is known. `ownRoot`: of the trace as it is computed here, where there is one. */
  | { kind: 'demand'; places: TracePlace[]; ownRoot: `0x${string}` | undefined }
);

/** Leaves below a node, as somebody asserts them of a claim; float32. */
export type SaidLeaves = LeavesPlace & { values: Float32Array };

/** An answer of a batch, and where its tokens may be: in its receipt, or shown on chain. */
export type AnswerToFile = Pick<ClaimQuery, 'answer' | 'receiptCid' | 'inputs'>;
