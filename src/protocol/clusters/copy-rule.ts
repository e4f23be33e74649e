import type { Checked } from '../run.ts';

/**
 * By what copies are found beside their wording (reworded.ts, same-gradient.ts); stands in run.json, so that a check finds the same
 * ones from text and base alone. Runs without it were clustered by wording alone.
 */
export interface CopyRule {
  rule: 'question-and-gradient/1';
  /** Least cosine of two records' gradients, above 0; decimal text of a float64. */
  cosine: string;
  /** Rank and seed of the fresh adapter at which the gradients are taken (attribution/cluster-vectors.ts). */
  rank: number;
  seed: number;
  /** Numbers of a gradient that are compared; longer ones are sketched to as many. */
  width: number;
}

/** What runs are made with today. Why these: docs/payout.md. */
export const COPY_RULE: CopyRule = { rule: 'question-and-gradient/1', cosine: '0.6', rank: 4, seed: 1, width: 1024 };

/** A rule in untrusted JSON; throws the error of `file` naming the field. */
export function checkCopyRule(file: Checked, path: string): void {
  file.literal(`${path}.rule`, COPY_RULE.rule);
  file.text(`${path}.cosine`, /^(0\.\d{1,17}|1)$/);
  if (!(Number(file.at(`${path}.cosine`)) > 0)) throw file.fail(`${path}.cosine`, 'is not above 0');
  file.whole(`${path}.rank`, 1, 64);
  file.whole(`${path}.seed`, 0, 2 ** 32 - 1);
  file.whole(`${path}.width`, 64, 2 ** 14);
}
