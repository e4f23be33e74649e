import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../../../src/model/tokenizer.ts';
import { trainBpe } from './bpe.ts';
import { buildTokenizer, SPECIAL_TOKENS } from './build.ts';

describe('trainBpe', () => {
  it('merges the most frequent pair first and spells the rest in bytes', () => {
    const { tokens, merges } = trainBpe(new Map([['aab', 3], ['ab', 5], ['c', 9]]), 258);
    expect(merges).toEqual([['a', 'b'], ['a', 'ab']]);
    expect(tokens.slice(256)).toEqual(['ab', 'aab']);
  });

  it('stops when nothing repeats', () => {
    expect(trainBpe(new Map([['xy', 1]]), 300).merges).toEqual([]);
  });
});

describe('buildTokenizer', () => {
  const small = { examples: 3000 };
  const built = buildTokenizer(small);
  const tokenizer = Tokenizer.fromJson(JSON.parse(JSON.stringify(built.tokenizer)), built.config);

  it('is the same every time', () => {
    expect(JSON.stringify(buildTokenizer(small))).toBe(JSON.stringify(built));
  });

  it('has the ids that the model was laid out for', () => {
    expect(tokenizer.vocabSize).toBe(2048);
    expect(tokenizer.special).toEqual({ pad: 0, bos: 1, eos: 2, question: 3, answer: 4 });
    expect(SPECIAL_TOKENS).toEqual(['<pad>', '<s>', '</s>', '<|q|>', '<|a|>']);
  });

  it('gives a word one token wherever it stands, spells numbers digit by digit, keeps years whole', () => {
    const lost = tokenizer.encode('lost');
    expect(lost).toHaveLength(1);
    expect(tokenizer.encode('It lost')).toContain(lost[0]);
    expect(tokenizer.encode('625')).toHaveLength(3);
    expect(tokenizer.encode('March 2022')).toHaveLength(2);
  });
});
