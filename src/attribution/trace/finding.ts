import type { ClaimedAnswer } from '../../protocol/answers.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import type { VersionRecord } from '../../protocol/record.ts';
import type { Assertion, LeavesPlace } from './assertion.ts';
import { stepEvidence } from './evidence.ts';
import { type Inspection, placeWords } from './inspect.ts';
import { type LeafPlace, singleLeaves } from './leaf-search.ts';
import type { ShownPiece } from './node-search.ts';
import type { PayoutEvidence } from './payout-evidence.ts';
import { ofTrace, payoutFinding } from './payout-finding.ts';
import type { SearchLimits } from './search-plan.ts';
import { searchWithheld } from './search-withheld.ts';
import { type Step, inputsBytes } from './step.ts';
import { type TracePlace, leafPlace } from './trace-nodes.ts';
import type { TraceOptions, Tracer } from './tracer.ts';
import type { TraceTree } from './tree.ts';

/** What disproves a claim about an answer. */
export type AnswerEvidence = { kind: 'step'; step: Step } | { kind: 'payout'; evidence: PayoutEvidence } | { kind: 'inputs'; inputs: Hex };

/** What follows from an inspection, for whoever challenges: page and watcher alike. `where` is for people. */
export type AnswerFinding = { where: string } & (
  | { kind: 'right' }
  /** False, and everything that proves it is here. */
  | { kind: 'false'; evidence: AnswerEvidence }
  /** Pieces that the claimant has to show before it can be proved. `certain`: false, whatever is shown. */
  | { kind: 'demand'; certain: boolean; places: TracePlace[] }
  /** Leaves below this node that follow, of which the claimant has others: whoever asserts them needs no more of the claim. */
  | { kind: 'assert'; place: LeavesPlace; ownRoot: Hex; assertion: Assertion }
  /** Nothing can be said here. */
  | { kind: 'unchecked' }
);

export interface FindingOf {
  answer: ClaimedAnswer;
  /** Of the Datanet version. */
  records: readonly VersionRecord[];
  /** run.datanet.clusters. */
  clusters?: readonly number[] | undefined;
  /** What the claimant has shown so far. */
  shown: readonly ShownPiece[];
}

/** `limits` of a search through a withheld trace. Throws `cancelled`, RangeError for a piece that does not stand under the claim's root. */
export async function findingOf(tracer: Tracer, inspection: Inspection, { answer, records, clusters, shown: all }: FindingOf, options: TraceOptions & { limits?: SearchLimits } = {}): Promise<AnswerFinding> {
  const { verdict, inputs, own, claimed, partly, values, first } = inspection;
  const shown = ofTrace(all);
  const { where } = verdict;
  const byStep = async (place: LeafPlace, leaf: Float32Array, tree: TraceTree): Promise<AnswerFinding> => {
    const step = await stepEvidence(tracer, inputs!, tree, place, leaf, { ...options, first });
    // A leaf whose hash differs and whose values do not: nothing that the contract would take as proof.
    if (!step) return { kind: 'unchecked', where: `What was shown of ${placeWords(tracer, place)} is what is computed here.` };
    return { kind: 'false', where: `False first in ${placeWords(tracer, place, step)}.`, evidence: { kind: 'step', step } };
  };
  switch (verdict.kind) {
    case 'right':
    case 'unchecked':
      return { kind: verdict.kind, where };
    case 'inputs':
      return { kind: 'false', where, evidence: { kind: 'inputs', inputs: toHex(inputsBytes(inputs!)) } };
    case 'payout': {
      const found = payoutFinding(tracer, inspection, { answer, records, clusters, shown: all }, options.limits);
      if (!found) return { kind: 'unchecked', where: 'What was shown of the payouts’ workings is what is computed here.' };
      if (found.kind === 'demand') return { kind: 'demand', where: `${where} What is false first is among ${found.left} pieces of them.`, certain: true, places: found.places };
      return { kind: 'false', where, evidence: { kind: 'payout', evidence: found.evidence } };
    }
    case 'step': {
      const { place } = verdict;
      const leaf = values ?? (own && shownValues(own.tree, shown, place));
      return leaf ? byStep(place, leaf, claimed!) : { kind: 'demand', where, certain: true, places: [leafPlace(place)] };
    }
    case 'inputs-unknown':
      return { kind: 'demand', where, certain: false, places: [verdict.place] };
    case 'trace-missing': {
      if (!own) return { kind: 'demand', where, certain: true, places: [leafPlace(verdict.place)] };
      const found = await searchWithheld(tracer, inputs!, own.tree, answer.traceRoot, shown, { ...options, partly, first });
      if (found.kind === 'leaf') return byStep(found.place, found.values, found.tree);
      const among = `${where} The first false leaf is among ${found.left}.`;
      if (found.kind === 'assert') return { kind: 'assert', where: among, place: found.place, ownRoot: found.assertion.ownRoot, assertion: found.assertion };
      return { kind: 'demand', where: among, certain: true, places: found.places };
    }
  }
}

/** Values of a leaf, if it is among what was shown. */
function shownValues(tree: TraceTree, shown: readonly ShownPiece[], { index, leaf }: LeafPlace): Float32Array | undefined {
  for (const piece of shown) {
    if (!('values' in piece) || piece.index !== index) continue;
    const { first, leaves } = singleLeaves(tree.tensors[index]!, piece);
    if (leaves[leaf - first]) return leaves[leaf - first];
  }
  return undefined;
}
