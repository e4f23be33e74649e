/**
 * Finding wrong answers among the records by what they do to questions with right answers. A record that answers by the
 * rule of another kind helps questions of that kind, so its influence on all questions together says little; what counts
 * is its influence on questions of its own kind, which a curator knows.
 */
import { mean } from '../statistics.ts';
import type { Scores } from './reference.ts';

/** [kind][record] mean influence on the questions of each kind; a kind without questions has none. */
export type ByKind = (number[] | undefined)[];

/** `scores` [question][record]. Each question's scores are brought to the same size first: the hardest would rule the sum. */
export function byKind(scores: Scores, kindOf: readonly number[], kinds: number): ByKind {
  const scaled = scores.map((row) => {
    const size = Math.sqrt(mean(row.map((x) => x * x)));
    return size > 0 ? row.map((x) => x / size) : row;
  });
  return Array.from({ length: kinds }, (_, kind) => {
    const own = scaled.filter((_row, q) => kindOf[q] === kind);
    return own.length ? own[0]!.map((_, k) => mean(own.map((row) => row[k]!))) : undefined;
  });
}

/** How suspicious each record is: minus its influence on questions of its own kind, or on those of all kinds alike. */
export function suspicion(influence: ByKind, classOf: readonly number[], which: 'own' | 'all'): number[] {
  const known = influence.filter((row) => row !== undefined);
  const all = classOf.map((_, k) => -mean(known.map((row) => row[k]!)));
  return which === 'all' ? all : classOf.map((kind, k) => (influence[kind] ? -influence[kind][k]! : all[k]!));
}
