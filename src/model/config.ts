import { OpenLedgerError } from '../errors.ts';

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
  tied: boolean;
  /** Biases on q, k and v. */
  qkvBias: boolean;
  /** Keys a query may look back on, itself included; undefined for all. */
  window: number | undefined;
  bos: number | undefined;
  eos: number[];
}

function unsupported(field: string, value: unknown, supported: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'model/unsupported-config',
    what: `This model cannot be run: config.json has ${field} = ${String(JSON.stringify(value)).slice(0, 80)}.`,
    why: `The engine supports ${supported}.`,
    next: 'Choose another model.',
  });
}

/** Throws `model/unsupported-config` naming the field, or `model/bad-config` for a missing or impossible one. */
export function parseConfig(json: unknown): ModelConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw bad('it', 'is not a JSON object');
  const raw = json as Record<string, unknown>;
  const whole = (field: string, fallback?: number): number => {
    const value = raw[field] ?? fallback;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > 2 ** 24) throw bad(field, `is ${JSON.stringify(raw[field])}, not a positive whole number`);
    return value;
  };
  const family = raw.model_type;
  if (family !== 'llama' && family !== 'qwen2' && family !== 'mistral') throw unsupported('model_type', family, '"llama", "mistral" and "qwen2"');
  if ((raw.hidden_act ?? 'silu') !== 'silu') throw unsupported('hidden_act', raw.hidden_act, '"silu"');
  if (raw.rope_scaling != null) throw unsupported('rope_scaling', raw.rope_scaling, 'unscaled rotary positions');
  if (family === 'llama' && raw.attention_bias) throw unsupported('attention_bias', raw.attention_bias, 'false for this family');
  if (raw.mlp_bias) throw unsupported('mlp_bias', raw.mlp_bias, 'false');
  const hidden = whole('hidden_size');
  const heads = whole('num_attention_heads');
  const groups = whole('num_key_value_heads', heads);
  if (heads % groups !== 0) throw bad('num_key_value_heads', `(${groups}) does not divide num_attention_heads (${heads})`);
  if (raw.head_dim == null && hidden % heads !== 0) throw bad('hidden_size', `(${hidden}) is not a multiple of num_attention_heads (${heads})`);
  const headDim = whole('head_dim', hidden / heads);
  if (headDim % 2 !== 0) throw bad('head_dim', `(${headDim}) is odd`);
  const eps = raw.rms_norm_eps ?? 1e-6;
  if (typeof eps !== 'number' || !(eps > 0 && eps < 1)) throw bad('rms_norm_eps', `is ${JSON.stringify(eps)}`);
  const ropeTheta = raw.rope_theta ?? 10000;
  if (typeof ropeTheta !== 'number' || !(ropeTheta >= 1 && ropeTheta < 1e12)) throw bad('rope_theta', `is ${JSON.stringify(ropeTheta)}`);
  const usesWindow = family === 'mistral' ? raw.sliding_window != null : raw.use_sliding_window === true;
  if (family === 'qwen2' && usesWindow && raw.max_window_layers !== 0) throw unsupported('use_sliding_window', true, 'full attention for Qwen2');
  const token = (value: unknown) => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined);
  const eos = (Array.isArray(raw.eos_token_id) ? raw.eos_token_id : [raw.eos_token_id]).map(token).filter((id) => id !== undefined);
  return {
    family, hidden, heads, groups, headDim, eps, ropeTheta, eos,
    intermediate: whole('intermediate_size'),
    layers: whole('num_hidden_layers'),
    vocab: whole('vocab_size'),
    context: whole('max_position_embeddings', 2048),
    tied: raw.tie_word_embeddings === true,
    qkvBias: family === 'qwen2',
    window: usesWindow ? whole('sliding_window') : undefined,
    bos: token(raw.bos_token_id),
  };
}

function bad(field: string, why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'model/bad-config',
    what: 'This model cannot be run: its config.json is not right.',
    why: `${field} ${why}.`,
    next: 'Fetch the model again, or choose another.',
  });
}
