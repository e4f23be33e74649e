import { type ClaimRecord, openingOf } from '../chain/list-claims.ts';
import { disputeEvents } from '../chain/game-events.ts';
import { openBatch, shownAnswers } from '../chain/open-batch.ts';
import { OpenLedgerError, type WireError, toWire } from '../errors.ts';
import type { LoadProgress } from '../workers/engine.api.ts';
import { readClaimPrices } from './disputes-terms.ts';
import { EngineState } from './engine.svelte.ts';
import type { Session } from './session.svelte.ts';

/** What this machine says of a claim about several answers; `where` is for people. */
export type BatchFinding = { kind: 'right' | 'false' | 'unknown'; where: string; seconds: number };

/** Checks a claim about several answers: what is wrong with them together, then one after the other until one is not right. */
export class BatchCheck {
  busy = $state(false);
  /** Answers found right so far. */
  done = $state(0);
  progress = $state.raw<LoadProgress | undefined>(undefined);
  finding = $state.raw<BatchFinding | undefined>(undefined);
  error = $state.raw<WireError | undefined>(undefined);
  #session: Session;
  #stop: AbortController | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  stop(): void {
    this.#stop?.abort();
  }

  async run(claim: ClaimRecord): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    [this.done, this.finding, this.error] = [0, undefined, undefined];
    this.#stop = new AbortController();
    const began = performance.now();
    try {
      const found = await this.#look(claim, this.#stop.signal);
      this.finding = { ...found, seconds: (performance.now() - began) / 1000 };
    } catch (error) {
      const wire = toWire(error);
      if (wire.code !== 'cancelled') this.error = wire;
    } finally {
      this.busy = false;
      this.progress = undefined;
    }
  }

  async #look(claim: ClaimRecord, signal: AbortSignal): Promise<Omit<BatchFinding, 'seconds'>> {
    const { chain, engine } = this.#session;
    await Promise.all([chain.adapters.once(), chain.datanets.once(), chain.feed.refresh()]);
    const known = chain.knownAdapter(String(claim.adapterId));
    if (!known) throw new OpenLedgerError({ code: 'dispute/unknown-adapter', what: 'The adapter of this claim is not on the chain as this page reads it.', next: 'Reload the page; if it stays, the chain was replaced.' });
    const file = await engine.readJson(claim.receiptCid).catch(() => undefined);
    const batch = openBatch(claim, file, shownAnswers(disputeEvents(chain.feed), claim.claimId));
    if (batch.kind === 'false') return { kind: 'false', where: batch.why };
    if (batch.kind === 'missing') return { kind: 'unknown', where: `${batch.why} The claimant can be made to show them, or loses the claim.` };
    const prices = await readClaimPrices(chain.connection, claim.claimId);
    let unsaid: string | undefined;
    for (const one of batch.claims) {
      const { index, answer } = openingOf(one);
      const progress = EngineState.until<LoadProgress>((at) => (this.progress = at));
      try {
        const query = { adapter: known.ref, programHash: known.adapter.programHash, answer: { ...answer, read: [...answer.read] }, receiptCid: one.receiptCid, prices, shown: [], inputs: undefined };
        const found = await engine.job((api, job) => api.inspectClaim(job, query, progress.listen), signal);
        if (found.kind === 'right') this.done++;
        else if (found.kind === 'unchecked' || (found.kind === 'demand' && !found.certain)) unsaid ??= `Answer ${index}: ${found.where}`;
        else return { kind: 'false', where: `Answer ${index}: ${found.where}` };
      } finally {
        progress.done();
      }
    }
    return unsaid === undefined ? { kind: 'right', where: `All ${claim.answers} answers: traces and payouts follow.` } : { kind: 'unknown', where: unsaid };
  }
}
