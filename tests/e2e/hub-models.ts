import { randomNormal } from '../../src/arithmetic/random.ts';
import { parseConfig } from '../../src/model/config.ts';
import { weightShapes } from '../../src/model/model.ts';
import type { Tensors } from '../../src/model/safetensors.ts';
import type { FloatType } from '../../src/model/weights/decode.ts';
import { writeHubLayout } from '../../src/model/weights/write-hub-layout.ts';

/** A small model as a hub publishes it, of one family: sharded, 16-bit, with a byte-level tokenizer, merges and added tokens. */
export interface HubModel {
  name: string;
  files: Record<string, Uint8Array>;
}

const SPECIAL = ['<|begin|>', '<|end|>', '<|im_start|>', '<|im_end|>'];
const MERGES = ['t h', 'th e', 'i n', 'a n', 'an d', 'e r', 'Ġ the', 'o u', 'Ġ w', 'Ġw h', 'r e', 'Ġ a', 'Ġ s', 'h e', 's t', 'o n'];
const CHAT =
  "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** GPT-2's letters for the 256 bytes: printable ones stand for themselves. */
function byteLetters(): string[] {
  const shown = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(shown(byte) ? byte : next++));
}

function tokenizer(): { json: unknown; size: number } {
  const vocab: Record<string, number> = {};
  for (const letter of byteLetters()) vocab[letter] = Object.keys(vocab).length;
  for (const merge of MERGES) vocab[merge.replace(' ', '')] = Object.keys(vocab).length;
  const first = Object.keys(vocab).length;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    size: first + SPECIAL.length,
    json: {
      version: '1.0', truncation: null, padding: null, normalizer: null,
      added_tokens: SPECIAL.map((content, i) => ({ id: first + i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
      pre_tokenizer: byteLevel, post_processor: byteLevel, decoder: byteLevel,
      model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, vocab, merges: MERGES },
    },
  };
}

const FAMILIES: { name: string; dtype: FloatType; config: Record<string, unknown> }[] = [
  {
    name: 'llama-3-scaled', dtype: 'BF16',
    config: {
      model_type: 'llama', architectures: ['LlamaForCausalLM'], num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, rope_theta: 500000, tie_word_embeddings: true,
      rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 },
    },
  },
  {
    name: 'mistral-window', dtype: 'F16',
    config: { model_type: 'mistral', architectures: ['MistralForCausalLM'], num_attention_heads: 2, num_key_value_heads: 1, head_dim: 24, sliding_window: 12, rope_theta: 10000, tie_word_embeddings: false },
  },
  {
    name: 'qwen2-tied', dtype: 'BF16',
    config: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], num_attention_heads: 4, num_key_value_heads: 4, rope_theta: 1000000, tie_word_embeddings: true, use_sliding_window: false },
  },
  {
    name: 'deepseek-linear', dtype: 'BF16',
    config: { model_type: 'llama', architectures: ['LlamaForCausalLM'], num_attention_heads: 4, num_key_value_heads: 4, rope_theta: 100000, rope_scaling: { type: 'linear', factor: 4 }, tie_word_embeddings: false },
  },
];

/** One model of each family that issue 3 names, with random weights: what they say means nothing, but it is always the same. */
export function hubModels(): HubModel[] {
  const { json, size } = tokenizer();
  const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  return FAMILIES.map(({ name, dtype, config: own }, seed) => {
    // A vocabulary with room above the tokenizer's, as most hubs' models have.
    const config = {
      hidden_size: 64, intermediate_size: 100, num_hidden_layers: 2, vocab_size: size + 21, max_position_embeddings: 256, rms_norm_eps: 1e-5, hidden_act: 'silu',
      bos_token_id: size - 4, eos_token_id: [size - 3, size - 1], ...own,
    };
    const tensors: Tensors = new Map();
    let stream = 0;
    for (const [weight, shape] of weightShapes(parseConfig(config))) {
      stream++;
      const count = shape.reduce((a, b) => a * b, 1);
      const isNorm = shape.length === 1 && weight.includes('norm');
      const values = Float32Array.from({ length: count }, (_, i) => (isNorm ? 1 : 0) + randomNormal(seed + 1, stream, i) * (isNorm ? 0.1 : 0.15));
      tensors.set(weight.startsWith('lm_head') ? weight : `model.${weight}`, { shape: [...shape], values });
    }
    return {
      name,
      files: {
        ...writeHubLayout(config, tensors, { dtype, shardBytes: 60_000 }),
        'tokenizer.json': text(json),
        'tokenizer_config.json': text({ tokenizer_class: 'PreTrainedTokenizerFast', bos_token: SPECIAL[0], eos_token: SPECIAL[3], chat_template: CHAT, model_max_length: 256 }),
        'generation_config.json': text({ bos_token_id: size - 4, eos_token_id: [size - 3, size - 1] }),
      },
    };
  });
}
