import { openAnswers } from '../protocol/answers.ts';
import type { ReceiptedAnswer } from '../protocol/batch.ts';
import type { ClaimRecord } from './list-claims.ts';

/** A claim about several answers as one record for each, in order. `answers` are all of the claim's (protocol/batch.ts). */
export function claimsOfBatch(claim: ClaimRecord, answers: readonly ReceiptedAnswer[]): ClaimRecord[] {
  const openings = openAnswers(claim.adapterId, answers.map(({ answer }) => answer));
  return answers.map(({ answer, receiptCid }, k) => ({ ...claim, answer, receiptCid, opening: openings[k]! }));
}
