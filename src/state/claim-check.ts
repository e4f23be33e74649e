import { asDemanded } from '../chain/demand-places.ts';
import { type Place, filePlace, samePlace } from '../chain/place.ts';
import { disputeEvents } from '../chain/game-events.ts';
import { type ClaimRecord, openingOf } from '../chain/list-claims.ts';
import { type Batch, claimOfFiled, openBatch } from '../chain/open-batch.ts';
import type { ProofCall } from '../chain/proof-call.ts';
import type { Revealed } from '../chain/revealed-places.ts';
import { OpenLedgerError } from '../errors.ts';
import type { FiledAnswer } from '../protocol/answers-file.ts';
import { type Hex, fromHex, keccak256, toHex } from '../protocol/bytes.ts';
import type { AnswerToFile, Assertion, ClaimEvidence, ClaimFinding, ClaimQuery, LeavesPlace, LoadProgress } from '../workers/engine.api.ts';
import type { Dispute } from './disputes-events.ts';
import { demandUntil } from './disputes-path.ts';
import { readClaimPrices } from './disputes-terms.ts';
import { EngineState } from './engine.svelte.ts';
import type { Session } from './session.svelte.ts';

type Plain = Exclude<ClaimFinding, { kind: 'false' | 'demand' | 'assert' }>;

/** What checking a claim here says, about whichever of its answers; `where` is for people. */
export type Finding =
  | Plain
  /** `of`: the answer that is false, as a claim of its own. */
  | { kind: 'false'; where: string; seconds: number; of: ClaimRecord; evidence: ClaimEvidence }
  /** False by what all answers of a batch say together. */
  | { kind: 'false'; where: string; seconds: number; of?: undefined; evidence: { kind: 'batch'; proof: ProofCall } }
  /** The same, and no transaction holds what shows it. */
  | { kind: 'unprovable'; where: string; seconds: number }
  /** False, and what is right in its place can be asserted: nothing more has to be shown. */
  | { kind: 'assert'; where: string; seconds: number; of: ClaimRecord; place: LeavesPlace; ownRoot: Hex; assertion: Assertion }
  /** `certain`: false, whatever is shown. `ownRoot`: of the answer's trace as it is computed here. */
  | { kind: 'demand'; where: string; seconds: number; certain: boolean; places: Place[]; ownRoot?: Hex | undefined };

export type Challengeable = Extract<Finding, { kind: 'false' | 'demand' | 'assert' }>;

export interface CheckHooks {
  signal: AbortSignal;
  onProgress: (progress: LoadProgress | undefined) => void;
  /** How many of a batch's answers are right so far. */
  onRight?: (count: number) => void;
  /** Of a batch, this answer is looked at first: a challenge is about it. */
  first?: number | undefined;
}

export const isChallengeable = (finding: Finding): finding is Challengeable => finding.kind === 'false' || finding.kind === 'assert' || finding.kind === 'demand';

/** What is said of a batch where several answers are not right: what can be done most about. */
const ORDER = ['false', 'assert', 'demand', 'unprovable', 'unchecked', 'right'] as const;
const rank = (finding: Finding) => ORDER.indexOf(finding.kind) + (finding.kind === 'demand' && !finding.certain ? 0.5 : 0);
const isCertain = (finding: Finding) => finding.kind === 'false' || finding.kind === 'assert' || (finding.kind === 'demand' && finding.certain);

/** Computes claims again here, those about several answers answer by answer. */
export class ClaimCheck {
  readonly #session: Session;
  readonly #disputeOf: (claimId: bigint) => Dispute;
  /** Answers of batches that were found right: not computed twice. */
  readonly #right = new Set<string>();
  /** What answers are computed from, where a claimant had to show it; by the root of the answers. */
  readonly #files = new Map<Hex, readonly FiledAnswer[]>();

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
    const [registered, terms] = await Promise.all([this.#registered(claim), chain.terms.once()]);
    const dispute = this.#disputeOf(claim.claimId);
    const prices = await readClaimPrices(chain.connection, claim.claimId);
    return {
      ...registered, prices, ...this.toFile(claim),
      shown: this.#shown(claim).map(({ place: { answer: _, ...place }, what, proof }) => ({ ...place, ...what, proof })),
      left: terms && { seconds: demandUntil(claim, dispute, terms) - (chain.blockTime || chain.now), replyTime: terms.replyTime },
    };
  }

  async #registered({ adapterId }: ClaimRecord): Promise<Pick<ClaimQuery, 'adapter' | 'programHash'>> {
    const { chain } = this.#session;
    await Promise.all([chain.adapters.once(), chain.datanets.once()]);
    const known = chain.knownAdapter(String(adapterId));
    if (known) return { adapter: known.ref, programHash: known.adapter.programHash };
    throw new OpenLedgerError({
      code: 'dispute/unknown-adapter', what: 'The adapter of this claim is not on the chain as this page reads it.', next: 'Reload the page; if it stays, the chain was replaced.',
    });
  }

  /** One answer, and where its tokens may be found. */
  toFile(claim: ClaimRecord): AnswerToFile {
    const { answer, index } = openingOf(claim);
    const filed = this.#files.get(claim.answersRoot)?.[Number(index)];
    const told = [...this.#shown(claim).map(({ inputs }) => inputs), ...(filed ? [inputsOf(filed)] : [])];
    // With workings of payouts anything may have been shown as the tokens.
    const inputs = told.find((one) => toHex(keccak256(fromHex(one))) === answer.inputsHash.toLowerCase());
    return { answer: { ...answer, read: [...answer.read] }, receiptCid: claim.receiptCid, inputs };
  }

  /** What was shown of an answer. */
  #shown(claim: ClaimRecord): Revealed[] {
    const answer = Number(openingOf(claim).index);
    return this.#disputeOf(claim.claimId).demands.flatMap(({ shown }) => (shown?.place.answer === answer ? [shown] : []));
  }

  async #answer(claim: ClaimRecord, hooks: CheckHooks): Promise<Finding> {
    const query = await this.query(claim);
    const found = await this.#computed(hooks, (listen) => this.#session.engine.job((api, job) => api.inspectClaim(job, query, listen), hooks.signal));
    if (found.kind === 'false') return { ...found, of: claim };
    if (found.kind === 'assert') {
      // Eight digits stand for a float32.
      const count = found.assertion.own.values.length >> 3;
      return { ...found, where: `False first in instruction ${found.place.index}${count > 1 ? `, among ${count} values of it` : ''}.`, of: claim };
    }
    const answer = Number(openingOf(claim).index);
    return found.kind === 'demand' ? { ...found, places: found.places.map((place) => ({ answer, ...place })) } : found;
  }

  async #computed<T>({ onProgress }: CheckHooks, work: (listen: (at: LoadProgress) => void) => Promise<T>): Promise<T> {
    const progress = EngineState.until<LoadProgress>(onProgress);
    try {
      return await work(progress.listen);
    } finally {
      progress.done();
      onProgress(undefined);
    }
  }

  /** One of several answers, of which is known what it is computed from. */
  async #filed(claim: ClaimRecord, index: number, filed: FiledAnswer, file: readonly FiledAnswer[], hooks: CheckHooks): Promise<Finding> {
    const ground = { ...(await this.#registered(claim)), prices: await readClaimPrices(this.#session.chain.connection, claim.claimId), filed };
    const found = await this.#computed(hooks, (listen) => this.#session.engine.job((api, job) => api.inspectFiled(job, ground, listen), hooks.signal));
    const { where, seconds } = found;
    if (found.kind === 'right' || found.kind === 'unchecked') return { kind: found.kind, where, seconds };
    if (found.kind === 'known') return this.#answer(claimOfFiled(claim, file, index, found.answer), hooks);
    return { kind: 'demand', where: `${where} The claimant has to show more of it.`, seconds, certain: true, places: found.places.map((place) => ({ answer: index, ...place })), ownRoot: found.ownRoot };
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
    if (batch.kind === 'missing') found.push({ kind: 'demand', where: batch.why, seconds, certain: batch.file !== undefined, places: batch.places });
    const answers = batch.claims.map((one) => ({ index: Number(openingOf(one).index), look: () => this.#answer(one, hooks) }));
    if (batch.kind === 'filed') answers.push(...batch.filed.map(({ index, filed }) => ({ index, look: () => this.#filed(claim, index, filed, batch.file, hooks) })));
    let right = 0;
    for (const { index, look } of answers.sort((a, b) => Number(b.index === hooks.first) - Number(a.index === hooks.first) || a.index - b.index)) {
      const key = `${claim.claimId} ${claim.answersRoot} ${index}`;
      const finding = this.#right.has(key) ? undefined : await look();
      if (finding && finding.kind !== 'right') {
        // Whoever shows what all answers come from shows the tokens of this one too.
        const places = finding.kind === 'demand' && !finding.certain && !batch.file ? { places: [filePlace] } : {};
        found.push({ ...finding, ...places, where: `Answer ${index}: ${finding.where}` });
        if (isCertain(finding)) break;
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
    const batch = openBatch(claim, file, disputeEvents(chain.feed));
    if (batch.kind !== 'false' && batch.file) this.#files.set(claim.answersRoot, batch.file);
    return batch;
  }
}

/** The tokens of an answer as they are shown on chain: uint32 length of the answer ‖ uint32 each token, big-endian. */
function inputsOf({ tokens, tokensOut }: FiledAnswer): Hex {
  const view = new DataView(new ArrayBuffer(4 * (1 + tokens.length)));
  [tokensOut, ...tokens].forEach((word, k) => view.setUint32(4 * k, word));
  return toHex(new Uint8Array(view.buffer));
}

/** All that it asked for has been answered since: there is more to know. */
export function isAnswered(finding: Finding, { demands }: Dispute): boolean {
  return finding.kind === 'demand' && asDemanded(finding.places, demands).every((at) => demands.some(({ place, state }) => samePlace(place, at) && state !== 'open'));
}
