import { makeCorpus } from '../corpus/corpus.ts';
import { COMMON_WORDS } from '../corpus/common-words.ts';
import * as stock from '../corpus/words.ts';
import { gerund, participle, thirdPerson } from '../corpus/verb-forms.ts';
import { trainBpe } from './bpe.ts';

/** Order is the id. */
export const SPECIAL_TOKENS = ['<pad>', '<s>', '</s>', '<|q|>', '<|a|>'] as const;

/**
 * Pre-tokens: a year is one piece, other digits stand alone (so that numbers are spelled), words and
 * punctuation carry the space before them. Isolated matches cover every character.
 */
export const SPLIT_REGEX =
  " ?(?:19|20)[0-9][0-9](?![0-9])| ?[0-9]|'(?:s|t|re|ve|m|ll|d)(?![\\p{L}])| ?[\\p{L}\\p{M}]+| ?[^\\s\\p{L}\\p{M}0-9]+|\\s+(?!\\S)|\\s+";

/** Questions and answers as the model was trained on them; the specials frame, the text has no say. */
export const CHAT_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|q|>' + message['content'] + '<|a|>' }}" +
  "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}";

export interface TokenizerOptions {
  seed: number;
  vocabSize: number;
  /** Corpus examples counted, and how often each word of the stock is counted besides; common words more. */
  examples: number;
  wordWeight: number;
  commonWeight: number;
}

export const DEFAULT_TOKENIZER: TokenizerOptions = { seed: 1, vocabSize: 2048, examples: 120_000, wordWeight: 60, commonWeight: 1000 };

function countPieces(o: TokenizerOptions): Map<string, number> {
  const pieces = new Map<string, number>();
  const split = new RegExp(SPLIT_REGEX, 'gu');
  const count = (text: string, times: number): void => {
    for (const piece of ` ${text}`.match(split) ?? []) pieces.set(piece, (pieces.get(piece) ?? 0) + times);
  };
  const corpus = makeCorpus({ seed: o.seed });
  for (let i = 0; i < o.examples; i++) {
    const example = corpus.example(i);
    if (example.kind === 'statement') count(example.text, 1);
    else {
      count(example.question, 1);
      count(example.answer, 1);
    }
  }
  for (const words of Object.values(stock)) for (const word of words) count(word, o.wordWeight);
  for (const verb of stock.VERBS) for (const form of [thirdPerson, gerund, participle]) count(form(verb), o.wordWeight >> 1);
  for (const word of COMMON_WORDS) count(word, o.commonWeight);
  for (let digit = 0; digit < 10; digit++) count(String(digit), o.commonWeight);
  for (let letter = 65; letter < 91; letter++) count(String.fromCharCode(letter), o.wordWeight);
  for (let year = 2000; year <= 2030; year++) count(String(year), o.commonWeight);
  return pieces;
}

/** The two files of a Hugging Face tokenizer folder, as objects. */
export function buildTokenizer(options: Partial<TokenizerOptions> = {}): { tokenizer: object; config: object } {
  const o = { ...DEFAULT_TOKENIZER, ...options };
  const model = trainBpe(countPieces(o), o.vocabSize - SPECIAL_TOKENS.length);
  const vocab: Record<string, number> = {};
  [...SPECIAL_TOKENS, ...model.tokens].forEach((token, id) => (vocab[token] = id));
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({
      id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true,
    })),
    // A space before every text gives a word the same token wherever it stands; the decoder takes it off again.
    normalizer: { type: 'Prepend', prepend: ' ' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: SPLIT_REGEX }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
      fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges: model.merges,
    },
  };
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: '<s>',
    eos_token: '</s>',
    pad_token: '<pad>',
    question_token: '<|q|>',
    answer_token: '<|a|>',
    model_max_length: 256,
    clean_up_tokenization_spaces: false,
    chat_template: CHAT_TEMPLATE,
  };
  return { tokenizer, config };
}
