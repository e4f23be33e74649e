import type { WireError } from '../errors.ts';
import type { AnswerQuote, AuditResult, LoadProgress } from '../workers/engine.api.ts';
import type { HeatTarget, WordInfluence } from './heat.ts';

/** What is known of an answer's influence beyond its attribution; InfluenceState finds it. */
export class TurnInfluence {
  /** By word; words that were not read yet are absent. */
  words = $state.raw<ReadonlyMap<number, WordInfluence>>(new Map());
  reading = $state(false);
  readError = $state.raw<WireError | undefined>(undefined);
  /** What the pointer is on, and what was chosen to stay. */
  pointed = $state.raw<HeatTarget | undefined>(undefined);
  pressed = $state.raw<HeatTarget | undefined>(undefined);

  quotes = $state.raw<AnswerQuote[] | undefined>(undefined);
  quoting = $state(false);
  quotesError = $state.raw<WireError | undefined>(undefined);

  audit = $state.raw<AuditResult | undefined>(undefined);
  auditing = $state(false);
  auditProgress = $state.raw<LoadProgress | undefined>(undefined);
  auditError = $state.raw<WireError | undefined>(undefined);

  /** Whose influence colours the words now. */
  get shown(): HeatTarget | undefined {
    return this.pointed ?? this.pressed;
  }
}
