import { describe, expect, it } from 'vitest';
import type { Hex } from '../protocol/bytes.ts';
import { DEFAULT_PAYOUT_RULE } from '../protocol/payout-rule.ts';
import type { Attribution } from '../workers/engine.api.ts';
import { divisionOfAttribution, divisionWithoutPrice, madeBy } from './shares.ts';

const person = (digit: string): Hex => `0x${digit.repeat(40)}`;
const PRICES = { rateIn: '0', rateOut: '1000003000', platformFee: '7', split: { platform: 0, owner: 2000, stakers: 0, contributors: 8000 }, payout: { ...DEFAULT_PAYOUT_RULE, clusterCap: 5000 } };

/** Scores, who brought the record, and of what record it is a copy; noise 0.01 for each that is none. */
function attribution(scores: [number, string, number?][]): Attribution {
  const records = scores.map(([influence, digit, copyOf], index) => ({
    index,
    influence: Math.fround(influence),
    noise: copyOf === undefined ? Math.fround(0.01) : 0,
    ...(copyOf !== undefined && { copyOf }),
    record: { text: `record ${index}`, questions: [], contributor: person(digit), contribution: '1' },
  }));
  return { loss: 1, seconds: 0, records: records.sort((a, b) => b.influence - a.influence) };
}
const tenths = (list: { percent: number }[]) => list.reduce((sum, { percent }) => sum + Math.round(percent * 10), 0);

describe('shares', () => {
  const found = attribution([
    [0.3, 'a'],
    [0.1, 'b'],
    [0.07, 'a'],
    [-0.2, 'c'],
    [0.005, 'd'],
    [0, 'a', 1],
  ]);
  const division = divisionOfAttribution(found, 10, 1000, PRICES);
  const made = madeBy(found, division);

  it('and what is returned sum to 100 %, over records and over contributors, and to the part in wei', () => {
    expect(division.contributorsPart).toBe((1_000_003_000n * 8000n) / 10_000n);
    const records = [...made.helped, ...made.harmful, ...made.neutral, ...made.copies];
    expect(records.length).toBe(6);
    const rest = [made.returned, made.overCap];
    expect(tenths([...records, ...rest])).toBe(1000);
    expect(tenths([...made.contributors, ...rest])).toBe(1000);
    expect(made.returned.wei!).toBeGreaterThan(0n);
    for (const parts of [records, made.contributors]) expect([...parts, ...rest].reduce((sum, { wei }) => sum + wei!, 0n)).toBe(division.contributorsPart);
  });
  it('are the receipt’s payouts', () => {
    const byAddress = made.contributors.map(({ contributor, wei }) => ({ contributor, amount: wei! })).sort((a, b) => (a.contributor < b.contributor ? -1 : 1));
    expect(byAddress).toEqual(division.payouts);
    expect(division.fee.contributors).toBe(division.contributorsPart - made.returned.wei! - made.overCap.wei!);
  });
  it('go to those above chance only', () => {
    expect(made.contributors.map(({ contributor, records }) => [contributor, records])).toEqual([
      [person('a'), [0, 2]],
      [person('b'), [1]],
    ]);
    const of = (index: number) => [...made.helped, ...made.harmful, ...made.copies].find((share) => share.index === index)!;
    expect([0, 1, 2, 3, 4, 5].map((index) => of(index).standing)).toEqual(['helped', 'helped', 'helped', 'against', 'chance', 'none']);
    expect(of(4).percent).toBe(0);
    // Five records are weighed: sqrt(2² + 2 ln 2 · 3) standard deviations.
    expect(made.multiple).toBe(2.856);
    expect(of(4).threshold).toBeCloseTo(0.02856, 6);
  });
  it('name copies as copies of the record that stands for them', () => {
    expect(made.copies.map(({ index, copyOf, wei }) => [index, copyOf, wei])).toEqual([[5, 1, 0n]]);
    expect(made.helped.find(({ index }) => index === 1)!.copies).toEqual([5]);
  });
  it('put the most harmful first, and pay nothing for harm', () => {
    const hurt = attribution([
      [0.3, 'a'],
      [-0.1, 'b'],
      [-0.5, 'c'],
    ]);
    expect(madeBy(hurt, divisionOfAttribution(hurt, 0, 1000, PRICES)).harmful.map(({ index, wei }) => [index, wei])).toEqual([
      [2, 0n],
      [1, 0n],
    ]);
  });
  it('are nobody’s where nothing helped beyond chance: all of it is returned', () => {
    const weak = attribution([
      [-1, 'a'],
      [0.01, 'b'],
    ]);
    const none = madeBy(weak, divisionOfAttribution(weak, 0, 1000, PRICES));
    expect([none.contributors.length, none.helped.length, none.returned.percent, none.returned.wei]).toEqual([0, 1, 100, 800_002_400n]);
  });
  it('tell what the cap on one record took from what there was no evidence for', () => {
    const one = attribution([[1, 'a'], [0, 'b']]);
    const capped = madeBy(one, divisionOfAttribution(one, 0, 1000, PRICES));
    expect(capped.cap).toBe(50);
    expect(capped.contributors[0]!.wei).toBe(400_001_200n);
    // Of 1 − 2.32 · 0.01 above the threshold, 0.01 to the reserve.
    const share = (1 - 0.02319) / (1 - 0.02319 + 0.01);
    expect(Number(capped.overCap.wei!) / 800_002_400).toBeCloseTo(share - 0.5, 5);
    expect(capped.overCap.wei! + capped.returned.wei!).toBe(400_001_200n);
  });
  it('of a part of an answer have no wei', () => {
    const part = madeBy(found, divisionWithoutPrice(found, PRICES.payout), false);
    expect(part.contributors.map(({ percent }) => percent)).toEqual(made.contributors.map(({ percent }) => percent));
    expect([part.returned.wei, part.helped[0]!.wei]).toEqual([undefined, undefined]);
  });
  it('pay a record that was read, whatever its influence', () => {
    const log = { method: 'bm25/1', most: 4, retrieved: [{ record: 3, score: 1_000_000 }] };
    const read = madeBy(found, divisionOfAttribution(found, 0, 1000, PRICES, log));
    const entry = read.harmful.find(({ index }) => index === 3)!;
    expect([entry.wei, entry.forReading]).toEqual([160_000_480n, 160_000_480n]);
    expect(read.contributors.map(({ contributor }) => contributor)).toContain(person('c'));
  });
  it('cannot be made of numbers that are not finite', () => {
    const broken = attribution([[Infinity, 'a']]);
    expect(() => divisionWithoutPrice(broken, DEFAULT_PAYOUT_RULE)).toThrow(expect.objectContaining({ code: 'payout/invalid' }));
  });
});
