import { randomNormal } from '../../../arithmetic/random.ts';
import type { Backend } from '../../../kernels/backend.ts';
import type { Sequence } from '../../../model/batch.ts';
import { parseConfig } from '../../../model/config.ts';
import { type Model, uploadModel, weightShapes } from '../../../model/model.ts';
import { DEFAULT_RECIPE, type TrainRecipe } from '../../../model/recipe.ts';
import type { Tensors } from '../../../model/safetensors.ts';

/** Two layers of width 8 with grouped heads, small enough to be differentiated twice in plain loops. */
export const config = parseConfig({
  architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu', hidden_size: 8, intermediate_size: 12, num_hidden_layers: 2,
  num_attention_heads: 2, num_key_value_heads: 1, head_dim: 4, vocab_size: 13, max_position_embeddings: 64, rms_norm_eps: 1e-5,
  rope_theta: 10000, tie_word_embeddings: false, bos_token_id: 1, eos_token_id: 2,
});

export const weights: Tensors = new Map([...weightShapes(config)].map(([name, shape], stream) => {
  const count = shape.reduce((a, b) => a * b, 1);
  const middle = name.endsWith('norm.weight') ? 1 : 0;
  const spread = shape.length === 1 ? 0.2 : 1 / Math.sqrt(shape[1]!);
  return [name, { shape, values: Float32Array.from({ length: count }, (_, i) => Math.fround(middle + spread * randomNormal(3, stream + 1, i))) }];
}));

export const smallModel = (backend: Backend): Model => uploadModel(backend, config, weights);

/** Random tokens: what there is to learn of one record helps or hurts others by chance. */
export const sequence = (seed: number, length: number): Sequence =>
  ({ ids: Array.from({ length }, (_, i) => 1 + (Math.floor(Math.abs(randomNormal(seed, 9, i)) * 997) % 12)), start: 2 });

/** Eleven records, one of two sequences: the last step of an epoch has fewer than the others. */
export const records: Sequence[][] = Array.from({ length: 11 }, (_, k) => (k === 4 ? [sequence(70, 5), sequence(71, 4)] : [sequence(k + 1, 4 + (k % 3))]));

export const recipe: TrainRecipe = { ...DEFAULT_RECIPE, rank: 2, alpha: 4, epochs: 5, batch: 4, seed: 5 };

export const answer = sequence(50, 6);

/** ‖a − b‖ / ‖b‖. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, length] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    length += b[i]! ** 2;
  }
  return Math.sqrt(difference / length);
}
