import { hexToFloat } from '../protocol/bytes.ts';
import { computeFee } from '../protocol/fee.ts';
import { describePayout } from '../protocol/payout-rule.ts';
import type { Receipt } from '../protocol/receipt.ts';
import { retrievalPart } from '../protocol/retrieval-share.ts';

/** Where the contributors' part of an answer's fee went, as the receipt says; wei. */
export interface ContributorsPart {
  /** The most that the payout rule could give. */
  whole: bigint;
  paid: bigint;
  /** Of `whole`, what was set aside for records that were read with the question. */
  forReading: bigint;
  /** What stood on too little evidence, over the cap, or was dust: it joined the stakers' part. */
  returned: bigint;
}

/** From the receipt alone. A check recomputes it; here a receipt that contradicts itself gives `returned` below 0. */
export function contributorsPartOf({ prompt, answer, prices, fee, retrieval }: Receipt): ContributorsPart {
  const rates = { rateIn: BigInt(prices.rateIn), rateOut: BigInt(prices.rateOut), platformFee: BigInt(prices.platformFee) };
  const whole = computeFee(prompt.tokens.length, answer.tokens.length, rates, prices.split).contributors;
  const paid = BigInt(fee.contributors);
  return { whole, paid, forReading: retrievalPart(whole, prices.payout.retrievalPart, retrieval?.retrieved.length ?? 0), returned: whole - paid };
}

/** How a receipt's scores stand against chance, by its own payout rule. */
export interface Evidence {
  /** Records that were scored; copies, and those that taught nothing, were not. */
  scored: number;
  /** Records whose influence is more than chance explains, for the answer and against it. */
  helped: number;
  hurt: number;
  /** Standard deviations of chance that were asked for, so many records being scored. */
  multiple: number;
}

/** Receipts of strangers can be long; a page does not stop for their bignums. */
const MOST_COUNTED = 20_000;
const ANYBODY = `0x${'0'.repeat(40)}` as const;

/** Undefined where scores and noise do not fit together, which the check explains, or where there are too many to count at once. */
export function evidenceOf(receipt: Receipt): Evidence | undefined {
  if (receipt.scores.length !== receipt.noise.length || receipt.scores.length > MOST_COUNTED) return undefined;
  const scores = receipt.scores.map(hexToFloat);
  const noise = receipt.noise.map(hexToFloat);
  const counted = scores.flatMap((score, k) => (score !== 0 || noise[k] !== 0 ? [k] : []));
  try {
    const { records, multiple } = describePayout({
      amount: 0n, scores: counted.map((k) => scores[k]!), noise: counted.map((k) => noise[k]!), contributors: counted.map(() => ANYBODY), rule: receipt.prices.payout,
    });
    const count = (which: (evidence: bigint) => boolean) => records.filter(({ evidence }) => which(evidence)).length;
    return { scored: counted.length, helped: count((evidence) => evidence > 0n), hurt: count((evidence) => evidence < 0n), multiple: multiple / 1000 };
  } catch {
    return undefined;
  }
}
