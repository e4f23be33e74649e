import { randomNormal } from '../../src/arithmetic/random.ts';
import type { Backend } from '../../src/kernels/backend.ts';
import { Scope } from '../../src/kernels/scope.ts';
import { type Sequence, packBatch } from '../../src/model/batch.ts';
import { type ModelConfig, parseConfig } from '../../src/model/config.ts';
import { generate } from '../../src/model/generate.ts';
import { loss } from '../../src/model/loss.ts';
import { type Lora, TARGETS, freeLora, linearShape, moduleOf, parseLoraConfig, uploadLora } from '../../src/model/lora.ts';
import { freeModel, uploadModel, weightShapes } from '../../src/model/model.ts';
import type { NamedTensor, Tensors } from '../../src/model/safetensors.ts';

/** A small model in the words of a hub's config.json, with sizes that are multiples of nothing. */
export interface Family {
  name: string;
  json: Record<string, unknown>;
  /** What the option does to logits has to be seen: the same model without it. */
  without?: Partial<ModelConfig>;
}

const small = { hidden_size: 40, intermediate_size: 52, num_hidden_layers: 2, num_attention_heads: 4, vocab_size: 61, max_position_embeddings: 96, rms_norm_eps: 1e-5, hidden_act: 'silu' };
const llama = { ...small, model_type: 'llama', architectures: ['LlamaForCausalLM'] };
const mistral = { ...small, model_type: 'mistral', architectures: ['MistralForCausalLM'], num_key_value_heads: 2, sliding_window: null };
const qwen2 = { ...small, model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], num_key_value_heads: 2, use_sliding_window: false, rope_theta: 1e6 };
const LLAMA3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 16 };
const unscaled = { ropeScaling: undefined };

export const FAMILIES: Family[] = [
  { name: 'LLaMA 1 and 2: all heads their own keys', json: { ...llama, tie_word_embeddings: false } },
  { name: 'LLaMA 3.2: groups, tied, llama3 scaling', json: { ...llama, num_key_value_heads: 2, tie_word_embeddings: true, rope_theta: 500000, rope_scaling: LLAMA3 }, without: unscaled },
  { name: 'LLaMA with biases on attention and MLP', json: { ...llama, num_key_value_heads: 2, attention_bias: true, mlp_bias: true } },
  { name: 'one key/value head, heads of another size', json: { ...llama, num_key_value_heads: 1, head_dim: 14, vocab_size: 67 } },
  { name: 'DeepSeek Coder: linear scaling', json: { ...llama, rope_theta: 100000, rope_scaling: { type: 'linear', factor: 4 } }, without: unscaled },
  { name: 'DeepSeek LLM: dynamic scaling within the context', json: { ...llama, rope_scaling: { type: 'dynamic', factor: 2 } } },
  { name: 'SmolLM2: odd number of heads, tied, parameters of transformers 5', json: { ...llama, hidden_size: 36, num_attention_heads: 9, num_key_value_heads: 3, tie_word_embeddings: true, rope_parameters: { rope_type: 'default', rope_theta: 130000 } } },
  { name: 'Mistral: sliding window', json: { ...mistral, sliding_window: 5, rope_theta: 1e6 }, without: { window: undefined } },
  { name: 'Mistral Nemo: no window, heads of another size, fractional theta', json: { ...mistral, head_dim: 6, rope_theta: 999999.5 } },
  { name: 'Qwen2.5: biases on q, k, v, tied', json: { ...qwen2, tie_word_embeddings: true }, without: { biases: [] } },
  { name: 'Qwen2 with a window in every layer and yarn', json: { ...qwen2, use_sliding_window: true, max_window_layers: 0, sliding_window: 9, rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 24 } }, without: unscaled },
  { name: 'yarn with magnitudes and bounds as they are', json: { ...qwen2, rope_scaling: { rope_type: 'yarn', factor: 2, original_max_position_embeddings: 40, beta_fast: 8, beta_slow: 0.5, mscale: 0.7, mscale_all_dim: 0.3, truncate: false } }, without: unscaled },
];

export interface MadeFamily {
  config: ModelConfig;
  weights: Tensors;
  adapter: Tensors;
  sequences: Sequence[];
}

export const LORA = parseLoraConfig({ peft_type: 'LORA', r: 3, lora_alpha: 5, target_modules: [...TARGETS] });
/** Gradients are computed times this, so that small values stay above RF32's least. */
const SCALE = 2 ** 20;

/** Random weights, biases, norms, adapter and token ids: functions of the seed. */
export function makeFamily({ json }: Family, seed: number): MadeFamily {
  const config = parseConfig(json);
  let stream = 0;
  const values = (count: number, deviation: number, mean = 0) => {
    stream++;
    return Float32Array.from({ length: count }, (_, i) => mean + deviation * randomNormal(seed, stream, i));
  };
  const weights: Tensors = new Map();
  for (const [name, shape] of weightShapes(config)) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (name.endsWith('norm.weight')) weights.set(name, { shape, values: values(count, 0.2, 1) });
    else weights.set(name, { shape, values: values(count, name.endsWith('bias') ? 0.3 : name.startsWith('embed') ? 0.7 : 1 / Math.sqrt(shape[1]!)) });
  }
  const adapter: Tensors = new Map();
  for (let layer = 0; layer < config.layers; layer++) {
    for (const target of TARGETS) {
      const [out, input] = linearShape(config, target);
      const key = (factor: string) => `base_model.model.model.layers.${layer}.${moduleOf(target)}.${target}.lora_${factor}.weight`;
      const factors: [string, NamedTensor][] = [[key('A'), { shape: [LORA.rank, input], values: values(LORA.rank * input, 0.2) }], [key('B'), { shape: [out, LORA.rank], values: values(out * LORA.rank, 0.2) }]];
      for (const [name, tensor] of factors) adapter.set(name, tensor);
    }
  }
  const ids = (count: number, of: number) => Array.from({ length: count }, (_, i) => Math.floor(Math.abs(randomNormal(seed, 500 + of, i)) * 1000) % config.vocab);
  return { config, weights, adapter, sequences: [{ ids: ids(30, 0), start: 6 }, { ids: ids(9, 1), start: 1 }] };
}

export interface Computed {
  /** Of every predicted token, sequence after sequence. */
  logits: Float32Array;
  loss: number;
  /** By layer name and factor: `layers.0.mlp.up_proj.lora_A`. */
  gradients: Map<string, Float32Array>;
  /** Greedy continuation of the first sequence's beginning. */
  answer: number[];
}

/** Loss (mean over sequences of the mean over predicted tokens), its gradients, and a short answer. */
export async function compute(backend: Backend, { config, weights, adapter, sequences }: MadeFamily): Promise<Computed> {
  const model = uploadModel(backend, config, weights);
  const lora: Lora = uploadLora(backend, config, LORA, adapter);
  const batch = (scale: number) => packBatch([sequences], (_g, s) => scale / (sequences.length * (sequences[s]!.ids.length - sequences[s]!.start)), config.window);
  const scope = new Scope(backend);
  try {
    const forward = loss(scope, model, lora, batch(1), 'loss');
    const logits = (await backend.read(forward.logits!)) as Float32Array;
    const total = (await backend.read(forward.total))[0]!;
    const gradients = new Map<string, Float32Array>();
    for (const [name, tensor] of loss(scope, model, lora, batch(SCALE), 'adapter').gradients) {
      gradients.set(name, ((await backend.read(tensor)) as Float32Array).map((value) => value / SCALE));
    }
    const answer = await generate(model, lora, sequences[0]!.ids.slice(0, 12), { maxTokens: 8, stop: [] });
    return { logits, loss: total, gradients, answer };
  } finally {
    scope.release();
    freeLora(backend, lora);
    freeModel(model);
  }
}
