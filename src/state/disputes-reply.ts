import { showFile } from '../chain/answers-file.ts';
import { refuteAssertion } from '../chain/assert-leaves.ts';
import { type ClaimRecord, openingOf } from '../chain/list-claims.ts';
import { ASSERTION, FILE, type Place, isOfTrace } from '../chain/place.ts';
import { revealPlaces, showNoSuchPlace } from '../chain/reveal-places.ts';
import type { SendOptions } from '../chain/send-transaction.ts';
import { OpenLedgerError } from '../errors.ts';
import type { LoadProgress } from '../workers/engine.api.ts';
import type { ClaimCheck } from './claim-check.ts';
import type { DemandSeen } from './disputes-events.ts';
import { EngineState } from './engine.svelte.ts';
import type { Session } from './session.svelte.ts';

export interface ReplyHooks {
  signal: AbortSignal;
  onProgress: (progress: LoadProgress | undefined) => void;
  /** One transaction, shown. */
  send: <T>(send: (options: SendOptions) => Promise<T>) => Promise<T>;
}

/** Answers whatever was demanded or asserted of a claim: its file, parts of its answers' traces and workings, leaves that others say are right. */
export class Replies {
  readonly #session: Session;
  readonly #check: ClaimCheck;

  constructor(session: Session, check: ClaimCheck) {
    this.#session = session;
    this.#check = check;
  }

  /** Errors: `dispute/not-shown` where this machine cannot show it, `dispute/answers-unknown`, `cancelled`, and those of the transactions. */
  async run(claim: ClaimRecord, demands: readonly DemandSeen[], hooks: ReplyHooks): Promise<void> {
    const answers = await this.#check.answers(claim);
    if (demands.some(({ place }) => place.depth === FILE)) await this.#file(claim, answers, hooks);
    for (const one of answers) {
      const index = Number(openingOf(one).index);
      const about = demands.filter(({ place }) => place.answer === index);
      await this.#assertions(one, about.filter(({ place }) => place.depth === ASSERTION), hooks);
      await this.#places(one, about.flatMap(({ place }) => (isOfTrace(place) ? [place] : [])), hooks);
    }
  }

  async #file(claim: ClaimRecord, answers: readonly ClaimRecord[], { signal, send }: ReplyHooks): Promise<void> {
    if (answers.length < claim.answers) {
      throw new OpenLedgerError({
        code: 'dispute/answers-unknown', what: 'The answers of this claim are not known here.', why: 'The file that names them cannot be had.', next: 'Whoever has it can show them until the time is over: put it back where the claim names it.',
      });
    }
    const file = await this.#session.engine.job((api, job) => api.fileOfAnswers(job, answers.map((one) => this.#check.toFile(one))), signal);
    await send((options) => showFile(this.#session.chain.connection, this.#session.wallet.require(), claim.claimId, file, options));
  }

  async #assertions(claim: ClaimRecord, demands: readonly DemandSeen[], { signal, onProgress, send }: ReplyHooks): Promise<void> {
    const open = demands.flatMap(({ place, asserted }) => (asserted ? [{ place, said: { index: place.index, ...asserted } }] : []));
    if (!open.length) return;
    const query = await this.#check.query(claim);
    const found = await this.#computed(onProgress, (listen) => this.#session.engine.job((api, job) => api.refuteAssertions(job, query, open.map(({ said }) => said), listen), signal));
    const { connection } = this.#session.chain;
    for (const [k, { place }] of open.entries()) {
      await send((options) => refuteAssertion(connection, this.#session.wallet.require(), claim.claimId, openingOf(claim), place, found[k]!, options));
    }
  }

  async #places(claim: ClaimRecord, demanded: readonly Place[], { signal, onProgress, send }: ReplyHooks): Promise<void> {
    if (!demanded.length) return;
    const opening = openingOf(claim);
    const places = demanded.map(({ answer: _, ...place }) => place);
    const query = await this.#check.query(claim);
    const { shown, missing } = await this.#computed(onProgress, (listen) => this.#session.engine.job((api, job) => api.replyToDemands(job, query, places, listen), signal));
    const { connection } = this.#session.chain;
    for (const part of shown) await send((options) => revealPlaces(connection, this.#session.wallet.require(), claim.claimId, opening, part, options));
    for (const { place, matrix } of missing) {
      await send((options) => showNoSuchPlace(connection, this.#session.wallet.require(), claim.claimId, opening, matrix, { answer: Number(opening.index), ...place }, options));
    }
  }

  async #computed<T>(onProgress: ReplyHooks['onProgress'], work: (listen: (at: LoadProgress) => void) => Promise<T>): Promise<T> {
    const progress = EngineState.until<LoadProgress>(onProgress);
    try {
      return await work(progress.listen);
    } finally {
      progress.done();
      onProgress(undefined);
    }
  }
}
