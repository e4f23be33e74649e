import { expect, test } from 'vitest';
import { permutation, randomBelow, randomNormal, randomUnit } from '../arithmetic/random.ts';
import type { Hex } from './bytes.ts';
import { DEFAULT_PAYOUT_RULE, type PayoutInput, describePayout, dividePayout, noiseMultiple } from './payout-rule.ts';

const person = (k: number): Hex => `0x${(k + 1).toString(16).padStart(40, '0')}`;
const input = (parts: Partial<PayoutInput> & Pick<PayoutInput, 'scores'>): PayoutInput => ({
  amount: 1_000_000n,
  noise: new Array(parts.scores.length).fill(1),
  contributors: Array.from(parts.scores, (_, k) => person(k)),
  rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 5000 },
  ...parts,
});
const sum = (parts: readonly bigint[]) => parts.reduce((a, b) => a + b, 0n);
/** A random answer: most scores are noise, a few are not. */
function answer(stream: number, records = 40): PayoutInput {
  const noise = Array.from({ length: records }, (_, k) => Math.fround(0.5 + randomUnit(1, stream, k)));
  const scores = noise.map((one, k) => Math.fround(one * (randomNormal(2, stream, k) + (k % 9 === 0 ? 12 * randomNormal(3, stream, k) : 0))));
  return input({ amount: 10n ** 17n + BigInt(stream), scores, noise, contributors: scores.map((_, k) => person(randomBelow(6, 4, stream, k))), rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } });
}

test('known answer: four records, threshold 2.6 standard deviations', () => {
  // √(2² + 2 ln 2 · 2) = 2.602 (thousandths, rounded down): evidence 7.398, 0, −1.398, 2.398; reserve 1 times the mean noise.
  const found = describePayout(input({ scores: [10, 1, -4, 5], contributors: [person(0), person(0), person(0), person(1)] }));
  expect(found.multiple).toBe(2602);
  const weights = [7.398 - 1.398, 2.398];
  const whole = 1 + weights[0]! + weights[1]!;
  // The first record's part is cut to the cap, and then pays for the third.
  const harm = Math.ceil((1_000_000 * 1.398) / whole);
  expect(found.contributors.map(({ pay }) => Number(pay))).toEqual([500_000 - harm, Math.floor((1_000_000 * weights[1]!) / whole)]);
  expect(found.records.map(({ capped }) => capped)).toEqual([true, false, false, false]);
  const unit = 2 ** found.unitLog2;
  expect(Number(found.contributors[0]!.score) * unit).toBe(7);
  expect(Number(found.contributors[0]!.withinNoise) * unit).toBeCloseTo(1, 12);
  expect(Number(found.reserve) * unit).toBe(1);
  expect(found.allocated).toBe(sum(found.records.map(({ part }) => part)));
  const uncapped = describePayout(input({ scores: [10, 1, -4, 5], contributors: [person(0), person(0), person(0), person(1)], rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } }));
  // p = x / (R + Σ x), but for rounding.
  expect(Math.abs(Number(uncapped.contributors[0]!.pay) - (1_000_000 * weights[0]!) / whole)).toBeLessThan(2);
});

test('the more records, the further above noise; the chance that noise earns anything stays small', () => {
  expect([1, 2, 3, 4, 5, 332, 1024, 1025].map((n) => Number(noiseMultiple(n, 2000)))).toEqual([2000, 2320, 2602, 2602, 2856, 4059, 4226, 4387]);
  let answersThatPaid = 0;
  let paid = 0n;
  for (let stream = 0; stream < 400; stream++) {
    const scores = Array.from({ length: 100 }, (_, k) => Math.fround(randomNormal(9, stream, k)));
    const parts = dividePayout(input({ scores }));
    if (sum(parts) > 0n) answersThatPaid++;
    paid += sum(parts);
  }
  // 2.3 % is the bound of the documents; 400 answers.
  expect(answersThatPaid).toBeLessThanOrEqual(16);
  expect(Number(paid) / 400e6).toBeLessThan(0.01);
});

test('parts stay within the amount and the cap, whatever the order of the records', () => {
  for (let stream = 0; stream < 60; stream++) {
    const one = { ...answer(stream), rule: { nullMultiple: 1000 + 20 * stream, reserve: 30 * stream, clusterCap: 1000 + 150 * stream, retrievalPart: 0 } };
    const parts = dividePayout(one);
    expect(sum(parts) <= one.amount).toBe(true);
    for (const part of parts) expect(part >= 0n && part <= (one.amount * BigInt(one.rule.clusterCap)) / 10_000n).toBe(true);
    const order = permutation(parts.length, 7, stream);
    const turned = dividePayout({ ...one, scores: order.map((k) => one.scores[k]!), noise: order.map((k) => one.noise[k]!), contributors: order.map((k) => one.contributors[k]!) });
    expect(turned).toEqual(order.map((k) => parts[k]));
    expect(dividePayout({ ...one, contributors: one.contributors.map((who) => who.toUpperCase().replace('0X', '0x') as Hex) })).toEqual(parts);
  }
});

test('splitting one contributor into many identities gains nothing, to the wei, where none of their records hurts', () => {
  for (let stream = 0; stream < 60; stream++) {
    const one = answer(stream);
    const scores = Array.from(one.scores, (score, k) => (one.contributors[k] === person(0) && score < -one.noise[k]! ? Math.abs(score) : score));
    const before = dividePayout({ ...one, scores });
    const split = dividePayout({ ...one, scores, contributors: one.contributors.map((who, k) => (who === person(0) ? person(100 + k) : who)) });
    expect(split).toEqual(before);
  }
});

test('merging contributors gains nothing, and a split at most what the records that hurt had cost', () => {
  for (let stream = 0; stream < 60; stream++) {
    const one = { ...answer(stream), rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: stream % 2 ? 10_000 : 1000 } };
    const mine = (who: Hex) => who === person(0) || who === person(1);
    const total = (contributors: readonly Hex[]) => sum(dividePayout({ ...one, contributors }).filter((_, k) => mine(one.contributors[k]!)));
    const merged = total(one.contributors.map((who) => (mine(who) ? person(0) : who)));
    const apart = total(one.contributors);
    const split = total(one.contributors.map((who, k) => (mine(who) ? person(100 + k) : who)));
    // Each record's part is rounded down once: at most one wei per record lies between.
    expect(merged <= apart + BigInt(one.scores.length)).toBe(true);
    expect(apart <= split + BigInt(one.scores.length)).toBe(true);
    const harmless = Array.from(one.scores, (score, k) => (mine(one.contributors[k]!) ? Math.max(score, 0) : score));
    expect(split).toBe(sum(dividePayout({ ...one, scores: harmless }).filter((_, k) => mine(one.contributors[k]!))));
  }
});

test('a record that says nothing about the answer costs its contributor next to nothing', () => {
  const few = dividePayout(input({ scores: [40, 0] }))[0]!;
  const many = dividePayout(input({ scores: [40, ...new Array(1023).fill(0)], contributors: new Array(1024).fill(person(0)), rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } }))[0]!;
  expect(few).toBe(500_000n);
  expect(Number(many)).toBeGreaterThan(970_000);
});

test('edges: nothing, all zero, negative only, one record, ties, no noise, no amount, extreme values', () => {
  expect(describePayout(input({ scores: [] }))).toMatchObject({ records: [], contributors: [], allocated: 0n });
  expect(dividePayout(input({ scores: [0, -0, 0], noise: [0, 0, 0] }))).toEqual([0n, 0n, 0n]);
  expect(dividePayout(input({ scores: [-50, -3] }))).toEqual([0n, 0n]);
  // x = 5 − 2 = 3, R = 1.
  expect(dividePayout(input({ scores: [5], rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } }))).toEqual([750_000n]);
  // (7 − 2.602) / (1 + 3 · 4.398) each.
  expect(dividePayout(input({ scores: [7, 7, 7], noise: [1, 1, 1] }))).toEqual([309_849n, 309_849n, 309_849n]);
  expect(dividePayout(input({ scores: [3, 1, -9], noise: [0, 0, 0], rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } }))).toEqual([750_000n, 250_000n, 0n]);
  expect(dividePayout(input({ scores: [3, 1], amount: 0n }))).toEqual([0n, 0n]);
  const greatest = 3.4028234663852886e38;
  const least = 2 ** -149;
  expect(dividePayout(input({ scores: [greatest, least], noise: [0, 0], amount: 2n ** 128n - 1n, rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } }))).toEqual([2n ** 128n - 1n, 0n]);
  expect(dividePayout(input({ scores: [3 * least, least], noise: [0, 0], rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 10_000 } }))).toEqual([750_000n, 250_000n]);
  // Noise too fine for the unit still counts as one unit, so that it is never lost.
  expect(describePayout(input({ scores: [greatest], noise: [least] })).records[0]!.noise).toBe(1n);
});

test('what cannot be divided is refused', () => {
  const refused = expect.objectContaining({ code: 'payout/invalid' });
  const bad: Partial<PayoutInput>[] = [
    { scores: [NaN, 1] }, { scores: [Infinity, 1] }, { scores: [0.1, 1] }, { noise: [-1, 1] }, { noise: [NaN, 1] }, { noise: [1] }, { amount: -1n }, { amount: 2n ** 128n },
    { contributors: [person(0)] }, { contributors: [person(0), '0x12'] }, { rule: { ...DEFAULT_PAYOUT_RULE, clusterCap: 0 } }, { rule: { ...DEFAULT_PAYOUT_RULE, nullMultiple: 999 } },
    { rule: { ...DEFAULT_PAYOUT_RULE, reserve: 0.5 } },
  ];
  for (const parts of bad) expect(() => dividePayout(input({ scores: [1, 1], ...parts })), JSON.stringify(parts, (_, value) => (typeof value === 'bigint' ? String(value) : value))).toThrow(refused);
});
