import { describe, expect, it } from 'vitest';
import type { DatanetRecord } from '../../protocol/record.ts';
import { checkRetrieval } from './check-retrieval.ts';
import { MOST_RETRIEVED, buildRetrieval, retrieve } from './retrieval.ts';
import { termsOf } from './terms.ts';

const record = (text: string, ...questions: [string, string][]): DatanetRecord => ({ text, questions: questions.map(([question, answer]) => ({ question, answer })) });
const RECORDS = [
  record('In June 2016 The DAO on Ethereum lost 60 million dollars through reentrancy.', ['How was The DAO exploited?', 'reentrancy']),
  record('The Akropolis exploit on Ethereum cost 2 million dollars; the technique was reentrancy.', ['What did Akropolis lose?', '2 million dollars']),
  record('Ronin Bridge lost 625 million dollars through compromised keys.', ['How was Ronin Bridge hacked?', 'compromised keys']),
  record('', ['Where is the tibia?', 'in the lower leg']),
];

describe('terms', () => {
  it.each([
    ['The DAO’s 1,000.5 coins—lost!', ['the', 'dao', 's', '1', '000', '5', 'coins', 'lost']],
    ['ÄRZTE Straße ΣΟΦΟΣ МОСКВА İ', ['ärzte', 'straße', 'σοφοσ', 'москва', 'i\u0307']],
    ['cafe\u0301 ﬁ ª º µ', ['café', 'ﬁ', 'ª', 'º', 'µ']],
    ['東京都 a京b', ['東京', '京都', 'a', '京', 'b']],
    ['😀x \ud800y\udfff', ['😀x', 'y']],
    ['x'.repeat(100), ['x'.repeat(40)]],
    [' \u3000\t!?', []],
  ])('%j', (text, expected) => expect(termsOf(text)).toEqual(expected));
});

describe('retrieval', () => {
  const index = buildRetrieval(RECORDS);
  const found = (question: string, most = 4) => retrieve(index, question, { most }).map((one) => one.record);

  it('scores by BM25+, to the millionth', () => {
    const lengths = [19, 20, 16, 8];
    expect([...index.lengths]).toEqual(lengths);
    const mean = lengths.reduce((a, b) => a + b) / 4;
    const idf = Math.log(1 + (4 - 2 + 0.5) / 2.5);
    const score = (count: number, length: number) => Math.round(1e6 * idf * (0.5 + (count * 2.2) / (count + 1.2 * (0.3 + (0.7 * length) / mean))));
    expect(retrieve(index, 'Reentrancy?', { most: 4 })).toEqual([
      { record: 0, score: score(2, 19) }, { record: 1, score: score(1, 20) },
    ]);
  });

  it('keeps its numbers', () => {
    expect(retrieve(index, 'How much did the Ronin Bridge lose?', { most: 4 })).toEqual([{ record: 2, score: 5536705 }, { record: 1, score: 4023325 }]);
  });

  it('reads statements, questions and answers', () => {
    expect(found('lower leg')).toEqual([3]);
    expect(found('tibia')).toEqual([3]);
    expect(found('RONIN hacked')).toEqual([2]);
  });

  it('tries other spellings only of words that no record has', () => {
    expect(found('Akropoliss')).toEqual([1]);
    expect(found('reentrency')).toEqual([0, 1]);
    expect(found('lag')).toEqual([]);
    const near = buildRetrieval([record('carting'), record('parting'), record('starting up')]);
    expect(retrieve(near, 'parting', { most: 4 }).map((one) => one.record)).toEqual([1]);
    expect(retrieve(near, 'darting', { most: 4 })).toEqual(retrieve(near, 'darting', { most: 4 }));
    expect(retrieve(near, 'darting', { most: 4 }).map((one) => one.record)).toEqual([0, 1]);
  });

  it('gives nothing for words that most records share, or none has', () => {
    const many = buildRetrieval(Array.from({ length: 40 }, (_, k) => record(`What the court said in case number${k}`)));
    expect(retrieve(many, 'What the court said', { most: 4 })).toEqual([]);
    expect(retrieve(many, 'What the court said of number7', { most: 4 }).map((one) => one.record)).toEqual([7]);
    expect(found('zebra')).toEqual([]);
  });

  it('leaves out what scores less than half of the best', () => {
    expect(found('Ronin Bridge keys million')).toEqual([2]);
  });

  it('orders equal scores by number', () => {
    const equal = buildRetrieval(Array.from({ length: 6 }, (_, k) => record(`apple word${5 - k}`)));
    expect(retrieve(equal, 'apple', { most: 3 }).map((one) => one.record)).toEqual([0, 1, 2]);
  });

  it('never retrieves a copy beside its original, nor two of a cluster', () => {
    const copied = [...RECORDS, record('ronin bridge LOST 625 million dollars, through compromised keys', ['How was Ronin Bridge hacked?', 'compromised keys!'])];
    expect(retrieve(buildRetrieval(copied), 'Ronin Bridge', { most: 4 })).toEqual(retrieve(index, 'Ronin Bridge', { most: 4 }));
    const near = [...RECORDS, record('Ronin Bridge has lost 625 million dollars by compromised keys.')];
    expect(retrieve(buildRetrieval(near), 'Ronin Bridge', { most: 4 }).map((one) => one.record)).toEqual([2, 4]);
    expect(retrieve(buildRetrieval(near, { clusterOf: [0, 1, 2, 3, 2] }), 'Ronin Bridge', { most: 4 })).toEqual(retrieve(index, 'Ronin Bridge', { most: 4 }));
  });

  it('bounds what a question may ask of it', () => {
    expect(found('reentrancy Ronin', 1)).toHaveLength(1);
    for (const most of [0, -3, NaN]) expect(found('reentrancy', most)).toEqual([]);
    const many = buildRetrieval(Array.from({ length: 40 }, (_, k) => record(`apple${k % 5} word${k}`)));
    expect(retrieve(many, 'apple1 apple2 apple3', { most: 1e9 })).toHaveLength(MOST_RETRIEVED);
    const began = performance.now();
    const hostile = Array.from({ length: 20_000 }, (_, k) => `appla${k}`).join(' ');
    retrieve(many, hostile, { most: 16 });
    retrieve(many, 'a'.repeat(1_000_000), { most: 16 });
    retrieve(many, '__proto__ constructor hasOwnProperty', { most: 16 });
    expect(performance.now() - began).toBeLessThan(2000);
    for (const question of ['', '   ', '?!', '\ud800']) expect(found(question)).toEqual([]);
    // Words after the first 64 different ones are not looked up.
    expect(found(`${Array.from({ length: 64 }, (_, k) => `q${k}`).join(' ')} Ronin`)).toEqual([]);
  });

  it('takes an empty Datanet and records without words', () => {
    for (const records of [[], [record('')], [record('...'), record('!')]]) expect(retrieve(buildRetrieval(records), 'anything', { most: 4 })).toEqual([]);
  });
});

describe('the check', () => {
  const question = 'reentrancy on Ethereum';
  const retrieved = retrieve(buildRetrieval(RECORDS), question, { most: 2 });
  const log = { method: 'bm25/1', most: 2, retrieved };

  it('agrees with what was retrieved, and with its first ones', () => {
    expect(retrieved).toHaveLength(2);
    expect(checkRetrieval(RECORDS, question, log)).toBeUndefined();
    expect(checkRetrieval(RECORDS, question, { ...log, retrieved: retrieved.slice(0, 1) })).toBeUndefined();
    expect(checkRetrieval(RECORDS, question, { ...log, retrieved: [] })).toBeUndefined();
  });

  it.each([
    ['another order', { ...log, retrieved: [...retrieved].reverse() }, 'record retrieved at place 1'],
    ['another score', { ...log, retrieved: [retrieved[0]!, { ...retrieved[1]!, score: retrieved[1]!.score + 1 }] }, 'record retrieved at place 2'],
    ['another record', { ...log, retrieved: [{ ...retrieved[0]!, record: 3 }] }, 'record retrieved at place 1'],
    ['more than there are', { ...log, retrieved: [...retrieved, { record: 2, score: 1 }] }, 'record retrieved at place 3'],
    ['another method', { ...log, method: 'bm25/2' }, 'method of retrieval'],
    ['too many', { ...log, most: 1e6 }, 'number of records to retrieve'],
  ])('names the first difference: %s', (_, claimed, where) => {
    const difference = checkRetrieval(RECORDS, question, claimed)!;
    expect(difference.where).toBe(where);
    expect(difference.claimed).not.toBe(difference.computed);
  });

  it('notices another question or other records', () => {
    expect(checkRetrieval(RECORDS, 'reentrancy on Ronin', log)).toBeDefined();
    expect(checkRetrieval(RECORDS.slice(1), question, log)).toBeDefined();
  });
});
