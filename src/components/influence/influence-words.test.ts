import { describe, expect, it } from 'vitest';
import { agreementWords, recordList } from './influence-words.ts';

describe('lists of records', () => {
  it('count from one, as people do', () => expect(recordList([0])).toBe('record 1'));
  it('join with and', () => expect([recordList([2, 4]), recordList([2, 4, 8])]).toEqual(['records 3 and 5', 'records 3, 5 and 9']));
  it('say how many they leave out', () => expect(recordList([0, 1, 2, 3], 2)).toBe('records 1, 2 and 2 more'));
});

describe('agreement of two orders', () => {
  it('is worded by what it is worth', () => {
    const words = [1, 0.9, 0.89, 0.5, 0.1, -0.3].map(agreementWords);
    expect(words[0]).toBe(words[1]);
    expect(words[0]).toContain('nearly the same order');
    expect(new Set(words).size).toBe(5);
  });
  it('of records that stand all alike is none', () => expect(agreementWords(NaN)).toContain('cannot be compared'));
});
