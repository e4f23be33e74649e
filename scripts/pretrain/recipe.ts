
/** What the shipped base is: this file and the corpus decide its bytes. */
export interface PretrainRecipe {
  seed: number;
  steps: number;
  /** Examples per step, split over two shards whose gradients are added in order. */
  examples: number;
  rate: number;
  /** Gradients of greater norm are scaled down to it. */
  clip: number;
  warmup: number;
  config: Record<string, unknown>;
  corpus: Record<string, number>;
}

export const SHARDS = 2;

export function configJson(width: number, layers: number, intermediate: number, vocab: number): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu',
    hidden_size: width, intermediate_size: intermediate, num_hidden_layers: layers,
    num_attention_heads: width / 32, num_key_value_heads: width / 32, vocab_size: vocab,
    max_position_embeddings: 256, rms_norm_eps: 1e-5, rope_theta: 10000, attention_bias: false,
    tie_word_embeddings: true, bos_token_id: 1, eos_token_id: 2, pad_token_id: 0, torch_dtype: 'float16',
  };
}

export const RECIPE: PretrainRecipe = {
  seed: 7, steps: 2500, examples: 96, rate: 3e-3, clip: 1, warmup: 100,
  config: configJson(160, 4, 432, 2048),
  corpus: { subjects: 1100 },
};

/** Ends within a minute: shows the path, not a useful model. */
export const SMALL: PretrainRecipe = {
  seed: 7, steps: 12, examples: 16, rate: 2e-3, clip: 1, warmup: 4,
  config: configJson(64, 2, 160, 2048),
  corpus: { subjects: 1100 },
};

