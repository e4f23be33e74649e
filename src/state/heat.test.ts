import { describe, expect, it } from 'vitest';
import type { Attribution } from '../workers/engine.api.ts';
import { heatOf, recordsToRead, tintsOf } from './heat.ts';

const word = (influence: number[], noise: number[]) => ({ influence: Float32Array.from(influence), noise: Float32Array.from(noise) });
const read = new Map([
  [0, word([0.5, -0.25], [0.125, 0.125])],
  [2, word([0.125, -1], [0.125, 0.125])],
]);

describe('a heat map', () => {
  it('has a record’s influence on each word that was read', () =>
    expect(heatOf(read, 3, [0])).toEqual([
      { influence: 0.5, noise: 0.125, beyondChance: true },
      undefined,
      { influence: 0.125, noise: 0.125, beyondChance: false },
    ]));
  it('of a contributor sums the records, and their noise as squares add', () => {
    const [first] = heatOf(read, 1, [0, 1]);
    expect(first!.influence).toBe(0.25);
    expect(first!.noise).toBeCloseTo(0.125 * Math.SQRT2, 12);
    expect(first!.beyondChance).toBe(false);
  });
});

describe('tints', () => {
  it('are relative to the strongest word, with its sign', () => expect(tintsOf(heatOf(read, 3, [1]))).toEqual([-0.25 / 3, 0, -1].map((tint) => expect.closeTo(tint, 12) as unknown)));
  it('of words within chance are a third as strong', () => expect(tintsOf(heatOf(read, 3, [0]))).toEqual([1, 0, expect.closeTo(0.25 / 3, 12)]));
  it('of nothing read are none', () => expect(tintsOf(heatOf(new Map(), 2, [0]))).toEqual([0, 0]));
  it('of zeros are none', () => expect(tintsOf([{ influence: 0, noise: 0, beyondChance: false }])).toEqual([0]));
});

describe('records to read', () => {
  const of = (n: number) => ({ records: Array.from({ length: n }, (_, k) => ({ index: n - 1 - k })) }) as unknown as Attribution;
  it('are all where there is room', () => expect(recordsToRead(of(5), 60)).toEqual([0, 1, 2, 3, 4]));
  it('are bounded, with the greatest either way', () => {
    const records = recordsToRead(of(100_000), 256);
    expect(records.length).toBe(1024);
    expect([records[0], records.at(-1)]).toEqual([0, 99_999]);
  });
});
