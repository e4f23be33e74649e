import { randomNormal } from '../../arithmetic/random.ts';
import { store } from '../../arithmetic/rf32.ts';
import type { Backend } from '../../kernels/backend.ts';
import type { Format } from '../../kernels/matrix/matrix.ts';
import { type ModelConfig, parseConfig } from '../config.ts';
import { type Model, uploadModel, weightShapes } from '../model.ts';
import type { Tensors } from '../safetensors.ts';

/** A small configuration with every awkward size; for tests. */
export function smallConfig(change: Record<string, unknown> = {}): ModelConfig {
  return parseConfig({
    architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu', hidden_size: 36, intermediate_size: 70, num_hidden_layers: 2,
    num_attention_heads: 6, num_key_value_heads: 2, head_dim: 10, vocab_size: 101, max_position_embeddings: 700, rms_norm_eps: 1e-5,
    rope_theta: 10000, tie_word_embeddings: false, bos_token_id: 1, eos_token_id: 2, ...change,
  });
}

/** Random weights that make tokens differ; the same on every backend. */
export function randomModel(backend: Backend, config: ModelConfig, seed = 1, format: Format = 'f32'): Model {
  const tensors: Tensors = new Map();
  let stream = 0;
  for (const [name, shape] of weightShapes(config)) {
    stream++;
    const spread = shape.length === 1 ? 0.3 : 1.5 / Math.sqrt(shape[1]!);
    const middle = name.endsWith('norm.weight') ? 1 : 0;
    const count = shape.reduce((a, b) => a * b, 1);
    tensors.set(name, { shape, values: Float32Array.from({ length: count }, (_, i) => store(Math.fround(middle + spread * randomNormal(seed, stream, i)))) });
  }
  return uploadModel(backend, config, tensors, true, format);
}
