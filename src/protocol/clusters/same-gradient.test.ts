import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { DatanetRecord } from '../record.ts';
import { clusterRecords } from './cluster-records.ts';
import { COPY_RULE, checkCopyRule } from './copy-rule.ts';
import { joinSameGradient, questionSharers } from './same-gradient.ts';
import { Checked } from '../run.ts';

const fact = (text: string, ...questions: [string, string][]): DatanetRecord => ({ text, questions: questions.map(([question, answer]) => ({ question, answer })) });
const alone = (count: number) => Array.from({ length: count }, (_, k) => k);

/** Records that all ask one question with one answer, so that the vectors decide. */
const sharing = (...texts: string[]) => texts.map((text) => fact(text, ['What does it say?', 'that']));
const join = (records: readonly DatanetRecord[], rows: readonly (readonly number[])[], cosine = 0.6) => {
  const clusters = alone(records.length);
  const which = questionSharers(records, clusters);
  return joinSameGradient(records, clusters, { which, values: Float32Array.from(which.flatMap((k) => rows[k]!)), width: rows[0]!.length, cosine });
};

test('a record whose question is answered the same and whose gradient is alike is a copy, whatever else it says', () => {
  const records = sharing('alpha', 'beta', 'gamma', 'delta', 'epsilon');
  expect(join(records, [[1, 2, 3], [0, 0, 0], [-1, -2, -3], [2, 4, 6.01], [0, 0, 0]])).toEqual([0, 1, 2, 0, 4]);
});

test('the cosine has to be reached', () => {
  const records = sharing('alpha', 'beta', 'gamma');
  // Cosines of 0.6 and 0.28 with the first; the third with the second: 0.936.
  expect(join(records, [[1, 0], [3, 4], [7, 24]], 0.6)).toEqual([0, 0, 0]);
  expect(join(records, [[1, 0], [3, 4], [7, 24]], 0.61)).toEqual([0, 1, 1]);
});

test('without a question of both that has one answer nothing is joined, and no gradient is asked for', () => {
  const records = [
    fact('Aspirin.', ['Is aspirin safe for children?', 'no']), fact('Aspirin.', ['Is aspirin safe for dogs?', 'no']),
    fact('Ibuprofen.', ['Is aspirin safe for children?', 'yes']), fact('Bare.'), fact('', ['?', '!']), fact(' ', ['…', '—']),
  ];
  expect(questionSharers(records, alone(records.length))).toEqual([]);
  expect(join(records, records.map(() => [1, 1]))).toEqual(alone(records.length));
});

test('other numbers are another fact; more of them are not', () => {
  const chain: [string, string] = ['On which chain was it?', 'Ethereum'];
  const records = [
    fact('The DAO lost 60 million.', ['How much?', '60 million'], chain),
    fact('The DAO lost 70 million.', ['How much?', '70 million'], chain),
    fact('The DAO lost 75 million, they say.', ['How much?', '60 million'], chain),
  ];
  expect(join(records, [[1, 0], [1, 0.01], [1, 0.02]])).toEqual([0, 1, 0]);
});

test('a later record joins the earlier one that it is most like, and never two earlier ones to each other', () => {
  const records = sharing('alpha', 'beta', 'between', 'again beta');
  expect(join(records, [[1, 0], [0, 1], [1, 1.01], [0.1, 1]])).toEqual([0, 1, 1, 1]);
});

test('closure: copies by wording of what is joined go with it', () => {
  const records = [fact('one', ['Who?', 'Ann']), fact('two and more words', ['Who?', 'Ann'], ['Where?', 'Rome']), fact('TWO and more words', ['Where?', 'Rome'], ['Who?', 'Ann'])];
  const clusters = clusterRecords(records);
  expect(clusters).toEqual([0, 1, 1]);
  expect(questionSharers(records, clusters)).toEqual([0, 1]);
  expect(joinSameGradient(records, clusters, { which: [0, 1], values: Float32Array.of(1, 0, 1, 0.1), width: 2, cosine: 0.6 })).toEqual([0, 0, 0]);
});

test('no two records of a sample Datanet share a question with its answer, so that no gradient is taken there', () => {
  for (const name of ['exploits', 'legal', 'health']) {
    const records = readFileSync(`public/datanets/${name}.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as DatanetRecord);
    expect(questionSharers(records, alone(records.length)), name).toEqual([]);
  }
});

test('a question that many records share is compared with the first of them only', () => {
  const records = sharing(...alone(40).map((k) => 'word '.repeat(k + 1)));
  const rows = records.map((_, k) => alone(40).map((i) => Number(i === k)));
  rows[39] = rows[3]!;
  expect(join(records, rows)).toEqual([...alone(39), 3]);
  rows[39] = rows[30]!;
  expect(join(records, rows)).toEqual(alone(40));
});

test('vectors that do not fit, or are not numbers, are refused', () => {
  const records = sharing('alpha', 'beta');
  const given = { which: [0, 1], values: Float32Array.of(1, 2, 3, 4), width: 2, cosine: 0.6 };
  for (const wrong of [{ width: 3 }, { cosine: 0 }, { cosine: NaN }, { cosine: 1.1 }, { values: Float32Array.of(1, NaN, 3, 4) }, { values: Float32Array.of(1, Infinity, 3, 4) }]) {
    expect(() => joinSameGradient(records, [0, 1], { ...given, ...wrong })).toThrow(expect.objectContaining({ code: 'clusters/invalid-vectors' }));
  }
  expect(joinSameGradient([], [], { which: [], values: new Float32Array(), width: 2, cosine: 0.6 })).toEqual([]);
});

test('a rule in a run.json is bounded', () => {
  const check = (copies: unknown) => checkCopyRule(new Checked({ copies }, 'run/invalid', 'Not valid.'), 'copies');
  check(COPY_RULE);
  check({ ...COPY_RULE, cosine: '1' });
  const wrong = [
    { rule: 'other/1' }, { cosine: 0.6 }, { cosine: '0.0' }, { cosine: '1.5' }, { cosine: '-0.5' }, { cosine: '6e-1' }, { rank: 0 }, { rank: 65 }, { rank: 1.5 }, { seed: -1 }, { seed: 2 ** 32 },
    { width: 63 }, { width: 2 ** 20 },
  ];
  for (const field of wrong) expect(() => check({ ...COPY_RULE, ...field }), JSON.stringify(field)).toThrow(expect.objectContaining({ code: 'run/invalid' }));
  for (const copies of [null, 'rule', []]) expect(() => check(copies)).toThrow(expect.objectContaining({ code: 'run/invalid' }));
});
