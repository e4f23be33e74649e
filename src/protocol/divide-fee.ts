import { type Fee, type Payout, type Split, computeFee, payoutsByContributor, withAllocated } from './fee.ts';
import type { Hex } from './bytes.ts';
import { type PayoutDescription, type PayoutRule, describePayout } from './payout-rule.ts';
import { retrievalPart, retrievalShares } from './retrieval-share.ts';

/** What an answer is priced and divided by, as receipts hold it: wei in decimal, basis points. */
export interface ReceiptPrices {
  rateIn: string;
  rateOut: string;
  platformFee: string;
  split: Split;
  payout: PayoutRule;
}

export interface Division {
  fee: Fee;
  /** By address. */
  payouts: Payout[];
  /** Wei of each record for its influence, and for having been read. */
  recordParts: bigint[];
  /** What the rule computed on the way; its `records` are those at `counted`. */
  description: PayoutDescription;
  counted: number[];
}

/**
 * The money of an answer: the fee, of its contributors' part first what the records that were read earn
 * (retrieval-share.ts), then what the payout rule gives for influence; what neither gives joins the stakers' part.
 * Records without score and noise (copies, and those that taught nothing) are no part of the rule. Pure integers.
 * Throws `payout/invalid`, `retrieval/invalid`.
 */
export function divideFee(
  tokensIn: number,
  tokensOut: number,
  prices: ReceiptPrices,
  scores: ArrayLike<number>,
  noise: ArrayLike<number>,
  contributors: readonly Hex[],
  retrieved: readonly { record: number }[] = [],
): Division {
  const whole = computeFee(tokensIn, tokensOut, { rateIn: BigInt(prices.rateIn), rateOut: BigInt(prices.rateOut), platformFee: BigInt(prices.platformFee) }, prices.split);
  const forReading = retrievalPart(whole.contributors, prices.payout.retrievalPart, retrieved.length);
  const counted = contributors.flatMap((_, k) => (scores[k] !== 0 || noise[k] !== 0 ? [k] : []));
  const description = describePayout({
    amount: whole.contributors - forReading,
    scores: counted.map((k) => scores[k]!), noise: counted.map((k) => noise[k]!), contributors: counted.map((k) => contributors[k]!),
    rule: prices.payout,
  });
  const recordParts = contributors.map(() => 0n);
  description.records.forEach(({ part }, row) => (recordParts[counted[row]!]! += part));
  const used = retrieved.map(({ record }) => ({ record, contributor: contributors[record]! }));
  for (const { record, amount } of retrievalShares(used, forReading)) recordParts[record]! += amount;
  const payouts = payoutsByContributor(recordParts, [...contributors]);
  return { fee: withAllocated(whole, recordParts.reduce((sum, part) => sum + part, 0n)), payouts, recordParts, description, counted };
}
