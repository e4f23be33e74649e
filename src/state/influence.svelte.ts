import { toWire } from '../errors.ts';
import type { AnswerTokens, LoadProgress } from '../workers/engine.api.ts';
import { EngineState } from './engine.svelte.ts';
import { type HeatTarget, type WordInfluence, recordsToRead } from './heat.ts';
import type { Session } from './session.svelte.ts';
import type { Turn } from './turn.svelte.ts';

/** Words read in one call of the worker: what is asked meanwhile comes in between, and words colour as they come. */
const WORDS_AT_ONCE = 16;
/** Words of an answer that can be coloured; each takes a backward pass for every checkpoint. */
export const MOST_HEAT_WORDS = 256;

/** Looks closer at an answer that was attributed: its words, quotes, and the audit by replay. */
export class InfluenceState {
  #session: Session;
  #audits = new Map<string, AbortController>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Shows a target's words while it is pointed at; undefined goes back to what was pressed. */
  point(turn: Turn, target: HeatTarget | undefined): void {
    turn.influence.pointed = target;
    if (target) void this.readWords(turn);
  }

  /** Keeps a target's words shown; the same one again lets go. */
  press(turn: Turn, target: HeatTarget | undefined): void {
    const { influence } = turn;
    influence.pressed = influence.pressed?.key === target?.key ? undefined : target;
    // Otherwise the pointer, which is still on it, would go on showing what was let go.
    influence.pointed = undefined;
    if (influence.pressed) void this.readWords(turn);
  }

  /** Influence of the records on every word, some words at a time. What was read stays with the turn. */
  async readWords(turn: Turn): Promise<void> {
    const { influence, words, attribution, adapter } = turn;
    const answer = answerOf(turn);
    if (influence.reading || !answer || !adapter || !attribution || words.length > MOST_HEAT_WORDS) return;
    const missing = words.flatMap((_, word) => (influence.words.has(word) ? [] : [word]));
    if (missing.length === 0) return;
    influence.reading = true;
    influence.readError = undefined;
    const records = recordsToRead(attribution, words.length);
    try {
      for (let first = 0; first < missing.length; first += WORDS_AT_ONCE) {
        const some = missing.slice(first, first + WORDS_AT_ONCE);
        const parts = some.map((word) => ({ from: words[word]!.from, to: words[word]!.to }));
        const found = await this.#session.engine.job((api, job) => api.attributeParts(job, adapter.ref, answer, parts, records, () => {}));
        const known = new Map(influence.words);
        found.forEach((part, i) => known.set(some[i]!, byIndex(part, records, attribution.records.length)));
        influence.words = known;
      }
    } catch (error) {
      influence.readError = toWire(error);
    } finally {
      influence.reading = false;
    }
  }

  /** Which word sequences of the answer stand in records. */
  async findQuotes(turn: Turn): Promise<void> {
    const { influence, answer, adapter } = turn;
    if (!answer || !adapter || influence.quoting || influence.quotes) return;
    influence.quoting = true;
    influence.quotesError = undefined;
    try {
      influence.quotes = await this.#session.engine.job((api, job) => api.quotes(job, adapter.ref, answer.text, () => {}));
    } catch (error) {
      influence.quotesError = toWire(error);
    } finally {
      influence.quoting = false;
    }
  }

  /** Exact influence by reversing the recorded training. Changes no share and no price. */
  async audit(turn: Turn): Promise<void> {
    const { influence, adapter } = turn;
    const answer = answerOf(turn);
    if (!answer || !adapter || influence.auditing) return;
    const stop = new AbortController();
    this.#audits.set(turn.id, stop);
    const progress = EngineState.until<LoadProgress>((at) => (influence.auditProgress = at));
    influence.auditing = true;
    influence.auditError = undefined;
    try {
      influence.audit = await this.#session.engine.job((api, job) => api.audit(job, adapter.ref, answer, undefined, progress.listen), stop.signal);
    } catch (error) {
      // Cancelled by the person: nothing went wrong.
      if (!stop.signal.aborted) influence.auditError = toWire(error);
    } finally {
      progress.done();
      influence.auditing = false;
      influence.auditProgress = undefined;
      this.#audits.delete(turn.id);
    }
  }

  cancelAudit(turn: Turn): void {
    this.#audits.get(turn.id)?.abort();
  }
}

function answerOf({ answer }: Turn): AnswerTokens | undefined {
  return answer && { promptTokens: answer.promptTokens, answerTokens: answer.answerTokens };
}

function byIndex(part: { influence: number[]; noise: number[] }, records: readonly number[], count: number): WordInfluence {
  const out = { influence: new Float32Array(count), noise: new Float32Array(count) };
  records.forEach((record, k) => {
    out.influence[record] = part.influence[k]!;
    out.noise[record] = part.noise[k]!;
  });
  return out;
}
