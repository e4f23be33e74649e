import { payoutEvidence, stepEvidence } from '../../attribution/trace/evidence.ts';
import { placeWords } from '../../attribution/trace/inspect.ts';
import type { LeafPlace } from '../../attribution/trace/leaf-search.ts';
import type { ShownPiece } from '../../attribution/trace/node-search.ts';
import { SEARCH_LIMITS, type SearchLimits } from '../../attribution/trace/search-plan.ts';
import { searchWithheld } from '../../attribution/trace/search-withheld.ts';
import { inputsBytes } from '../../attribution/trace/step.ts';
import { type TracePlace, leafPlace } from '../../attribution/trace/trace-nodes.ts';
import { type ClaimRecord, openingOf } from '../../chain/list-claims.ts';
import { type ProofCall, type StepEvidence, inputsProof, payoutProof, stepProof } from '../../chain/proof-call.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Examined } from './examine.ts';

/** What to do about a claim that was found false: prove it, make its claimant show more first, or nothing. */
export type Move =
  | { kind: 'prove'; why: string; proof: ProofCall; step?: StepEvidence }
  | { kind: 'demand'; why: string; places: TracePlace[] }
  | { kind: 'none'; why: string };

/**
 * @param shown what the claimant has shown so far
 * @param limits of a search through a withheld trace
 */
export async function nextMove(claim: ClaimRecord, { inspection, tracer, records, clusters }: Examined, shown: readonly ShownPiece[], limits: SearchLimits): Promise<Move> {
  const { verdict, inputs, own, claimed, values, first } = inspection;
  const opening = openingOf(claim);
  const why = verdict.where;
  const byStep = async (leaf: LeafPlace, values: Float32Array, tree: NonNullable<typeof claimed>): Promise<Move> => {
    const step = await stepEvidence(tracer, inputs!, tree, leaf, values, { first });
    if (!step) return { kind: 'none', why: `What was shown of ${placeWords(tracer, leaf)} is what is computed here.` };
    return { kind: 'prove', why: `False first in ${placeWords(tracer, leaf, step)}.`, proof: stepProof(claim.claimId, opening, step), step };
  };
  switch (verdict.kind) {
    case 'inputs':
      return { kind: 'prove', why, proof: inputsProof(claim.claimId, opening, toHex(inputsBytes(inputs!))) };
    case 'payout':
      if (!verdict.provable) return { kind: 'none', why: `${why} It has more records than one transaction can prove.` };
      return { kind: 'prove', why, proof: payoutProof(claim.claimId, opening, payoutEvidence(tracer, inputs!, own!, records, clusters)) };
    case 'step': {
      const { place } = verdict;
      const leaf = values ?? shownValues(shown, place);
      return leaf ? byStep(place, leaf, claimed!) : { kind: 'demand', why, places: [leafPlace(place)] };
    }
    case 'trace-missing': {
      if (!own) return { kind: 'demand', why, places: [leafPlace(verdict.place)] };
      const found = await searchWithheld(tracer, inputs!, own.tree, opening.answer.traceRoot, shown, { limits });
      if (found.kind === 'leaf') return byStep(found.place, found.values, found.tree);
      return { kind: 'demand', why: `${why} The first false leaf is among ${found.left}.`, places: found.places };
    }
    case 'inputs-unknown':
      return { kind: 'demand', why, places: [verdict.place] };
    default:
      return { kind: 'none', why };
  }
}

/** Values of a leaf, if it is among what was shown. */
function shownValues(shown: readonly ShownPiece[], { index, leaf }: LeafPlace): Float32Array | undefined {
  for (const piece of shown) if ('values' in piece && piece.index === index && piece.leaf === leaf) return piece.values;
  return undefined;
}

/** Demands can be made for `seconds`, and each round takes all of `replyTime` at worst. */
export function searchLimits(seconds: number, replyTime: number, places: number): SearchLimits {
  return { ...SEARCH_LIMITS, most: Math.max(1, Math.min(SEARCH_LIMITS.most, 1 + Math.floor(seconds / replyTime))), places: Math.max(1, Math.min(SEARCH_LIMITS.places, places)) };
}
