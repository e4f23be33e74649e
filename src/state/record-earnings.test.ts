import { describe, expect, it } from 'vitest';
import { type Hex, floatToHex } from '../protocol/bytes.ts';
import { divideFee } from '../protocol/divide-fee.ts';
import { feeText } from '../protocol/receipt.ts';
import { payoutRoot } from '../protocol/fee.ts';
import { DEFAULT_PAYOUT_RULE } from '../protocol/payout-rule.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { VersionRecord } from '../protocol/record.ts';
import { type RecordEarned, addEarned, earnedParts, recordKey } from './record-earnings.ts';
import { contributorsPartOf, evidenceOf } from './receipt-money.ts';

const record = (text: string, k: number): VersionRecord => ({ text, questions: [{ question: `${text}?`, answer: text }], contributor: `0x${String(k + 1).repeat(40)}` as Hex, contribution: String(k) });
const records = ['a', 'b', 'c', 'd'].map(record);
const prices = { rateIn: '1000000000000000000', rateOut: '2000000000000000000', platformFee: '5', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: { ...DEFAULT_PAYOUT_RULE, clusterCap: 5000 } };

/** As much of a receipt as is read here. */
function receiptOf(scores: readonly number[], noise: readonly number[], retrieved: { record: number; score: number }[] = []): Receipt {
  const { fee, payouts } = divideFee(3, 2, prices, scores, noise, records.map(({ contributor }) => contributor), retrieved);
  return {
    prompt: { text: '', tokens: [1, 2, 3] }, answer: { text: '', tokens: [4, 5] }, scores: scores.map(floatToHex), noise: noise.map(floatToHex), prices,
    fee: feeText(fee), payouts: payouts.map(({ contributor, amount }) => ({ contributor, amount: String(amount) })), payoutRoot: payoutRoot(payouts),
    ...(retrieved.length && { retrieval: { method: 'bm25/1', most: 4, retrieved } }),
  } as unknown as Receipt;
}

describe('what records earned of an answer', () => {
  const receipt = receiptOf([40, 9, -9, 0.5], [1, 1, 1, 1], [{ record: 3, score: 9 }, { record: 0, score: 5 }]);
  const parts = earnedParts(receipt, records)!;

  it('sums to what the receipt pays, of which reading is a part', () => {
    expect(parts.map(({ index }) => index)).toEqual([0, 1, 3]);
    expect(parts.reduce((sum, { amount }) => sum + amount, 0n)).toBe(BigInt(receipt.fee.contributors));
    const reading = parts.reduce((sum, part) => sum + part.reading, 0n);
    expect(reading).toBe(contributorsPartOf(receipt).forReading);
    expect(reading > 0n).toBe(true);
    // Within chance: all of it for having been read.
    expect(parts[2]).toMatchObject({ index: 3, reading: parts[2]!.amount });
    expect(parts[0]).toMatchObject({ capped: true });
    expect(parts[1]).toMatchObject({ reading: 0n, capped: false });
  });
  it.each([
    ['payouts that do not follow from the scores', { ...receipt, scores: [...receipt.scores.slice(0, 3), floatToHex(50)] }],
    ['scores of another number of records', { ...receipt, scores: receipt.scores.slice(0, 3) }],
    ['noise of another number of records', { ...receipt, noise: [] }],
    ['a record read that is not there', { ...receipt, retrieval: { method: 'bm25/1', most: 4, retrieved: [{ record: 9, score: 1 }] } }],
    ['an infinity', { ...receipt, scores: [...receipt.scores.slice(0, 3), '0x7f800000' as Hex] }],
    ['a payout rule out of its bounds', { ...receipt, prices: { ...prices, payout: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_001 } } }],
  ])('%s: nobody is said to have earned', (_, wrong) => expect(earnedParts(wrong as Receipt, records)).toBeUndefined());

  it('is summed by record, wherever it stands in a version', () => {
    const sums = new Map<string, RecordEarned>();
    addEarned(sums, parts);
    const turned = [...records].reverse();
    addEarned(sums, earnedParts({ ...receiptOf([0, 0, 0, 0], [1, 1, 1, 1]), payoutRoot: payoutRoot([]) }, turned)!);
    addEarned(sums, parts);
    expect(sums.get(recordKey({ ...records[0]! }))).toEqual({ amount: 2n * parts[0]!.amount, answers: 2 });
    expect(sums.get(recordKey(records[2]!))).toBeUndefined();
    // The same words of another contribution are another record.
    expect(sums.has(recordKey({ ...records[0]!, contribution: '9' }))).toBe(false);
  });
});

describe('what a receipt says of its money', () => {
  it('what evidence did not earn is returned', () => {
    const nothing = contributorsPartOf(receiptOf([1, 1, -9, 0], [1, 1, 1, 1]));
    expect(nothing).toMatchObject({ paid: 0n, forReading: 0n });
    expect(nothing.returned).toBe(nothing.whole);
    expect(nothing.whole > 0n).toBe(true);
  });
  it('counts records above chance by the rule of the receipt', () => {
    expect(evidenceOf(receiptOf([40, 9, -9, 0], [1, 1, 1, 0]))).toEqual({ scored: 3, helped: 2, hurt: 1, multiple: 2.602 });
    expect(evidenceOf({ ...receiptOf([1, 1, 1, 1], [1, 1, 1, 1]), noise: [] })).toBeUndefined();
    expect(evidenceOf({ ...receiptOf([1, 1, 1, 1], [1, 1, 1, 1]), scores: ['0x7f800000', '0x00000000', '0x00000000', '0x00000000'] })).toBeUndefined();
  });
});
