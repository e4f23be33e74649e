import { OpenLedgerError } from '../../errors.ts';
import type { Sequence } from '../../model/batch.ts';

/** An answer whose loss is asked about: `sequence.ids` from `sequence.start` on, or some of those tokens. */
export interface PoolAnswer {
  sequence: Sequence;
  /** Offsets from the answer's first token; each selected token counts alike. */
  selected?: { from: number; to: number } | undefined;
  /** By how much the answer counts, 1 where undefined. */
  weight?: number | undefined;
}

/** One question to a replay: its loss is Σ weight · mean loss of the answer's selected tokens. A payout pool holds many answers. */
export interface QueryPool {
  answers: readonly PoolAnswer[];
}

/** The places in `sequence.ids` that count. */
export function selectedTokens({ sequence: { ids, start }, selected }: PoolAnswer): { from: number; to: number } {
  return { from: start + (selected?.from ?? 0), to: Math.min(ids.length, start + (selected?.to ?? ids.length)) };
}

/** Throws `replay/bad-query` for a pool without answers, an answer without tokens, or a weight that is no number. */
export function checkPool(pool: QueryPool): void {
  const refuse = (why: string) => new OpenLedgerError({ code: 'replay/bad-query', what: 'There is nothing to replay for.', why, next: 'Choose an answer with at least one token.' });
  if (!pool.answers.length) throw refuse('No answer was given.');
  for (const answer of pool.answers) {
    const { ids, start } = answer.sequence;
    const { from, to } = selectedTokens(answer);
    if (!(start >= 1 && start <= from && from < to && to <= ids.length)) throw refuse('An answer has no selected token.');
    if (!Number.isFinite(answer.weight ?? 1)) throw refuse('The weight of an answer is not a number.');
  }
}
