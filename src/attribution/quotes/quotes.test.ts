import { describe, expect, it } from 'vitest';
import { maximalSpans } from './maximal-spans.ts';
import { buildQuoteIndex, find, placeOf, rankOf } from './quote-index.ts';
import { MOST_ANSWER, quotes } from './quotes.ts';

/** The same numbers on every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const within = (texts: readonly (readonly number[])[], part: readonly number[]) =>
  texts.flatMap((text, t) => text.flatMap((_, at) => (at + part.length <= text.length && part.every((id, i) => text[at + i] === id) ? [[t, at]] : [])));

describe('places and spans against the definition', () => {
  const random = chance(7);
  const symbol = () => 5 + Math.floor(random() * 4) * 1000;
  const cases = Array.from({ length: 60 }, () => ({
    texts: Array.from({ length: 1 + Math.floor(random() * 6) }, () => Array.from({ length: Math.floor(random() * 12) }, symbol)),
    answer: Array.from({ length: Math.floor(random() * 16) }, () => (random() < 0.05 ? 9 : symbol())),
  }));

  it.each(cases)('$answer in $texts', ({ texts, answer }) => {
    const index = buildQuoteIndex([texts]);
    const ranks = Int32Array.from(answer, (id) => rankOf(index.ids, id));
    const stands = (from: number, to: number) => to <= answer.length && from >= 0 && within(texts, answer.slice(from, to)).length > 0;
    const expected: number[][] = [];
    for (let from = 0; from < answer.length; from++) {
      for (let to = from + 1; to <= answer.length; to++) {
        if (!stands(from, to)) break;
        const places = find(index, ranks, from, to)!;
        const found = Array.from(index.suffixes.slice(places.first, places.end), (position) => placeOf(index, position));
        expect(found.map(({ text, from: at }) => [text, at]).sort()).toEqual(within(texts, answer.slice(from, to)).sort());
        if (!stands(from, to + 1) && !(from > 0 && stands(from - 1, to))) expected.push([from, to]);
      }
    }
    expect(maximalSpans(index, ranks).map(({ from, to }) => [from, to])).toEqual(expected);
  });
});

describe('quotes', () => {
  const common = [1, 2, 3];
  const lists = Array.from({ length: 200 }, (_, k) => [[...common, 100 + 3 * k, 101 + 3 * k, 102 + 3 * k], [9000 + k, 4, 5]]);
  const index = buildQuoteIndex(lists);

  it('names the record, the text of it and the place, and drops what many records share', () => {
    const answer = [...common, 100 + 21, 101 + 21, 102 + 21, 77, 9000 + 9, 4, 5, ...common];
    const found = quotes(index, answer);
    expect(found.map(({ from, to, count, records }) => ({ from, to, count, records }))).toEqual([
      { from: 0, to: 6, count: 1, records: [{ record: 7, text: 0, from: 0, copies: 1 }] },
      { from: 7, to: 10, count: 1, records: [{ record: 9, text: 1, from: 0, copies: 1 }] },
    ]);
    expect(quotes(index, common)).toEqual([]);
    // Asked for, the shared one comes too: its weight is almost nothing.
    const [shared] = quotes(index, common, { minWeight: 0, mostRecords: 3 });
    expect(shared).toMatchObject({ from: 0, to: 3, count: 200 });
    expect(shared!.records.map(({ record }) => record)).toEqual([0, 1, 2]);
    expect(shared!.weight).toBeLessThan(0.01 * shared!.bits);
  });

  it('weighs by its formula', () => {
    const [quote] = quotes(index, [100, 101, 102]);
    expect(quote!.bits).toBeCloseTo(3 * Math.log2(1800), 10);
    expect(quote!.weight).toBe(quote!.bits);
    const two = buildQuoteIndex([[[1, 2, 3, 4]], [[1, 2, 3, 5]], [[6, 7, 8, 9, 10]]]);
    const [half] = quotes(two, [1, 2, 3], { minWeight: 0 });
    expect(half!.bits).toBeCloseTo(3 * Math.log2(13 / 2), 10);
    expect(half!.weight).toBeCloseTo(half!.bits * (1 - Math.log(2) / Math.log(4)), 10);
  });

  it('finds nothing across two texts or two records', () => {
    const two = buildQuoteIndex([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]]);
    expect(quotes(two, [1, 2, 3, 4, 5, 6, 7, 8, 9], { minWeight: 0 }).map(({ from, to }) => [from, to])).toEqual([[0, 3], [3, 6], [6, 9]]);
    expect(quotes(two, [3, 4, 5], { minWeight: 0 })).toEqual([]);
  });

  it('counts records that say the same once, and says how many they are', () => {
    const said = [11, 12, 13, 14];
    const other = Array.from({ length: 50 }, (_, k) => [[500 + k, 600 + k]]);
    const copied = buildQuoteIndex([...other, ...Array.from({ length: 10_000 }, () => [said])]);
    const once = buildQuoteIndex([...other, [said]]);
    expect(copied.records).toBe(51);
    expect(copied.tokens).toBe(once.tokens);
    const [quote] = quotes(copied, said);
    expect(quote).toMatchObject({ count: 1, records: [{ record: 50, text: 0, from: 0, copies: 10_000 }] });
    expect(quote!.weight).toBe(quotes(once, said)[0]!.weight);
  });

  it('shortens spans that begin or end with an edge, and drops those that then lie within another', () => {
    const edged = buildQuoteIndex([[[0, 11, 12, 13, 0]], [[21, 11, 12, 13, 22]]]);
    const isEdge = (id: number) => id === 0;
    expect(quotes(edged, [0, 11, 12, 13, 22], { minWeight: 0, isEdge })).toMatchObject([{ from: 1, to: 5, count: 1, records: [{ record: 1, from: 1 }] }]);
    expect(quotes(edged, [0, 11, 12, 13, 0], { minWeight: 0, isEdge })).toMatchObject([{ from: 1, to: 4, count: 2 }]);
    expect(quotes(edged, [0, 0, 0], { minWeight: 0, minTokens: 1, isEdge })).toEqual([]);
  });
});

describe('bad input', () => {
  it('takes an empty Datanet, empty records, an empty answer and short records', () => {
    for (const lists of [[], [[]], [[[]], [[], []]]]) {
      const index = buildQuoteIndex(lists);
      expect(index.tokens).toBe(0);
      expect(quotes(index, [1, 2, 3])).toEqual([]);
      expect(quotes(index, [])).toEqual([]);
    }
    expect(quotes(buildQuoteIndex([[[1, 2]], [[]], [[3, 4]]]), [1, 2, 3, 4])).toEqual([]);
  });

  it('takes ids up to the greatest, and refuses others', () => {
    const top = 2 ** 24 - 1;
    const index = buildQuoteIndex([[[top, top - 1, top - 2, 0]]]);
    expect(quotes(index, [5, top, top - 1, top - 2, 2 ** 24, 0], { minWeight: 0 })).toMatchObject([{ from: 1, to: 4 }]);
    expect(quotes(index, [-1, NaN, 1.5, Infinity])).toEqual([]);
    for (const id of [-1, 2 ** 24, 1.5, NaN]) expect(() => buildQuoteIndex([[[1]], [[id]]])).toThrow(expect.objectContaining({ code: 'quotes/bad-token' }));
  });

  it('refuses an answer that is too long', () => {
    const index = buildQuoteIndex([[[1]]]);
    expect(quotes(index, new Int32Array(MOST_ANSWER).fill(1))).toEqual([]);
    expect(() => quotes(index, new Int32Array(MOST_ANSWER + 1))).toThrow(expect.objectContaining({ code: 'quotes/answer-too-long' }));
  });
});

describe('a million tokens', () => {
  const million = 1_000_000;
  const random = chance(1);
  const zipf = () => Math.floor(30_000 ** random());
  const natural = Array.from({ length: 20_000 }, () => [Array.from({ length: 50 }, zipf)]);
  const binary = Array.from({ length: 20_000 }, () => [Array.from({ length: 50 }, () => (random() < 0.5 ? 1 : 2))]);
  const answer = [...natural[777]![0]!.slice(0, 30), ...natural[9]![0]!.slice(20)];
  it.each([
    ['like words of a language', natural, answer],
    ['two tokens by chance', binary, binary[3]![0]!.concat([1, 1, 2, 2, 1, 2, 1, 1, 2, 1])],
    ['one token', [[new Int32Array(million).fill(3)]], new Int32Array(60).fill(3)],
    ['two tokens in turn', [[Int32Array.from({ length: million }, (_, i) => i & 1)]], Int32Array.from({ length: 60 }, (_, i) => i & 1)],
  ] as [string, ArrayLike<number>[][], ArrayLike<number>][])('%s: indexed within 5 s, an answer of 60 within 20 ms', (name, lists, asked) => {
    const began = performance.now();
    const index = buildQuoteIndex(lists);
    expect(performance.now() - began).toBeLessThan(5000);
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      quotes(index, asked);
      return performance.now() - start;
    }).sort((a, b) => a - b);
    expect(times[4]).toBeLessThan(20);
    if (name === 'like words of a language') {
      expect(quotes(index, asked).map(({ from, to, records }) => [from, to, records[0]!.record])).toEqual(expect.arrayContaining([[0, 30, 777], [30, 60, 9]]));
    }
  });
});
