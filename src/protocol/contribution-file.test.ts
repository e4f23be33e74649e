import { describe, expect, test } from 'vitest';
import { contributionFile, parseContributionFile } from './contribution-file.ts';
import { readPartialReason, writePartialReason } from './partial-acceptance.ts';
import { type VersionRecord, recordsRoot } from './record.ts';
import { versionDifference } from './version-difference.ts';

const records = [
  { text: 'One  fact.', questions: [] },
  { text: '', questions: [{ question: 'Q', answer: 'A' }] },
];
const file = contributionFile(records);
const onChain = { recordsRoot: recordsRoot(records), count: 2 };

describe('contribution file', () => {
  test('reads back normalised records that the root on chain commits to', async () => {
    const read = await parseContributionFile(JSON.parse(JSON.stringify(file)), onChain);
    expect(read).toEqual(file.records);
    expect(read[0]!.text).toBe('One fact.');
  });

  test('refuses other records, another order, and files of the wrong form', async () => {
    const other = { code: 'contribution/other-records' };
    const turned = { ...file, records: [...file.records].reverse() };
    await expect(parseContributionFile(turned, onChain)).rejects.toMatchObject(other);
    await expect(parseContributionFile(file, { ...onChain, count: 3 })).rejects.toMatchObject(other);
    const invalid = { code: 'contribution/invalid' };
    for (const json of [
      null,
      [],
      {},
      { ...file, records: [{ text: 5, questions: [] }] },
      { ...file, records: [{ text: 'x'.repeat(5000), questions: [] }] },
      { ...file, records: [{ text: '', questions: [null] }] },
    ]) {
      await expect(parseContributionFile(json, onChain)).rejects.toMatchObject(invalid);
    }
  });
});

describe('partial acceptance', () => {
  test.each([
    [[1], 'Left out: 2. Why.'],
    [[4, 1, 5, 6, 1], 'Left out: 2, 5-7. Why.'],
  ])('%j is written and read back', (leftOut, text) => {
    expect(writePartialReason(leftOut, ' Why. ')).toBe(text);
    const read = readPartialReason(text, 10)!;
    expect([...read.leftOut].sort()).toEqual([...new Set(leftOut)].sort());
    expect(read.words).toBe('Why.');
  });

  test('a list that names places outside the contribution, or none, is not trusted', () => {
    for (const text of ['Left out: 0. x', 'Left out: 11. x', 'Left out: 5-2. x', 'Left out: 1-99999999999. x', 'Left out: . x', 'some words']) {
      expect(readPartialReason(text, 10)).toBeUndefined();
    }
  });
});

test('versions differ by content and contributor; the same record brought twice counts twice', () => {
  const record = (text: string, contributor: string): VersionRecord => ({
    text,
    questions: [],
    contributor: `0x${contributor.repeat(40)}`,
    contribution: '1',
  });
  const before = [record('a', '1'), record('b', '1'), record('b', '1')];
  const after = [record('b', '1'), record('a', '2'), record('c', '3')];
  const { added, removed, kept } = versionDifference(before, after);
  expect(added).toEqual([after[1], after[2]]);
  expect(removed).toEqual([before[0], before[1]]);
  expect(kept).toBe(1);
});
