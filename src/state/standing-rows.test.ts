import { describe, expect, it } from 'vitest';
import type { VersionRecord } from '../protocol/record.ts';
import type { Curation } from '../workers/engine.api.ts';
import { recordKey } from './record-earnings.ts';
import { fitsFilter, sortRows, standingRows, verdictOf } from './standing-rows.ts';

const records = ['a', 'b', 'c', 'd'].map((text, k): VersionRecord => ({ text, questions: [], contributor: `0x${String(k + 1).repeat(40)}`, contribution: '1' }));
const curation: Curation = {
  heldOut: 0, seconds: 1,
  records: [
    { index: 0, record: records[0]!, influence: 3, noise: 1, helped: 4, hurt: 0, leverage: 2, outlier: false },
    { index: 1, record: records[1]!, influence: -5, noise: 1, helped: 0, hurt: 2, leverage: 40, outlier: true },
    { index: 2, record: records[2]!, influence: 0, noise: 0, helped: 0, hurt: 0, leverage: 0, outlier: false, copyOf: 0 },
    { index: 3, record: records[3]!, influence: 1.9, noise: 1, helped: 9, hurt: 8, leverage: 4, outlier: false },
  ],
};
const earned = new Map([[recordKey(records[3]!), { amount: 7n, answers: 2 }]]);
const rows = standingRows(records, undefined, curation, earned);
const places = (list: typeof rows) => list.map(({ index }) => index);

describe('verdicts', () => {
  it.each([[2.1, 1, 'helps'], [-2.1, 1, 'hurts'], [2, 1, 'chance'], [-2, 1, 'chance'], [0, 0, 'chance'], [1e-9, 0, 'helps'], [NaN, 1, 'chance'], [5, Infinity, 'chance']] as const)('%f with noise %f: %s', (influence, noise, verdict) => {
    expect(verdictOf(influence, noise)).toBe(verdict);
  });
});

describe('rows of records at work', () => {
  it('a copy was not trained: it has no influence of its own, and names what it copies', () => {
    expect(rows[2]).toMatchObject({ copyOf: 0, judged: undefined });
  });
  it('leverage stands beside the median of those that were trained', () => expect(rows.map(({ judged }) => judged?.timesMedian)).toEqual([0.5, 10, undefined, 1]));
  it('what was not paid earned nothing, and is known to', () => {
    expect(rows.map((row) => row.earned)).toEqual([{ amount: 0n, answers: 0 }, { amount: 0n, answers: 0 }, { amount: 0n, answers: 0 }, { amount: 7n, answers: 2 }]);
    expect(standingRows(records, undefined, undefined, undefined)[3]!.earned).toBeUndefined();
  });
  it('knows copies before anything was judged', () => expect(standingRows(records, [0, 0, 2, 2], undefined, undefined).map(({ copyOf }) => copyOf)).toEqual([undefined, 0, undefined, 2]));
  it.each([['place', [0, 1, 2, 3]], ['helps', [0, 3, 1, 2]], ['hurts', [1, 3, 0, 2]], ['harm', [3, 1, 0, 2]], ['leverage', [1, 3, 0, 2]], ['earned', [3, 0, 1, 2]]] as const)('sorted by %s, copies last where they have no number', (order, expected) => {
    expect(places(sortRows(rows, order))).toEqual(expected);
  });
  it.each([['all', [0, 1, 2, 3]], ['helps', [0]], ['hurts', [1]], ['chance', [3]], ['outlier', [1]], ['copy', [2]], ['earned', [3]]] as const)('filtered by %s', (filter, expected) => {
    expect(places(rows.filter((row) => fitsFilter(row, filter)))).toEqual(expected);
  });
});
