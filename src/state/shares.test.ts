import { describe, expect, it } from 'vitest';
import type { Hex } from '../protocol/bytes.ts';
import type { Attribution } from '../workers/engine.api.ts';
import { madeBy } from './shares.ts';

const person = (digit: string): Hex => `0x${digit.repeat(40)}`;

function attribution(scores: [number, string][]): Attribution {
  const records = scores.map(([influence, digit], index) => ({
    index,
    influence: Math.fround(influence),
    record: { text: `record ${index}`, questions: [], contributor: person(digit), contribution: '1' },
  }));
  return { loss: 1, seconds: 0, records: records.sort((a, b) => b.influence - a.influence) };
}

describe('shares', () => {
  it('sum to 100 % over records and over contributors, and to the part in wei', () => {
    const made = madeBy(
      attribution([
        [0.3, 'a'],
        [0.1, 'b'],
        [0.07, 'a'],
        [-0.2, 'c'],
        [0, 'd'],
        [1e-9, 'b'],
      ]),
      1_000_003n,
    );
    const tenths = (list: { percent: number }[]) => list.reduce((sum, { percent }) => sum + Math.round(percent * 10), 0);
    expect(tenths(made.helped)).toBe(1000);
    expect(tenths(made.contributors)).toBe(1000);
    expect(made.helped.reduce((sum, { wei }) => sum + wei!, 0n)).toBe(1_000_003n);
    expect(made.contributors.reduce((sum, { wei }) => sum + wei!, 0n)).toBe(1_000_003n);
    expect(made.contributors.map(({ contributor, records }) => [contributor, records])).toEqual([
      [person('a'), 2],
      [person('b'), 2],
    ]);
  });
  it('give harmful records nothing and put the most harmful first', () => {
    const made = madeBy(
      attribution([
        [0.3, 'a'],
        [-0.1, 'b'],
        [-0.5, 'c'],
      ]),
      10n,
    );
    expect(made.harmful.map(({ index, wei }) => [index, wei])).toEqual([
      [2, 0n],
      [1, 0n],
    ]);
  });
  it('are empty where nothing helped', () => {
    const made = madeBy(
      attribution([
        [-1, 'a'],
        [0, 'b'],
      ]),
      10n,
    );
    expect([made.helped.length, made.contributors.length, made.neutral]).toEqual([0, 0, 1]);
  });
});
