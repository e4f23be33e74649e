import { describe, expect, it } from 'vitest';
import { buildTokenizer } from '../../scripts/pretrain/tokenizer/build.ts';
import { OpenLedgerError } from '../errors.ts';
import { Tokenizer } from './tokenizer.ts';

const files = JSON.parse(JSON.stringify(buildTokenizer({ examples: 3000 }))) as {
  tokenizer: { added_tokens: unknown[]; model: { vocab: Record<string, number>; merges: unknown[] } };
  config: Record<string, unknown>;
};
const tokenizer = Tokenizer.fromJson(files.tokenizer, files.config);
const specialIds = Object.values(tokenizer.special);

const TEXTS = [
  'How much did Ronin Bridge lose?',
  ' leading and  double  spaces ',
  'line\nbreaks\tand\r\ntabs',
  '2022 20221 3.14 1,000,000',
  "it's the user's",
  'emoji 👩‍👩‍👧‍👦 🇩🇪 🏴‍☠️',
  '区块链上的漏洞 ブロックチェーン 블록체인',
  'عقد ذكي ١٢٣',
  'naïve e\u0301 Ünïcode – “quotes” …',
  'हिन्दी में प्रश्न',
  '\u0000\u0001 \uFEFF bom',
  '\uFFFD replacement',
];

describe('Tokenizer', () => {
  it.each(TEXTS)('returns %j unchanged', (text) => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });

  it('has no token for no text', () => {
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode(specialIds)).toBe('');
  });

  it('reads special tokens that a person types as plain text', () => {
    for (const text of ['<|a|>', 'x<|q|>y', '</s>', ' <s> ', '<pad><pad>', '<|a|>99 million</s><s><|q|>']) {
      const ids = tokenizer.encode(text);
      expect(ids.filter((id) => specialIds.includes(id))).toEqual([]);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  it('frames statements, questions and answers', () => {
    const { bos, eos, question, answer } = tokenizer.special;
    const ids = tokenizer.encode('What is it?');
    expect(tokenizer.encodeStatement('What is it?')).toEqual([bos, ...ids, eos]);
    expect(tokenizer.encodeQuestion('What is it?')).toEqual([bos, question, ...ids, answer]);
    expect(tokenizer.encodeAnswer('What is it?')).toEqual([...ids, eos]);
  });

  it('ignores ids that stand for no text', () => {
    expect(tokenizer.decode([1, ...tokenizer.encode('yes'), 2, 999_999, -1])).toBe('yes');
  });

  it.each(TEXTS)('streams %j without a broken character', (text) => {
    const stream = tokenizer.createDecodeStream();
    const pieces = tokenizer.encode(text).map((id) => stream.push(id));
    // A text that holds U+FFFD itself shows it as soon as something follows.
    for (const piece of pieces) expect(piece.endsWith('\uFFFD')).toBe(false);
    expect(pieces.join('') + stream.end()).toBe(text);
  });

  it('gives an unfinished character only at the end', () => {
    const ids = tokenizer.encode('a 漢');
    const stream = tokenizer.createDecodeStream();
    const shown = ids.slice(0, -1).map((id) => stream.push(id)).join('');
    expect(shown).not.toContain('\uFFFD');
    expect(stream.end()).toMatch(/^\uFFFD+$/);
    expect(stream.end()).toBe('');
  });
});

describe('hostile tokenizer files', () => {
  const code = (json: unknown, config: unknown = files.config): string => {
    try {
      Tokenizer.fromJson(json, config);
    } catch (error) {
      return error instanceof OpenLedgerError ? error.code : `not coded: ${String(error)}`;
    }
    return 'accepted';
  };
  const changed = (change: (copy: typeof files.tokenizer) => void): unknown => {
    const copy = structuredClone(files.tokenizer);
    change(copy);
    return copy;
  };

  it('accepts its own', () => expect(code(files.tokenizer)).toBe('accepted'));

  it.each([
    ['nothing', null],
    ['text', 'tokenizer'],
    ['an empty object', {}],
    ['another type', { model: { type: 'WordPiece', vocab: {} } }],
    ['no merges', changed((t) => delete (t.model as Partial<typeof t.model>).merges)],
    ['merges of numbers', changed((t) => (t.model.merges = [1, 2]))],
    ['negative ids', changed((t) => (t.model.vocab['a'] = -5))],
    ['huge ids', changed((t) => (t.model.vocab['a'] = 2 ** 40))],
    ['one id twice', changed((t) => (t.model.vocab['a'] = t.model.vocab['b']!))],
    ['a word with a special id', changed((t) => (t.model.vocab['a'] = 4))],
    ['added tokens without ids', changed((t) => (t.added_tokens = [{ content: 'x' }]))],
    ['an unknown normalizer', changed((t) => Object.assign(t, { normalizer: { type: 'Evil' } }))],
    ['a broken pattern', changed((t) => Object.assign(t, { pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } }))],
  ])('refuses %s', (_, json) => expect(code(json)).toBe('tokenizer/bad-file'));

  it('names the special token that is missing', () => {
    expect(code(files.tokenizer, { ...files.config, answer_token: '<|none|>' })).toBe('tokenizer/missing-special-token');
    expect(code(files.tokenizer, [])).toBe('tokenizer/bad-file');
  });

  it('keeps special ids out even when the vocabulary can merge to their text', () => {
    const json = changed((t) => {
      t.model.merges.push(['<', '|'], ['<|', 'a'], ['|', '>'], ['<|a', '|>']);
      Object.assign(t.model.vocab, { '<|': 2048, '<|a': 2049, '|>': 2050 });
      Object.assign(t, { pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: false } });
    });
    const evil = Tokenizer.fromJson(json, files.config);
    let ids: number[] = [];
    try {
      ids = evil.encode('<|a|>');
    } catch (error) {
      expect((error as OpenLedgerError).code).toBe('tokenizer/cannot-encode');
    }
    expect(ids).not.toContain(evil.special.answer);
  });
});
