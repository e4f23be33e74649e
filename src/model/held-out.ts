import { permutation } from '../arithmetic/random.ts';
import { OpenLedgerError } from '../errors.ts';

/** The random stream that chooses what is held out; training's own are others. */
const STREAM = 3_000_000;

/** How many of n records a share holds out: none for 0, else at least one, and one is left. */
export function heldOutCount(n: number, fraction: number): number {
  return fraction > 0 ? Math.max(1, Math.min(n - 1, Math.round(n * fraction))) : 0;
}

/**
 * Sets a share of the records aside, chosen by the seed alone; both parts keep their order. What is held out is not
 * trained on, so a run on the rest has other records, and another records root, than one on all. `fraction` is from 0
 * to 0.5; above 0 at least one record is held out and one is left. Throws `train/bad-held-out`.
 */
export function splitHeldOut<R>(records: readonly R[], fraction: number, seed: number): { trained: R[]; heldOut: R[] } {
  const refuse = (why: string) =>
    new OpenLedgerError({ code: 'train/bad-held-out', what: `These records cannot be held out: ${String(fraction).slice(0, 40)} of ${records.length}.`, why, next: 'Change how many are held out.' });
  if (!(fraction >= 0 && fraction <= 0.5)) throw refuse('It must be a share from 0 to 0.5.');
  if (fraction === 0) return { trained: [...records], heldOut: [] };
  if (records.length < 2) throw refuse('There would be nothing left to learn from.');
  const chosen = new Set(permutation(records.length, seed, STREAM).slice(0, heldOutCount(records.length, fraction)));
  return { trained: records.filter((_, k) => !chosen.has(k)), heldOut: records.filter((_, k) => chosen.has(k)) };
}
