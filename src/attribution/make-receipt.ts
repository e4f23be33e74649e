import { ARITHMETIC } from '../arithmetic/rf32.ts';
import { type Hex, floatToHex } from '../protocol/bytes.ts';
import { type Split, computeFee, divideByInfluence, payoutRoot, payoutsByContributor } from '../protocol/fee.ts';
import { type Receipt, type Sampling, feeText, samplingText, scoreBits, scoresRoot } from '../protocol/receipt.ts';
import { type VersionRecord, versionRoot } from '../protocol/record.ts';
import { METHOD } from './datainf.ts';

export interface ReceiptInput {
  /** NO_NONCE where it is not to be paid. */
  nonce: Hex;
  base: { cid: string; root: Hex; format?: string | undefined };
  /** Absent for a greedy answer. */
  sampling?: Sampling | undefined;
  adapter: { id: string; cid: string; root: Hex };
  datanet: { id: string; version: number; cid: string; records: readonly VersionRecord[] };
  ledger: { gradientsRoot: Hex; gramRoot: Hex };
  prompt: { text: string; tokens: readonly number[] };
  answer: { text: string; tokens: readonly number[] };
  loss: number;
  scores: Float32Array;
  prices: { rateIn: string; rateOut: string; platformFee: string; split: Split };
}

/** The money part of a receipt: the fee, what each record and each contributor earns. Pure integers. */
export function divideFee(
  tokensIn: number,
  tokensOut: number,
  prices: ReceiptInput['prices'],
  scores: ArrayLike<number>,
  contributors: readonly Hex[],
) {
  const anyPositive = Array.prototype.some.call(scores, (score: number) => score > 0);
  const fee = computeFee(
    tokensIn, tokensOut,
    { rateIn: BigInt(prices.rateIn), rateOut: BigInt(prices.rateOut), platformFee: BigInt(prices.platformFee) },
    prices.split, anyPositive,
  );
  const recordParts = divideByInfluence(fee.contributors, scores);
  return { fee, recordParts, payouts: payoutsByContributor(recordParts, [...contributors]) };
}

/** The receipt of an answer, and what each record earns of it in wei. */
export function makeReceipt(input: ReceiptInput): { receipt: Receipt; recordParts: bigint[] } {
  const { fee, recordParts, payouts } = divideFee(
    input.prompt.tokens.length, input.answer.tokens.length, input.prices, input.scores,
    input.datanet.records.map(({ contributor }) => contributor),
  );
  const scores = scoreBits(input.scores);
  const { id, version, cid, records } = input.datanet;
  const receipt: Receipt = {
    openledger: 'receipt/1', arithmetic: ARITHMETIC, method: METHOD, nonce: input.nonce,
    base: { cid: input.base.cid, root: input.base.root, ...(input.base.format === undefined ? {} : { format: input.base.format }) },
    adapter: input.adapter,
    datanet: { id, version, cid, root: versionRoot([...records]) },
    ledger: input.ledger,
    prompt: { text: input.prompt.text, tokens: [...input.prompt.tokens] },
    answer: { text: input.answer.text, tokens: [...input.answer.tokens] },
    ...(input.sampling ? { sampling: samplingText(input.sampling) } : {}),
    loss: floatToHex(input.loss),
    scores, scoresRoot: scoresRoot(scores),
    prices: input.prices,
    fee: feeText(fee),
    payouts: payouts.map(({ contributor, amount }) => ({ contributor, amount: String(amount) })),
    payoutRoot: payoutRoot(payouts),
  };
  return { receipt, recordParts };
}
