import { LETTERS } from '../families/words.ts';
import { trainBpe } from '../../pretrain/tokenizer/bpe.ts';
import { CHAT_TEMPLATE, SPECIAL_TOKENS } from '../../pretrain/tokenizer/build.ts';
import { WORDS } from './corpus.ts';

/** Every digit by itself, so that numbers are spelled; words and marks carry the space before them. */
const SPLIT = " ?[0-9]| ?[\\p{L}\\p{M}]+| ?[^\\s\\p{L}\\p{M}0-9]+|\\s+(?!\\S)|\\s+";
/** Far more than the words need: merges end when nothing repeats. */
const MOST_TOKENS = 4096;
/** A letter, digit or mark by itself comes first, so that it is one token before any word is. */
const SINGLE = 1000, WORD = 10;

/** A byte-level tokenizer with one token for each of the families' words, letters and digits; it can spell any other text. */
export function buildEvalTokenizer(): { tokenizer: object; config: object; vocab: number } {
  const pieces = new Map<string, number>();
  for (const single of [...LETTERS, ...'0123456789+-*=,:']) pieces.set(` ${single}`, SINGLE);
  for (const mark of ['.', '?', ',']) pieces.set(mark, SINGLE);
  for (const word of WORDS) pieces.set(` ${word}`, WORD);
  const model = trainBpe(pieces, MOST_TOKENS);
  const vocab = Object.fromEntries([...SPECIAL_TOKENS, ...model.tokens].map((token, id) => [token, id]));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    vocab: Object.keys(vocab).length,
    tokenizer: {
      version: '1.0', truncation: null, padding: null,
      added_tokens: SPECIAL_TOKENS.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
      // A space before every text gives a word the same token wherever it stands; the decoder takes it off again.
      normalizer: { type: 'Prepend', prepend: ' ' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: SPLIT }, behavior: 'Isolated', invert: false }, byteLevel] },
      post_processor: null,
      decoder: { type: 'Sequence', decoders: [byteLevel, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
      model: {
        type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
        fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges: model.merges,
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>',
      question_token: '<|q|>', answer_token: '<|a|>', model_max_length: 256, clean_up_tokenization_spaces: false, chat_template: CHAT_TEMPLATE,
    },
  };
}
