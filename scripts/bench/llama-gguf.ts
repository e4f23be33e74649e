import type { ModelConfig } from '../../src/model/config.ts';
import { type LoraConfig, TARGETS, type Target, adaptedLayers, moduleOf } from '../../src/model/lora-config.ts';
import { factorKey } from '../../src/model/lora.ts';
import type { NamedTensor, Tensors } from '../../src/model/safetensors.ts';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf.ts';

/** llama.cpp's names of the seven linear layers. */
const NAMES: Record<Target, string> = {
  q_proj: 'attn_q', k_proj: 'attn_k', v_proj: 'attn_v', o_proj: 'attn_output',
  gate_proj: 'ffn_gate', up_proj: 'ffn_up', down_proj: 'ffn_down',
};

export interface TokenizerJson {
  added_tokens: { id: number; content: string; special: boolean }[];
  model: { vocab: Record<string, number>; merges: (string | [string, string])[] };
}

/**
 * llama.cpp turns neighbouring values of a head, (0,1), (2,3), …; Hugging Face turns (0, E/2), (1, E/2+1), …
 * So rows of q and k (and of their adapters' B) change places: row (head, half, i) becomes (head, i, half).
 */
function permuteRows(values: Float32Array, rows: number, heads: number): Float32Array {
  const columns = values.length / rows;
  const half = rows / heads / 2;
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++) {
    for (let part = 0; part < 2; part++) {
      for (let i = 0; i < half; i++) {
        const from = (head * 2 + part) * half + i;
        out.set(values.subarray(from * columns, (from + 1) * columns), ((head * half + i) * 2 + part) * columns);
      }
    }
  }
  return out;
}

const headsOf = (config: ModelConfig, target: string) => (target === 'q_proj' ? config.heads : target === 'k_proj' ? config.groups : undefined);

/** The shipped base, or another unscaled LLaMA with a byte-level BPE tokenizer, as llama.cpp reads it. */
export function llamaGguf(config: ModelConfig, tensors: Tensors, tokenizer: TokenizerJson, special: { bos: number; eos: number }): Uint8Array<ArrayBuffer> {
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(tokenizer.model.vocab)) tokens[id] = token;
  const control = new Set(tokenizer.added_tokens.filter((token) => token.special).map(({ id }) => id));
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', 'llama'],
    ['general.name', 'bench'],
    ['llama.vocab_size', { u32: config.vocab }],
    ['llama.context_length', { u32: config.context }],
    ['llama.embedding_length', { u32: config.hidden }],
    ['llama.block_count', { u32: config.layers }],
    ['llama.feed_forward_length', { u32: config.intermediate }],
    ['llama.rope.dimension_count', { u32: config.headDim }],
    ['llama.rope.freq_base', { f32: config.ropeTheta }],
    ['llama.attention.head_count', { u32: config.heads }],
    ['llama.attention.head_count_kv', { u32: config.groups }],
    ['llama.attention.layer_norm_rms_epsilon', { f32: config.eps }],
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', 'smollm'],
    ['tokenizer.ggml.tokens', { strings: Array.from({ length: config.vocab }, (_, id) => tokens[id] ?? `<unused ${id}>`) }],
    // 1: text, 3: control.
    ['tokenizer.ggml.token_type', { i32s: Array.from({ length: config.vocab }, (_, id) => (control.has(id) ? 3 : 1)) }],
    ['tokenizer.ggml.merges', { strings: tokenizer.model.merges.map((merge) => (typeof merge === 'string' ? merge : merge.join(' '))) }],
    ['tokenizer.ggml.bos_token_id', { u32: special.bos }],
    ['tokenizer.ggml.eos_token_id', { u32: special.eos }],
    ['tokenizer.ggml.add_bos_token', false],
  ]);
  const get = (name: string): NamedTensor => {
    const found = tensors.get(`model.${name}`) ?? tensors.get(name);
    if (!found) throw new RangeError(`no weight ${name}`);
    return found;
  };
  const out: GgufTensor[] = [
    { name: 'token_embd.weight', ...get('embed_tokens.weight') },
    { name: 'output_norm.weight', ...get('norm.weight') },
  ];
  if (!config.tied) out.push({ name: 'output.weight', ...get('lm_head.weight') });
  for (let layer = 0; layer < config.layers; layer++) {
    out.push({ name: `blk.${layer}.attn_norm.weight`, ...get(`layers.${layer}.input_layernorm.weight`) });
    out.push({ name: `blk.${layer}.ffn_norm.weight`, ...get(`layers.${layer}.post_attention_layernorm.weight`) });
    for (const target of TARGETS) {
      const { shape, values } = get(`layers.${layer}.${moduleOf(target)}.${target}.weight`);
      const heads = headsOf(config, target);
      out.push({ name: `blk.${layer}.${NAMES[target]}.weight`, shape, values: heads ? permuteRows(values, shape[0]!, heads) : values });
    }
  }
  return writeGguf(metadata, out);
}

/** A plain LoRA (one rank, one scale) for that base. */
export function loraGguf(config: ModelConfig, lora: LoraConfig, tensors: Tensors): Uint8Array<ArrayBuffer> {
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', 'llama'],
    ['general.type', 'adapter'],
    ['adapter.type', 'lora'],
    ['adapter.lora.alpha', { f32: lora.alpha }],
  ]);
  const out = adaptedLayers(config, lora).flatMap(({ name, target }) => {
    const [a, b] = [tensors.get(factorKey(name, 'A'))!, tensors.get(factorKey(name, 'B'))!];
    const heads = headsOf(config, target);
    const weight = `blk.${name.split('.')[1]}.${NAMES[target]}.weight`;
    return [
      { name: `${weight}.lora_a`, ...a },
      { name: `${weight}.lora_b`, shape: b.shape, values: heads ? permuteRows(b.values, b.shape[0]!, heads) : b.values },
    ];
  });
  return writeGguf(metadata, out);
}
