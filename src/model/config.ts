import { badConfig, unsupportedConfig } from './config-error.ts';
import { type RopeScaling, parseRope } from './rope-config.ts';

/** What the engine needs of a Hugging Face config.json. Lengths in values, E = headDim. */
export interface ModelConfig {
  family: 'llama' | 'qwen2' | 'mistral';
  hidden: number;
  intermediate: number;
  layers: number;
  heads: number;
  /** Key/value heads; `heads` is a multiple of it. */
  groups: number;
  headDim: number;
  vocab: number;
  /** Longest sequence. */
  context: number;
  eps: number;
  ropeTheta: number;
  /** How the rotary frequencies were stretched for a longer context; undefined for not at all. */
  ropeScaling: RopeScaling | undefined;
  tied: boolean;
  /** The linear layers that have a bias: q, k and v, all of attention, all of the MLP. */
  biases: readonly BiasedLayer[];
  /** Keys a query may look back on, itself included; undefined for all. */
  window: number | undefined;
  bos: number | undefined;
  eos: number[];
}

const ATTENTION = ['q_proj', 'k_proj', 'v_proj', 'o_proj'] as const;
const MLP = ['gate_proj', 'up_proj', 'down_proj'] as const;
export type BiasedLayer = (typeof ATTENTION)[number] | (typeof MLP)[number];

/**
 * Largest dimensions: well beyond the largest published models of these architectures, and small enough that numbers
 * of parameters and bytes stay exact in float64.
 */
const LARGEST = {
  hidden_size: 2 ** 16, intermediate_size: 2 ** 18, num_hidden_layers: 1024, num_attention_heads: 1024,
  num_key_value_heads: 1024, head_dim: 1024, vocab_size: 2 ** 21, max_position_embeddings: 2 ** 24, sliding_window: 2 ** 24,
};

/** What the transformers library assumes where config.json says nothing. */
const DEFAULTS = {
  llama: { groups: undefined, context: 2048, window: undefined },
  mistral: { groups: 8, context: 131072, window: 4096 },
  qwen2: { groups: 32, context: 32768, window: 4096 },
};

/** Fields that change the computation, the values with which they change nothing, and what stands in their place. */
const WITHOUT_EFFECT: [field: string, values: unknown[], supported: string][] = [
  ['hidden_act', ['silu', 'swish'], '"silu"'],
  ['quantization_config', [], 'weights in float32, float16 and bfloat16, which it quantises itself'],
  ['partial_rotary_factor', [1], 'rotary positions over the whole head'],
  ['rope_interleaved', [false], 'rotary pairs in halves'],
  ['use_qk_norm', [false], 'queries and keys without norms of their own'],
  ['qk_layernorm', [false], 'queries and keys without norms of their own'],
  ['add_cross_attention', [false], 'decoders alone'],
];

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 80);

/** Throws `model/unsupported-config` naming the field, or `model/bad-config` for a missing or impossible one. */
export function parseConfig(json: unknown): ModelConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw badConfig('it', 'is not a JSON object');
  const raw = json as Record<string, unknown>;
  const whole = (field: keyof typeof LARGEST, fallback?: number): number => {
    const value = raw[field] ?? fallback;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) throw badConfig(field, `is ${shown(raw[field])}, not a positive whole number`);
    if (value > LARGEST[field]) throw badConfig(field, `is ${value}; the engine takes ${LARGEST[field]} at most`);
    return value;
  };
  const flag = (field: string): boolean => {
    const value = raw[field] ?? false;
    if (typeof value !== 'boolean') throw badConfig(field, `is ${shown(value)}, neither true nor false`);
    return value;
  };
  const family = raw.model_type;
  if (family !== 'llama' && family !== 'qwen2' && family !== 'mistral') throw unsupportedConfig('model_type', family, '"llama", "mistral" and "qwen2"');
  if (raw.architectures != null) {
    const heads = Array.isArray(raw.architectures) ? raw.architectures : [raw.architectures];
    for (const head of heads) {
      if (typeof head !== 'string' || !head.endsWith('ForCausalLM')) throw unsupportedConfig('architectures', head, 'models that predict the next token (…ForCausalLM)');
    }
  }
  for (const [field, values, supported] of WITHOUT_EFFECT) {
    if (raw[field] != null && !values.includes(raw[field])) throw unsupportedConfig(field, raw[field], supported);
  }

  const defaults = DEFAULTS[family];
  const hidden = whole('hidden_size');
  const heads = whole('num_attention_heads');
  // null means one key/value head a query head; a missing field means the family's default.
  const groups = whole('num_key_value_heads', raw.num_key_value_heads === null ? heads : (defaults.groups ?? heads));
  if (heads % groups !== 0) throw badConfig('num_key_value_heads', `(${groups}) does not divide num_attention_heads (${heads})`);
  if (raw.head_dim == null && hidden % heads !== 0) throw badConfig('hidden_size', `(${hidden}) is not a multiple of num_attention_heads (${heads})`);
  const headDim = whole('head_dim', hidden / heads);
  if (headDim % 2 !== 0) throw badConfig('head_dim', `(${headDim}) is odd`);
  const eps = raw.rms_norm_eps ?? 1e-6;
  if (typeof eps !== 'number' || !(eps >= 2 ** -60 && eps < 1)) throw badConfig('rms_norm_eps', `is ${shown(eps)}`);

  const layers = whole('num_hidden_layers');
  const vocab = whole('vocab_size');
  const context = whole('max_position_embeddings', defaults.context);
  const attentionBias = flag('attention_bias');
  const mlpBias = flag('mlp_bias');
  // Qwen2 has biases on q, k and v whatever its config says; Mistral has none.
  if (family !== 'llama' && mlpBias) throw unsupportedConfig('mlp_bias', true, 'false for this family');
  if (family === 'mistral' && attentionBias) throw unsupportedConfig('attention_bias', true, 'false for this family');
  const biases = family === 'qwen2' ? ATTENTION.slice(0, 3) : [...(attentionBias ? ATTENTION : []), ...(mlpBias ? MLP : [])];

  const token = (value: unknown) => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < vocab ? value : undefined);
  const eos = (Array.isArray(raw.eos_token_id) ? raw.eos_token_id : [raw.eos_token_id]).map(token).filter((id) => id !== undefined);
  return {
    family, hidden, layers, heads, groups, headDim, vocab, context, eps, eos, biases,
    ...parseRope(raw, context),
    intermediate: whole('intermediate_size'),
    tied: flag('tie_word_embeddings'),
    window: parseWindow(raw, family, layers, () => whole('sliding_window', defaults.window)),
    bos: token(Array.isArray(raw.bos_token_id) ? raw.bos_token_id[0] : raw.bos_token_id),
  };
}

/** One window for every layer, or none; layers of both kinds in one model are refused by name. */
function parseWindow(raw: Record<string, unknown>, family: ModelConfig['family'], layers: number, size: () => number): number | undefined {
  const kinds: unknown = raw.layer_types ?? undefined;
  if (kinds !== undefined) {
    const known = Array.isArray(kinds) && kinds.length === layers && kinds.every((kind) => kind === kinds[0] && (kind === 'full_attention' || kind === 'sliding_attention'));
    if (!known) throw unsupportedConfig('layer_types', Array.isArray(kinds) ? [...new Set(kinds)] : kinds, 'the same attention, full or sliding, in every layer');
  }
  // LLaMA has no window. Mistral has one unless its size is null. Qwen2 has one where use_sliding_window says so.
  if (family === 'llama' || raw.sliding_window === null) return undefined;
  if (family === 'mistral') return size();
  if (raw.use_sliding_window !== true) return undefined;
  if (kinds !== undefined) return (kinds as string[])[0] === 'sliding_attention' ? size() : undefined;
  // The window begins at this layer; 28 where the field is absent.
  const from = raw.max_window_layers ?? 28;
  if (typeof from !== 'number' || !Number.isSafeInteger(from) || from < 0) throw badConfig('max_window_layers', `is ${shown(from)}`);
  if (from >= layers) return undefined;
  if (from > 0) throw unsupportedConfig('max_window_layers', from, 'a sliding window in every layer or in none');
  return size();
}

/** Numbers in the model: what its weights hold together. Exact: dimensions are bounded. */
export function configParameters({ hidden, intermediate, layers, heads, groups, headDim, vocab, tied, biases }: ModelConfig): number {
  const rows = { q_proj: heads * headDim, k_proj: groups * headDim, v_proj: groups * headDim, o_proj: hidden, gate_proj: intermediate, up_proj: intermediate, down_proj: hidden };
  const attention = hidden * (rows.q_proj + rows.k_proj + rows.v_proj + rows.q_proj);
  const bias = biases.reduce((sum, name) => sum + rows[name], 0);
  const layer = attention + 3 * hidden * intermediate + bias + 2 * hidden;
  return layers * layer + (tied ? 1 : 2) * vocab * hidden + hidden;
}
