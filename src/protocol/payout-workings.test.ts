import { expect, test } from 'vitest';
import type { Hex } from './bytes.ts';
import { divideFee } from './divide-fee.ts';
import { verifyMerkleProof } from './merkle.ts';
import { EVIDENCE, GROSS, ORDER, PAID, PEOPLE, SUMS, type Workings, rowOf, workingsOf } from './payout-workings.ts';
import { keccak256, concat, uint256Bytes } from './bytes.ts';
import { type MadeUpPayout, madeUpPayout } from '../attribution/trace/testing/payout-cases.ts';
import { trainedProof, trainedRecords, trainedRoot } from './trained-records.ts';

/** divideFee takes records, not columns, and a fee of which the contributors' part is all. */
function divided({ amount, scores, noise, contributors, trained, rule, read }: MadeUpPayout) {
  const ofRecord = (values: Float32Array) => {
    if (!trained.length) return values;
    const all = new Float32Array(contributors.length);
    trained.forEach((record, column) => (all[record] = values[column]!));
    return all;
  };
  const prices = { rateIn: String(amount * 1000n), rateOut: '0', platformFee: '0', split: { platform: 0, owner: 0, stakers: 0, contributors: 10_000 }, payout: rule };
  return divideFee(1, 1, prices, ofRecord(scores), ofRecord(noise), contributors, read.map((record) => ({ record })));
}

const word = ({ tables }: Workings, table: number, row: number, at: number, words = 1): bigint => {
  const { columns, bytes } = tables[table]!;
  let value = 0n;
  for (const byte of bytes.subarray(4 * (row * columns + at), 4 * (row * columns + at + words))) value = (value << 8n) | BigInt(byte);
  return value;
};

test('the payouts are divideFee’s to the wei, for 600 made-up answers', () => {
  const seen = { paid: 0, nobody: 0, capped: 0, harmed: 0, copies: 0, readers: 0, single: 0 };
  for (let stream = 0; stream < 600; stream++) {
    const made = madeUpPayout({ stream });
    const there = divided(made);
    const here = workingsOf(made);
    expect(here.payouts, `stream ${stream}`).toEqual(there.payouts);
    expect(here.allocated).toBe(there.fee.contributors);
    // The last row of the sums says the same.
    const last = made.contributors.length + 15;
    expect(word(here, SUMS, last, 4, 4)).toBe(here.allocated);
    expect(rowOf.sums(here.tables[SUMS]!.bytes, last).count).toBe(here.payouts.length);
    const weights = there.description.contributors.reduce((sum, { weight }) => sum + weight, 0n);
    expect(word(here, PEOPLE, last, 6, 4)).toBe(weights);
    if (here.payouts.length) seen.paid++;
    else seen.nobody++;
    if (there.description.records.some(({ capped }) => capped)) seen.capped++;
    if (there.description.contributors.some(({ weight, contributor }) => weight > 0n && there.description.records.some(({ evidence }, k) => evidence < 0n && made.contributors[there.counted[k]!]!.toLowerCase() === contributor))) seen.harmed++;
    if (made.trained.length) seen.copies++;
    if (made.trained.length && made.read.some((record) => !made.trained.includes(record))) seen.readers++;
    if (made.contributors.length === 1) seen.single++;
  }
  // The cases are worth comparing.
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(20);
});

test('what stands in the rows: order, running sums, people, padding', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((digit) => `0x${digit.repeat(40)}` as Hex) as [Hex, Hex, Hex];
  // One standard deviation is asked for: with four records √(1² + 2 ln 2 · 2) = 1.942.
  const rule = { nullMultiple: 1000, reserve: 1000, clusterCap: 10_000, retrievalPart: 1000 };
  const scores = Float32Array.of(4, 10, -0, -3);
  const noise = Float32Array.of(1, 1, 2, 1);
  const found = workingsOf({ amount: 1_000_000n, scores, noise, contributors: [b, a, b, b, c, b], trained: [0, 1, 2, 3], rule, read: [4, 5] });
  expect(found.tables.map(({ rows, columns }) => [rows, columns])).toEqual([[6, 8], [6, 12], [22, 10], [6, 4], [6, 4], [22, 9]]);
  const orders = [0, 1, 2, 3, 4].map((row) => rowOf.order(found.tables[ORDER]!.bytes, row));
  expect(orders).toEqual([
    { contributor: a, column: 1, top: 130, counted: 1 }, { contributor: b, column: 0, top: 130, counted: 2 },
    { contributor: b, column: 2, top: 130, counted: 3 }, { contributor: b, column: 3, top: 130, counted: 4 },
    { contributor: `0x${'0'.repeat(40)}`, column: 0, top: 0, counted: 0 },
  ]);
  // Units: 2^-57 below the last of 24 bits at exponent 130.
  const unit = 2n ** (23n + 57n - 3n);
  expect([0, 1, 2, 3, 4].map((row) => word(found, EVIDENCE, row, 0, 4))).toEqual([unit, 2n * unit, 4n * unit, 5n * unit, 0n]);
  const above = (score: bigint) => score * unit - (unit * 1942n + 999n) / 1000n;
  expect([0, 1, 2, 3].map((row) => [word(found, EVIDENCE, row, 4, 4), word(found, EVIDENCE, row, 8, 4)])).toEqual([[above(10n), 0n], [above(4n), 0n], [above(4n), 0n], [above(4n), above(3n)]]);
  expect([0, 1, 2, 3, 21].map((g) => rowOf.people(found.tables[PEOPLE]!.bytes, g))).toEqual([
    { contributor: a, end: 1 }, { contributor: b, end: 4 }, { contributor: c, end: 4 },
    { contributor: `0x${'0'.repeat(40)}`, end: 4 }, { contributor: `0x${'0'.repeat(40)}`, end: 4 },
  ]);
  const weights = [above(10n), above(4n) - above(3n)];
  const whole = weights[0]! + weights[1]! + (5n * unit * 1000n + 3999n) / 4000n;
  const gross = [(900_000n * above(10n)) / whole, (900_000n * above(4n)) / whole];
  expect([0, 1, 2, 3, 4].map((row) => word(found, GROSS, row, 0, 4))).toEqual([gross[0], gross[1], gross[1], gross[1], 0n]);
  const net = gross[1]! - (900_000n * above(3n) + whole - 1n) / whole;
  expect([0, 1, 2, 3, 4].map((row) => word(found, PAID, row, 0, 4))).toEqual([gross[0], net, net, net, 0n]);
  // For reading 100,000: two thirds and the dust to record 4, a third to record 5.
  const sums = [gross[0]!, net + 33_333n, 66_667n];
  expect([0, 1, 2, 3, 21].map((g) => word(found, SUMS, g, 0, 4))).toEqual([...sums, 0n, 0n]);
  expect([2, 21].map((g) => word(found, SUMS, g, 4, 4))).toEqual([found.allocated, found.allocated]);
  expect(found.payouts).toEqual([a, b, c].map((contributor, k) => ({ contributor, amount: sums[k] })));
});

test('what cannot be divided is refused', () => {
  const made = madeUpPayout({ stream: 1, records: 5 });
  const one = { ...made, trained: [], scores: new Float32Array(5), noise: new Float32Array(5), read: [] };
  expect(workingsOf(one).payouts).toEqual([]);
  expect(() => workingsOf({ ...one, scores: new Float32Array(4) })).toThrow('4 scores');
  expect(() => workingsOf({ ...one, scores: Float32Array.of(0, 0, NaN, 0, 0) })).toThrow('float32');
  expect(() => workingsOf({ ...one, noise: Float32Array.of(0, 0, -1, 0, 0) })).toThrow('negative');
  expect(() => workingsOf({ ...one, read: [5] })).toThrow('read');
  expect(() => workingsOf({ ...one, read: [1, 1] })).toThrow('twice');
  expect(() => workingsOf({ ...one, trained: [1, 0, 2, 3, 4] })).toThrow('ascending');
});

test('100,000 records take seconds', () => {
  const made = madeUpPayout({ stream: 2, records: 100_000, people: 60_000 });
  const begun = process.cpuUsage();
  const found = workingsOf(made);
  const { user, system } = process.cpuUsage(begun);
  expect((user + system) / 1e6).toBeLessThan(5);
  expect(found.allocated).toBe(divided(made).fee.contributors);
});

test('one column’s record is shown by one proof', () => {
  const clusters = [0, 0, 2, 2, 4, 5, 4];
  const trained = trainedRecords(clusters);
  expect(trained).toEqual([0, 2, 4, 5]);
  trained.forEach((record, column) => {
    const leaf = keccak256(Uint8Array.of(0), concat(uint256Bytes(column), uint256Bytes(record)));
    expect(verifyMerkleProof(trainedRoot(clusters), 4, column, leaf, trainedProof(trained, column))).toBe(true);
  });
  expect(BigInt(trainedRoot([0, 1, 2]))).toBe(0n);
  expect(trainedProof([], 2)).toEqual([]);
});
