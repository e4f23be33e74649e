import { describe, expect, it } from 'vitest';
import { sentencesOf, wordsOf } from './answer-words.ts';

describe('words of an answer', () => {
  it('joins tokens of a word and keeps punctuation with it', () => {
    expect(wordsOf(['The', ' Da', 'o', ' lost', ' 60', '.', ''])).toEqual([
      { text: 'The', from: 0, to: 1, space: '' },
      { text: 'Dao', from: 1, to: 3, space: ' ' },
      { text: 'lost', from: 3, to: 4, space: ' ' },
      { text: '60.', from: 4, to: 6, space: ' ' },
    ]);
  });
  it('gives the tokens of a split character to the word that shows it', () => {
    const words = wordsOf([' a', '', '', ' 🎉', '!']);
    expect(words.map(({ text, from, to }) => [text, from, to])).toEqual([
      ['a', 0, 1],
      ['🎉!', 1, 5],
    ]);
  });
  it('leaves an end token and lone white space out', () => expect(wordsOf(['yes', ' ', '']).map((word) => word.text)).toEqual(['yes']));
  it('separates words where white space is a token of its own', () => expect(wordsOf(['a', '\n', 'b']).map((word) => word.text)).toEqual(['a', 'b']));
  it('covers every token that shows text', () => {
    const pieces = ['It', ' was', ' re', 'en', 'trancy', '. ', 'Then', ' more', '?'];
    const covered = new Set(wordsOf(pieces).flatMap(({ from, to }) => Array.from({ length: to - from }, (_, k) => from + k)));
    expect(covered.size).toBe(pieces.length);
  });
});

describe('sentences', () => {
  it('end at full stops and at the end', () => {
    expect(sentencesOf(wordsOf(['One', ' two', '.', ' Three', '!', ' four']))).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 3 },
      { from: 3, to: 4 },
    ]);
  });
  it('of nothing are none', () => expect(sentencesOf([])).toEqual([]));
});
