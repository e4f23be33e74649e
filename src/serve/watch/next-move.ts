import { payoutEvidence, stepEvidence } from '../../attribution/trace/evidence.ts';
import { placeWords } from '../../attribution/trace/inspect.ts';
import { type LeafPlace, LeafSearch, type ShownLeaf } from '../../attribution/trace/leaf-search.ts';
import { inputsBytes } from '../../attribution/trace/step.ts';
import { type ClaimRecord, openingOf } from '../../chain/list-claims.ts';
import { type ProofCall, type StepEvidence, inputsProof, payoutProof, stepProof } from '../../chain/proof-call.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Examined } from './examine.ts';

/** What to do about a claim that was found false: prove it, make its claimant show more first, or nothing. */
export type Move =
  | { kind: 'prove'; why: string; proof: ProofCall; step?: StepEvidence }
  | { kind: 'demand'; why: string; places: LeafPlace[] }
  | { kind: 'none'; why: string };

/**
 * @param shown leaves that the claimant has shown so far
 * @param width how many leaves may be demanded at once
 */
export async function nextMove(claim: ClaimRecord, { inspection, tracer, records, clusters }: Examined, shown: readonly ShownLeaf[], width: (left: number) => number): Promise<Move> {
  const { verdict, inputs, own, claimed, values } = inspection;
  const opening = openingOf(claim);
  const why = verdict.where;
  const byStep = async (leaf: ShownLeaf, tree: NonNullable<typeof claimed>): Promise<Move> => {
    const step = await stepEvidence(tracer, inputs!, tree, leaf, leaf.values);
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
      const leaf = values ? { ...place, values, proof: [] } : shown.find(({ index, leaf: at }) => index === place.index && at === place.leaf);
      return leaf ? byStep(leaf, claimed!) : { kind: 'demand', why, places: [place] };
    }
    case 'trace-missing': {
      if (!own) return { kind: 'demand', why, places: [verdict.place] };
      const search = new LeafSearch(own.tree, claim.answer!.traceRoot);
      for (const leaf of shown) search.add(leaf);
      if (search.found) return byStep(search.found, search.tree());
      return { kind: 'demand', why: `${why} The first false one is among ${search.left}.`, places: search.next(width(search.left)) };
    }
    case 'inputs-unknown':
      return { kind: 'demand', why, places: [verdict.place] };
    default:
      return { kind: 'none', why };
  }
}

/** Leaves to demand at once so that a search among `left` ends while replies can be waited for; each round may take all of `replyTime`. */
export function searchWidth(left: number, seconds: number, replyTime: number, most: number): number {
  const rounds = Math.max(1, Math.floor(seconds / replyTime));
  let width = 1;
  while (width < most && Math.pow(width + 1, rounds) < left) width++;
  return width;
}
