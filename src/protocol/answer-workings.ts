import type { Hex } from './bytes.ts';
import type { ReceiptPrices } from './divide-fee.ts';
import { computeFee } from './fee.ts';
import { type Workings, workingsOf } from './payout-workings.ts';
import { trainedRecords } from './trained-records.ts';

/** What the payouts of one answer follow from. */
export interface AnswerMoney {
  tokensIn: number;
  tokensOut: number;
  /** The platform's fee changes nothing here. */
  prices: ReceiptPrices;
  /** Of the trained records, in order, as the last two matrices of the answer's trace hold them. */
  scores: Float32Array;
  noise: Float32Array;
  /** Of every record of the Datanet version, in its order. */
  contributors: readonly Hex[];
  /** What each record stands for, where the run found copies: run.datanet.clusters. */
  clusters?: readonly number[] | undefined;
  /** Records that were read with the question, best first. */
  read: readonly number[];
}

/** The workings that an answer commits to. Throws `payout/invalid`, `retrieval/invalid` where no payout follows. */
export function answerWorkings({ tokensIn, tokensOut, prices, scores, noise, contributors, clusters, read }: AnswerMoney): Workings {
  const rates = { rateIn: BigInt(prices.rateIn), rateOut: BigInt(prices.rateOut), platformFee: BigInt(prices.platformFee) };
  const { contributors: amount } = computeFee(tokensIn, tokensOut, rates, prices.split);
  return workingsOf({ amount, scores, noise, contributors, trained: trainedRecords(clusters), rule: prices.payout, read });
}

/** Values of the trained records out of those of all. */
export function trainedValues(values: Float32Array, clusters: readonly number[] | undefined): Float32Array {
  const trained = trainedRecords(clusters);
  return trained.length ? Float32Array.from(trained, (record) => values[record]!) : values;
}
