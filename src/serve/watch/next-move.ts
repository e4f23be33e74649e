import { findingOf } from '../../attribution/trace/finding.ts';
import type { ShownPiece } from '../../attribution/trace/node-search.ts';
import type { SearchLimits } from '../../attribution/trace/search-plan.ts';
import type { Assertion, LeavesPlace } from '../../attribution/trace/assertion.ts';
import type { TracePlace } from '../../attribution/trace/trace-nodes.ts';
import { type ClaimRecord, openingOf } from '../../chain/list-claims.ts';
import { type AnswerEvidence, type ProofCall, evidenceProof } from '../../chain/proof-call.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { Examined } from './examine.ts';

/** What to do about a claim that was found false: prove it, make its claimant show more first, say what follows in its place, or nothing. */
export type Move =
  | { kind: 'prove'; why: string; proof: ProofCall; evidence?: AnswerEvidence }
  /** `ownRoot`: of the trace as it is computed here, where it is. */
  | { kind: 'demand'; why: string; places: TracePlace[]; ownRoot: Hex | undefined }
  | { kind: 'assert'; why: string; place: LeavesPlace; assertion: Assertion }
  | { kind: 'none'; why: string };

/**
 * @param shown what the claimant has shown so far
 * @param limits of a search through a withheld trace
 */
export async function nextMove(claim: ClaimRecord, { inspection, tracer, records, clusters }: Examined, shown: readonly ShownPiece[], limits: SearchLimits): Promise<Move> {
  const opening = openingOf(claim);
  const found = await findingOf(tracer, inspection, { answer: opening.answer, records, clusters, shown }, { limits });
  const why = found.where;
  if (found.kind === 'demand') return { kind: 'demand', why, places: found.places, ownRoot: inspection.own?.tree.root };
  if (found.kind === 'assert') return { kind: 'assert', why, place: found.place, assertion: found.assertion };
  if (found.kind !== 'false') return { kind: 'none', why };
  const { evidence } = found;
  return { kind: 'prove', why, proof: evidenceProof(claim.claimId, opening, evidence), evidence };
}
