import { describe, expect, it } from 'vitest';
import { percentages } from './percentages.ts';

describe('percentages', () => {
  it('sum to exactly 100 whatever the parts', () => {
    for (const parts of [[1n, 1n, 1n], [1n, 2n, 3n, 5n, 7n, 11n, 13n], [10n ** 30n, 1n], Array.from({ length: 120 }, (_, k) => BigInt(k * k))]) {
      const tenths = percentages(parts).map((percent) => Math.round(percent * 10));
      expect(tenths.reduce((a, b) => a + b, 0)).toBe(1000);
    }
  });
  it('are all zero where nothing is positive', () => expect(percentages([0n, 0n])).toEqual([0, 0]));
  it('never give a larger part less', () => {
    const shown = percentages([5n, 4n, 4n, 1n]);
    expect([...shown].sort((a, b) => b - a)).toEqual(shown);
  });
});
