/** Small tokenizers in the layouts that hubs use. */

/** The 256 characters that stand for bytes in byte-level BPE (GPT-2): printable ones for themselves, the rest from U+0100 on. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

const special = (id: number, content: string, isSpecial = true) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: isSpecial });

const CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** As Qwen2's: byte-level BPE, ChatML, markers that are added tokens, some of them not called special. */
export function chatModelTokenizer() {
  const vocab: Record<string, number> = {};
  for (const character of byteCharacters()) vocab[character] = Object.keys(vocab).length;
  const merges: [string, string][] = [['t', 'h'], ['th', 'e'], ['Ġ', 'the'], ['Ġ', 'c'], ['o', 'i'], ['oi', 'n']];
  for (const [a, b] of merges) vocab[a + b] = Object.keys(vocab).length;
  const next = Object.keys(vocab).length;
  return {
    json: {
      version: '1.0', truncation: null, padding: null,
      added_tokens: [special(next, '<|endoftext|>'), special(next + 1, '<|im_start|>'), special(next + 2, '<|im_end|>'), special(next + 3, '<tool_call>', false), special(next + 4, '</tool_call>', false)],
      normalizer: { type: 'NFC' },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, vocab, merges: merges.map((pair) => pair.join(' ')) },
    },
    config: { tokenizer_class: 'Qwen2Tokenizer', add_bos_token: false, bos_token: null, eos_token: '<|im_end|>', pad_token: '<|endoftext|>', chat_template: CHATML, clean_up_tokenization_spaces: false },
    size: next + 5,
  };
}

/** As LLaMA 2's and Mistral's: BPE with byte fallback, a word's beginning is ▁, and a beginning token by its post-processor. */
export function sentencePieceTokenizer() {
  const vocab: Record<string, number> = { '<unk>': 0, '<s>': 1, '</s>': 2 };
  for (let byte = 0; byte < 256; byte++) vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`] = Object.keys(vocab).length;
  for (const character of '▁ abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789?:.,!') if (vocab[character] === undefined) vocab[character] = Object.keys(vocab).length;
  const merges: [string, string][] = [['▁', 'A'], ['▁', 'Q'], ['▁', 't'], ['h', 'e'], ['▁t', 'he']];
  for (const [a, b] of merges) vocab[a + b] = Object.keys(vocab).length;
  return {
    json: {
      version: '1.0', truncation: null, padding: null,
      added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
      normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
      pre_tokenizer: null,
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<s>', type_id: 1 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
      },
      decoder: {
        type: 'Sequence',
        decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }],
      },
      model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, vocab, merges: merges.map((pair) => pair.join(' ')) },
    },
    config: { tokenizer_class: 'LlamaTokenizer', bos_token: { content: '<s>', __type: 'AddedToken' }, eos_token: '</s>', unk_token: '<unk>', clean_up_tokenization_spaces: false },
    size: Object.keys(vocab).length,
  };
}

/** As T5's and XLM-R's: Unigram over pieces with scores. */
export function unigramTokenizer() {
  const pieces = ['▁', '▁the', '▁coin', 's', 'o', 'i', 'n', 'c', 't', 'h', 'e', 'a', '▁a', 'th', 'co', '1', 'W', '?', ','];
  const vocab: [string, number][] = [['<pad>', 0], ['</s>', 0], ['<unk>', 0], ...pieces.map((piece, i): [string, number] => [piece, -(i + 1)])];
  return {
    json: {
      version: '1.0', truncation: null, padding: null,
      added_tokens: [special(0, '<pad>'), special(1, '</s>'), special(2, '<unk>')],
      normalizer: null,
      pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
      post_processor: null,
      decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
      model: { type: 'Unigram', unk_id: 2, vocab },
    },
    config: { tokenizer_class: 'T5Tokenizer', eos_token: '</s>', pad_token: '<pad>', unk_token: '<unk>', clean_up_tokenization_spaces: false },
    size: vocab.length,
  };
}
