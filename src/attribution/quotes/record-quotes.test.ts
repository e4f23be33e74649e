import { describe, expect, it } from 'vitest';
import { indexRecords, quotesOfAnswer } from './record-quotes.ts';
import { splitWords } from './words.ts';

const record = (text: string, ...answers: string[]) => ({ text, questions: answers.map((answer) => ({ question: `What about ${text}?`, answer })) });
const shown = (index: ReturnType<typeof indexRecords>, answer: string) => quotesOfAnswer(index, answer).map(({ begin, end }) => answer.slice(begin, end));

describe('words', () => {
  it.each([
    ['In June 2016, The DAO lost 1,000.50 dollars.', ['In', 'June', '2016', ',', 'The', 'DAO', 'lost', '1,000.50', 'dollars', '.']],
    ['don’t "quote" me; it’s 3.', ['don’t', '"', 'quote', '"', 'me', ';', 'it’s', '3', '.']],
    ['  a\n\tb_c  ', ['a', 'b_c']],
    ['café cafe\u0301 10€', ['café', 'cafe\u0301', '10', '€']],
    ['東京は大きい city', ['東', '京', 'は', '大', 'き', 'い', 'city']],
    ['\ud83d\ude00x\ud800', ['\ud83d\ude00', 'x', '\ud800']],
    ['', []],
  ])('%j', (text, expected) => {
    const { words, starts } = splitWords(text);
    expect(words).toEqual(expected);
    expect(words.map((word, i) => text.slice(starts[i], starts[i]! + word.length))).toEqual(expected);
  });
});

describe('quotes of an answer', () => {
  const index = indexRecords([
    record('In June 2016 The DAO on Ethereum lost 60 million dollars through reentrancy.', '60 million dollars', 'reentrancy'),
    record('The catalogue of the party is kept in the archive (north wing).', 'an archive'),
    record('People get beriberi from a lack of thiamine.', 'a lack of thiamine'),
    record('Pellagra comes of a lack of niacin; scurvy of a lack of vitamin C.', 'a lack of niacin'),
    record('東京は日本の首都です。'),
    ...Array.from({ length: 40 }, (_, k) => record(`The answer to case ${k} is what the court of case ${k} said it is.`)),
  ]);

  it('begins and ends with whole words, without marks at its ends', () => {
    expect(shown(index, 'Long ago, The DAO on Ethereum lost 60 million dollars!')).toEqual(['The DAO on Ethereum lost 60 million dollars']);
    expect(shown(index, 'It is kept in the archive (north wing) and the archive (north wings)')).toEqual(['is kept in the archive (north wing', 'the archive (north']);
    // No word of a record begins or ends inside another word.
    expect(shown(index, 'The cat of the party is kep in the arch')).toEqual(['of the party is']);
  });

  it('finds an answer’s first word as it stands inside a sentence, over other white space', () => {
    expect(shown(index, '60  million\ndollars')).toEqual(['60  million\ndollars']);
    expect(shown(index, 'a lack of thiamine')).toEqual(['a lack of thiamine']);
  });

  it('takes a short answer that stands whole, and no short part of a long one', () => {
    expect(shown(index, 'through reentrancy')).toEqual(['through reentrancy']);
    expect(shown(index, 'It was lost through reentrancy')).toEqual([]);
  });

  it('is word for word: other letters, other words between, or another case are no quote', () => {
    expect(shown(index, 'the dao ON ethereum LOST sixty')).toEqual([]);
    expect(shown(index, 'People often get, beriberi often from')).toEqual([]);
  });

  it('drops what many records say', () => {
    expect(shown(index, 'So the court of case law said it is so')).toEqual([]);
  });

  it('reads scripts without spaces', () => {
    expect(shown(index, '日本の首都です')).toEqual(['日本の首都です']);
  });

  it('does not search questions, and survives what strangers write', () => {
    expect(shown(index, 'What about People get')).toEqual([]);
    for (const answer of ['', ' \n ', '...', '\ud800', '__proto__ constructor toString', 'x'.repeat(20_000), ', '.repeat(10_000)]) expect(shown(index, answer)).toEqual([]);
    expect(shown(indexRecords([]), 'a b c d')).toEqual([]);
    expect(shown(indexRecords([record('__proto__ constructor toString valueOf')]), 'constructor toString valueOf')).toEqual(['constructor toString valueOf']);
  });

  it('takes a decomposed answer for the composed record', () => {
    const accents = indexRecords([record('Le café fermé était très animé hier.'), record('Autre chose.')]);
    const answer = 'café fermé était très'.normalize('NFD');
    expect(shown(accents, answer)).toEqual([answer]);
  });
});
