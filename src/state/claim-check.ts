import { asDemanded } from '../chain/demand-places.ts';
import { type Place, samePlace } from '../chain/place.ts';
import { disputeEvents } from '../chain/game-events.ts';
import { type ClaimRecord, openingOf } from '../chain/list-claims.ts';
import { type Batch, openBatch, shownAnswers } from '../chain/open-batch.ts';
import type { ProofCall } from '../chain/proof-call.ts';
import { OpenLedgerError } from '../errors.ts';
import { fromHex, keccak256, toHex } from '../protocol/bytes.ts';
import type { ClaimEvidence, ClaimFinding, ClaimQuery, LoadProgress } from '../workers/engine.api.ts';
import type { Dispute } from './disputes-events.ts';
import { demandUntil } from './disputes-path.ts';
import { readClaimPrices } from './disputes-terms.ts';
import { EngineState } from './engine.svelte.ts';
import type { Session } from './session.svelte.ts';

type Plain = Exclude<ClaimFinding, { kind: 'false' | 'demand' }>;

/** What checking a claim here says, about whichever of its answers; `where` is for people. */
export type Finding =
  | Plain
  /** `of`: the answer that is false, as a claim of its own. */
  | { kind: 'false'; where: string; seconds: number; of: ClaimRecord; evidence: ClaimEvidence }
  /** False by what all answers of a batch say together. */
  | { kind: 'false'; where: string; seconds: number; of?: undefined; evidence: { kind: 'batch'; proof: ProofCall } }
  /** The same, and no transaction holds what shows it. */
  | { kind: 'unprovable'; where: string; seconds: number }
  /** `certain`: false, whatever is shown. */
  | { kind: 'demand'; where: string; seconds: number; certain: boolean; places: Place[] };

export type Challengeable = Extract<Finding, { kind: 'false' | 'demand' }>;

export interface CheckHooks {
  signal: AbortSignal;
  onProgress: (progress: LoadProgress | undefined) => void;
  /** How many of a batch's answers are right so far. */
  onRight?: (count: number) => void;
  /** Of a batch, this answer is looked at first: a challenge is about it. */
  first?: number | undefined;
}

/** What is said of a batch where several answers are not right: what can be done most about. */
const ORDER = ['false', 'demand', 'unprovable', 'unchecked', 'right'] as const;
const rank = (finding: Finding) => ORDER.indexOf(finding.kind) + (finding.kind === 'demand' && !finding.certain ? 0.5 : 0);

/** Computes claims again here, those about several answers answer by answer. */
export class ClaimCheck {
  readonly #session: Session;
  readonly #disputeOf: (claimId: bigint) => Dispute;
  /** Answers of batches that were found right: not computed twice. */
  readonly #right = new Set<string>();

  constructor(session: Session, disputeOf: (claimId: bigint) => Dispute) {
    this.#session = session;
    this.#disputeOf = disputeOf;
  }

  /** Errors: `cancelled`, `dispute/unknown-adapter`, `chain/…`, and what the engine's inspectClaim fails with. */
  async run(claim: ClaimRecord, hooks: CheckHooks): Promise<Finding> {
    const began = performance.now();
    const finding = claim.answer ? await this.#answer(claim, hooks) : await this.#batch(claim, hooks);
    return { ...finding, seconds: (performance.now() - began) / 1000 };
  }

  /** Each answer that is known as a claim of its own: all of one's own claim. */
  async answers(claim: ClaimRecord): Promise<ClaimRecord[]> {
    if (claim.answer) return [claim];
    const batch = await this.#open(claim);
    return batch.kind === 'false' ? [] : batch.claims;
  }

  /** What the engine is asked about one answer. */
  async query(claim: ClaimRecord): Promise<ClaimQuery> {
    const { chain } = this.#session;
    const [terms] = await Promise.all([chain.terms.once(), chain.adapters.once(), chain.datanets.once()]);
    const known = chain.knownAdapter(String(claim.adapterId));
    if (!known) {
      throw new OpenLedgerError({
        code: 'dispute/unknown-adapter', what: 'The adapter of this claim is not on the chain as this page reads it.', next: 'Reload the page; if it stays, the chain was replaced.',
      });
    }
    const { index, answer } = openingOf(claim);
    const dispute = this.#disputeOf(claim.claimId);
    const shown = dispute.demands.flatMap(({ shown: one }) => (one?.place.answer === Number(index) ? [one] : []));
    const prices = await readClaimPrices(chain.connection, claim.claimId);
    return {
      adapter: known.ref, programHash: known.adapter.programHash, answer: { ...answer, read: [...answer.read] }, receiptCid: claim.receiptCid, prices,
      shown: shown.map(({ place: { answer: _, ...place }, what, proof }) => ({ ...place, ...what, proof })),
      // With workings of payouts anything may have been shown as the tokens.
      inputs: shown.find(({ inputs }) => toHex(keccak256(fromHex(inputs))) === answer.inputsHash.toLowerCase())?.inputs,
      left: terms && { seconds: demandUntil(claim, dispute, terms) - (chain.blockTime || chain.now), replyTime: terms.replyTime },
    };
  }

  async #answer(claim: ClaimRecord, { signal, onProgress }: CheckHooks): Promise<Finding> {
    const progress = EngineState.until<LoadProgress>(onProgress);
    try {
      const query = await this.query(claim);
      const found = await this.#session.engine.job((api, job) => api.inspectClaim(job, query, progress.listen), signal);
      if (found.kind === 'false') return { ...found, of: claim };
      const answer = Number(openingOf(claim).index);
      return found.kind === 'demand' ? { ...found, places: found.places.map((place) => ({ answer, ...place })) } : found;
    } finally {
      progress.done();
      onProgress(undefined);
    }
  }

  /** First what is wrong with the answers together, then one after the other until one is certainly false. */
  async #batch(claim: ClaimRecord, hooks: CheckHooks): Promise<Finding> {
    const seconds = 0;
    const batch = await this.#open(claim);
    if (batch.kind === 'false') {
      const where = batch.why;
      return batch.proof ? { kind: 'false', where, seconds, evidence: { kind: 'batch', proof: batch.proof } } : { kind: 'unprovable', where, seconds };
    }
    const found: Finding[] = [];
    if (batch.kind === 'missing') found.push({ kind: 'demand', where: batch.why, seconds, certain: false, places: batch.places });
    const indexOf = (one: ClaimRecord) => Number(openingOf(one).index);
    let right = 0;
    for (const one of [...batch.claims].sort((a, b) => Number(indexOf(b) === hooks.first) - Number(indexOf(a) === hooks.first) || indexOf(a) - indexOf(b))) {
      const key = `${claim.claimId} ${claim.answersRoot} ${indexOf(one)}`;
      const finding = this.#right.has(key) ? undefined : await this.#answer(one, hooks);
      if (finding && finding.kind !== 'right') {
        found.push({ ...finding, where: `Answer ${indexOf(one)}: ${finding.where}` });
        if (finding.kind === 'false' || (finding.kind === 'demand' && finding.certain)) break;
        continue;
      }
      this.#right.add(key);
      hooks.onRight?.(++right);
    }
    const [worst] = found.sort((a, b) => rank(a) - rank(b));
    return worst ?? { kind: 'right', where: `All ${claim.answers} answers: traces and payouts follow.`, seconds };
  }

  async #open(claim: ClaimRecord): Promise<Batch> {
    const { chain, engine } = this.#session;
    await chain.feed.refresh();
    const file = await engine.readJson(claim.receiptCid).catch(() => undefined);
    return openBatch(claim, file, shownAnswers(disputeEvents(chain.feed), claim.claimId));
  }
}

/** All that it asked for has been answered since: there is more to know. */
export function isAnswered(finding: Finding, { demands }: Dispute): boolean {
  return finding.kind === 'demand' && asDemanded(finding.places, demands).every((at) => demands.some(({ place, state }) => samePlace(place, at) && state !== 'open'));
}
