import { expect, test } from 'vitest';
import { Checked } from '../run.ts';
import { COPY_RULE, checkCopyRule } from './copy-rule.ts';
import { type Vectors, joinSameGradient } from './same-gradient.ts';

const alone = (count: number) => Array.from({ length: count }, (_, k) => k);
const every = (count: number) => alone(count).flatMap((later) => alone(later).map((earlier) => [earlier, later] as [number, number]));
const join = (rows: readonly (readonly number[])[], cosine = 0.6, clusters = alone(rows.length), pairs = every(rows.length)) =>
  joinSameGradient(clusters, pairs, { which: alone(rows.length), values: Float32Array.from(rows.flat()), width: rows[0]!.length, cosine });

test('what has the same effect is joined; zeros and opposite rows are nobody’s copies', () => {
  expect(join([[1, 2, 3], [0, 0, 0], [-1, -2, -3], [2, 4, 6.01], [0, 0, 0]])).toEqual([0, 1, 2, 0, 4]);
});

test('the cosine has to be reached, and only pairs that are named count', () => {
  // Cosines of 0.6 and 0.28 with the first; the third with the second: 0.936.
  const rows = [[1, 0], [3, 4], [7, 24]];
  expect(join(rows, 0.6)).toEqual([0, 0, 0]);
  expect(join(rows, 0.61)).toEqual([0, 1, 1]);
  expect(join(rows, 0.6, alone(3), [[0, 2]])).toEqual([0, 1, 2]);
});

test('a later record joins the earlier one that it is most like, and never two earlier ones to each other', () => {
  expect(join([[1, 0], [0, 1], [1, 1.01], [0.1, 1]])).toEqual([0, 1, 1, 1]);
  // As like to both: the earlier.
  expect(join([[1, 0], [0, 1], [1, 1]])).toEqual([0, 1, 0]);
});

test('closure: copies by wording of what is joined go with it', () => {
  expect(join([[1, 0], [1, 0.1], [0, 1]], 0.6, [0, 1, 1], [[0, 1]])).toEqual([0, 0, 0]);
});

test('vectors that do not fit, or are not numbers, are refused', () => {
  const given: Vectors = { which: [0, 1], values: Float32Array.of(1, 2, 3, 4), width: 2, cosine: 0.6 };
  for (const wrong of [{ width: 3 }, { cosine: 0 }, { cosine: NaN }, { cosine: 1.1 }, { values: Float32Array.of(1, NaN, 3, 4) }, { values: Float32Array.of(1, Infinity, 3, 4) }, { which: [0, 2] }]) {
    expect(() => joinSameGradient([0, 1, 2], [[0, 1]], { ...given, ...wrong }), JSON.stringify(wrong)).toThrow(expect.objectContaining({ code: 'clusters/invalid-vectors' }));
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
