import type { Standing } from '../../state/shares.ts';

/** What the default method is called, for people; receipts and runs name it `curvature/2`. */
export const METHOD_NAME = 'Curvature';
export const METHOD_ID = 'curvature/2';

export const STANDING_WORDS: Record<Standing, string> = {
  helped: 'above chance',
  chance: 'within chance',
  against: 'against it, beyond chance',
  none: 'nothing to weigh',
};

/** Spearman's rank correlation in words. */
export function agreementWords(rho: number): string {
  if (!Number.isFinite(rho)) return 'The two orders cannot be compared: all records stand alike in one of them.';
  if (rho >= 0.9) return 'Both put the records in nearly the same order.';
  if (rho >= 0.7) return 'Both put the records in much the same order, with some exchanged.';
  if (rho >= 0.4) return 'The orders agree in part.';
  if (rho >= 0) return 'The orders of all records hardly agree.';
  return 'The orders of all records are rather opposite.';
}

/** "record 3", "records 3 and 5", "records 3, 5 and 9"; from indices. */
export function recordList(indices: readonly number[], most = 6): string {
  const numbers = indices.slice(0, most).map((index) => String(index + 1));
  if (indices.length > most) numbers.push(`${indices.length - most} more`);
  const last = numbers.pop();
  return `${indices.length === 1 ? 'record' : 'records'} ${numbers.length ? `${numbers.join(', ')} and ${last}` : last}`;
}
