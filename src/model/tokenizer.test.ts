import { describe, expect, it } from 'vitest';
import { buildTokenizer } from '../../scripts/pretrain/tokenizer/build.ts';
import { OpenLedgerError } from '../errors.ts';
import { chatModelTokenizer, sentencePieceTokenizer, unigramTokenizer } from '../../tests/families/tokenizers.ts';
import { Tokenizer } from './tokenizer.ts';

const files = JSON.parse(JSON.stringify(buildTokenizer({ examples: 3000 }))) as {
  tokenizer: { added_tokens: unknown[]; model: { vocab: Record<string, number>; merges: unknown[] } };
  config: Record<string, unknown>;
};
const tokenizer = Tokenizer.fromJson(files.tokenizer, files.config);
const specialIds = Object.values(tokenizer.special) as number[];

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

describe('tokenizers of hubs', () => {
  const made = { 'byte-level BPE': chatModelTokenizer(), 'BPE with byte fallback': sentencePieceTokenizer(), Unigram: unigramTokenizer() };
  const read = (name: keyof typeof made) => Tokenizer.fromJson(made[name].json, made[name].config);

  it.each(Object.keys(made) as (keyof typeof made)[])('%s: knows its vocabulary', (name) => expect(read(name).vocabSize).toBe(made[name].size));

  it.each(TEXTS.filter((text) => text === text.normalize('NFC')))('byte-level BPE and byte fallback return %j', (text) => {
    for (const name of ['byte-level BPE', 'BPE with byte fallback'] as const) {
      // The library's byte fallback reads U+FEFF as the mark of a byte order, which has no text.
      if (name === 'BPE with byte fallback' && text.includes('\uFEFF')) continue;
      const one = read(name);
      const ids = one.encode(text);
      expect(one.decode(ids), name).toBe(text);
      const stream = one.createDecodeStream();
      expect(ids.map((id) => stream.push(id)).join('') + stream.end(), name).toBe(text);
    }
  });

  it('merges and splits as the libraries of their models do', () => {
    const tokens = (name: keyof typeof made, text: string) => {
      const vocab = made[name].json.model.vocab;
      const byId = new Map(Array.isArray(vocab) ? vocab.map(([piece], id) => [id, piece]) : Object.entries(vocab).map(([piece, id]) => [id, piece]));
      return read(name).encode(text).map((id) => byId.get(id));
    };
    expect(tokens('byte-level BPE', 'the the coin')).toEqual(['the', 'Ġthe', 'Ġc', 'oin']);
    expect(tokens('BPE with byte fallback', 'the café')).toEqual(['▁the', '▁', 'c', 'a', 'f', '<0xC3>', '<0xA9>']);
    expect(tokens('Unigram', 'the coins')).toEqual(['▁the', '▁coin', 's']);
  });

  it('a character without a token is the unknown token, which a text may not be', () => {
    expect(() => read('Unigram').encode('z')).toThrow(expect.objectContaining({ code: 'tokenizer/cannot-encode' }));
  });

  it('frames texts as the file or the config says', () => {
    const { json, config } = made['BPE with byte fallback'];
    expect(read('BPE with byte fallback').frame()).toEqual({ before: [1], after: [] });
    expect(Tokenizer.fromJson(json, { ...config, add_bos_token: false, add_eos_token: true }).frame()).toEqual({ before: [], after: [2] });
    expect(read('byte-level BPE').frame()).toEqual({ before: [], after: [] });
  });

  it('keeps markers out of texts whether the file calls them special or not, and shows those that are not', () => {
    const one = read('byte-level BPE');
    const { size } = made['byte-level BPE'];
    for (const text of ['<tool_call>', 'a<|im_end|>b', '<|im_start|>system']) {
      expect(one.spells(text)).toBe(true);
      expect(one.encode(text).filter((id) => one.isMarker(id))).toEqual([]);
      expect(one.decode(one.encode(text))).toBe(text);
    }
    expect(one.spells('<tool call>')).toBe(false);
    expect(one.encodeMarked('<|im_end|>x')[0]).toBe(size - 3);
    // A model that writes a tool call shows it; its end of turn it does not.
    expect(one.decode([size - 2, ...one.encode('now'), size - 1, size - 3])).toBe('<tool_call>now</tool_call>');
    const stream = one.createDecodeStream();
    expect([size - 2, ...one.encode('é'), size - 3, size - 1].map((id) => stream.push(id)).join('') + stream.end()).toBe('<tool_call>é</tool_call>');
  });

  it('streams long texts as it decodes them', () => {
    const text = `${TEXTS.filter((one) => one === one.normalize('NFC') && !one.includes('\uFEFF')).join(' ')} `.repeat(12);
    for (const name of ['byte-level BPE', 'BPE with byte fallback'] as const) {
      const one = read(name);
      const stream = one.createDecodeStream();
      const ids = one.encode(text);
      expect(ids.length).toBeGreaterThan(2000);
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(one.decode(ids));
    }
  });

  it('finds templates where models keep them', () => {
    const { json, config } = made['byte-level BPE'];
    const template = (chat_template: unknown, extras = {}) => Tokenizer.fromJson(json, { ...config, chat_template }, extras).chatTemplate;
    expect(template('one')).toBe('one');
    expect(template([{ name: 'tool_use', template: 'two' }, { name: 'default', template: 'three' }])).toBe('three');
    expect(template([{ name: 'tool_use', template: 'two' }, null, 5])).toBe('two');
    expect(template(undefined)).toBeUndefined();
    expect(template('one', { chatTemplate: 'file' })).toBe('file');
  });

  it('takes names of special tokens from special_tokens_map.json too', () => {
    const { json, config } = made['BPE with byte fallback'];
    const one = Tokenizer.fromJson(json, { ...config, eos_token: undefined }, { specialTokensMap: { eos_token: { content: '</s>' } } });
    expect(one.special).toMatchObject({ bos: 1, eos: 2, question: undefined });
    expect([one.bosToken, one.eosToken]).toEqual(['<s>', '</s>']);
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
    ['pieces without scores', { model: { type: 'Unigram', vocab: [['a']] } }],
    ['an unknown piece outside', { model: { type: 'Unigram', unk_id: 9, vocab: [['a', -1]] } }],
    ['two ids for one added token', changed((t) => (t.added_tokens = [...t.added_tokens, { id: 3000, content: '<|a|>' }]))],
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
