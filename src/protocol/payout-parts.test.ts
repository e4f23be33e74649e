import { expect, test } from 'vitest';
import { type Hex, floatToHex } from './bytes.ts';
import { nextVersionRecords } from './next-version.ts';
import { divisionOf, partsOfContributor, recordPartsOf } from './payout-parts.ts';
import { DEFAULT_PAYOUT_RULE, describePayout } from './payout-rule.ts';
import type { Receipt } from './receipt.ts';
import type { VersionRecord } from './record.ts';

const address = (digit: string) => `0x${digit.repeat(40)}` as Hex;
const record = (text: string, contributor: Hex, contribution = '1'): VersionRecord => ({
  text,
  questions: [],
  contributor,
  contribution,
});

test('each contributor’s record parts sum to the payout that the claim commits to', () => {
  const people = ['a', 'b', 'c'].map(address);
  const records = Array.from({ length: 40 }, (_, k) => record(`r${k}`, people[(k * 7) % 3]!));
  const scores = records.map((_, k) => Math.fround(Math.sin(k * 1.7) * 10 ** ((k % 5) - 3)));
  const noise = records.map(() => Math.fround(0.1));
  // Two records were read with the question, one of them without influence.
  const receipt = receiptOf(records, scores, noise, [{ record: 3, score: 9 }, { record: 1, score: 5 }]);
  const { payouts, fee } = divisionOf(receipt, records);
  expect(payouts.length).toBeGreaterThan(1);
  let all = 0n;
  for (const { contributor, amount } of payouts) {
    // Addresses come with and without capitals.
    const upper = `0x${contributor.slice(2).toUpperCase()}` as Hex;
    const parts = recordPartsOf(receipt, records, upper);
    const sum = parts.reduce((total, part) => total + part.amount, 0n);
    expect(sum).toBe(amount);
    all += sum;
  }
  expect(all).toBe(fee.contributors);
  expect(fee.platform + fee.owner + fee.stakers + fee.contributors).toBe(fee.total);
  // The first was read before the second, and has influence beside.
  const [first, second] = [3, 1].map((k) => divisionOf(receipt, records).recordParts[k]!);
  expect(first! > second! && second! > 0n).toBe(true);
  const unread = divisionOf(receiptOf(records, scores, noise), records);
  expect(unread.fee.contributors < fee.total).toBe(true);
});

test('copies, without score and noise, are no part of the rule', () => {
  const records = ['a', 'b', 'c'].map((name) => record(name, address(name)));
  const [with_, without] = [divisionOf(receiptOf(records, [5, 0, 2], [1, 0, 1]), records), divisionOf(receiptOf([records[0]!, records[2]!], [5, 2], [1, 1]), [records[0]!, records[2]!])];
  expect(with_.counted).toEqual([0, 2]);
  expect(with_.payouts).toEqual(without.payouts);
});

/** As much of a receipt as its division reads. */
function receiptOf(records: readonly VersionRecord[], scores: readonly number[], noise: readonly number[], retrieved: { record: number; score: number }[] = []): Receipt {
  expect(scores).toHaveLength(records.length);
  return {
    prompt: { text: '', tokens: [1, 2, 3] }, answer: { text: '', tokens: [4, 5] }, scores: scores.map(floatToHex), noise: noise.map(floatToHex),
    prices: { rateIn: '777777777777777777', rateOut: '1', platformFee: '5', split: { platform: 1000, owner: 2000, stakers: 2000, contributors: 5000 }, payout: DEFAULT_PAYOUT_RULE },
    ...(retrieved.length && { retrieval: { method: 'bm25/1', most: 4, retrieved } }),
  } as unknown as Receipt;
}

test('by the payout rule too, a contributor’s record parts sum to their pay, most first', () => {
  const people = ['a', 'b', 'c'].map(address);
  const records = Array.from({ length: 40 }, (_, k) => record(`r${k}`, people[(k * 7) % 3]!));
  const scores = records.map((_, k) => Math.fround((Math.sin(k * 1.7) + 0.6) * 10 ** ((k % 5) - 1)));
  const noise = records.map(() => Math.fround(0.3));
  const contributors = records.map((one) => one.contributor);
  const payout = describePayout({ amount: 7_749_999_999_999_983n, scores, noise, contributors, rule: DEFAULT_PAYOUT_RULE });
  const parts = payout.records.map(({ part }) => part);
  expect(payout.contributors.filter(({ pay }) => pay > 0n).length).toBeGreaterThan(1);
  for (const { contributor, pay } of payout.contributors) {
    const own = partsOfContributor(parts, records, contributor);
    expect(own.reduce((sum, { amount }) => sum + amount, 0n)).toBe(pay);
    expect(own.every(({ amount }, i) => i === 0 || amount <= own[i - 1]!.amount)).toBe(true);
  }
});

test('a stranger has no parts', () => {
  const records = [record('r', address('a'))];
  expect(recordPartsOf(receiptOf(records, [1], [0]), records, address('b'))).toEqual([]);
});

test('a next version keeps the last one’s order, takes accepted records once, and says whose they are', () => {
  const before = [record('one', address('a'), '1')];
  const taken = nextVersionRecords(before, [
    {
      contributor: address('C'),
      contributionId: 9n,
      records: [
        { text: 'two', questions: [] },
        { text: 'three', questions: [] },
      ],
    },
    {
      contributor: address('b'),
      contributionId: 4n,
      records: [
        { text: ' two ', questions: [] },
        { text: 'one', questions: [] },
      ],
    },
  ]);
  expect(taken.map(({ text, contributor, contribution }) => [text.trim(), contributor, contribution])).toEqual([
    ['one', address('a'), '1'],
    ['two', address('b'), '4'],
    ['three', address('c'), '9'],
  ]);
});
