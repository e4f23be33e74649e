import { expect, test } from 'vitest';
import { type Hex, floatToHex } from './bytes.ts';
import { divideByInfluence, payoutsByContributor } from './fee.ts';
import { nextVersionRecords } from './next-version.ts';
import { partsOfContributor, recordPartsOf } from './payout-parts.ts';
import { DEFAULT_PAYOUT_RULE, describePayout } from './payout-rule.ts';
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
  const contributors = 7_749_999_999_999_983n;
  const fee = {
    total: '0',
    platform: '0',
    owner: '0',
    stakers: '0',
    contributors: String(contributors),
  };
  const payouts = payoutsByContributor(
    divideByInfluence(contributors, scores),
    records.map((one) => one.contributor),
  );
  expect(payouts).toHaveLength(3);
  let all = 0n;
  for (const { contributor, amount } of payouts) {
    // Addresses come with and without capitals.
    const upper = `0x${contributor.slice(2).toUpperCase()}` as Hex;
    const parts = recordPartsOf({ scores: scores.map(floatToHex), fee }, records, upper);
    const sum = parts.reduce((total, part) => total + part.amount, 0n);
    expect(sum).toBe(amount);
    expect(parts.every(({ index }) => scores[index]! > 0)).toBe(true);
    all += sum;
  }
  expect(all).toBe(contributors);
});

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
  const scores = [floatToHex(1)];
  const fee = { total: '5', platform: '0', owner: '0', stakers: '0', contributors: '5' };
  expect(recordPartsOf({ scores, fee }, [record('r', address('a'))], address('b'))).toEqual([]);
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
