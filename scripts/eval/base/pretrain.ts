import { CpuBackend } from '../../../src/kernels/cpu/backend.ts';
import { scaleTensor } from '../../../src/kernels/elementwise/operation.ts';
import { Scope } from '../../../src/kernels/scope.ts';
import { throwIfAborted } from '../../../src/errors.ts';
import { type Sequence, packBatch } from '../../../src/model/batch.ts';
import { parseConfig } from '../../../src/model/config.ts';
import { loss } from '../../../src/model/loss.ts';
import { freeModel, trainableWeights, uploadModel } from '../../../src/model/model.ts';
import { ADAMW, AdamW, scheduledRate } from '../../../src/model/optimizer.ts';
import { type Tensors, writeSafetensors } from '../../../src/model/safetensors.ts';
import { Tokenizer } from '../../../src/model/tokenizer.ts';
import { initialWeights } from '../../pretrain/initial-weights.ts';
import { baseExample } from './corpus.ts';
import { buildEvalTokenizer } from './tokenizer.ts';

/** What decides the base's bytes, besides its corpus and tokenizer. */
export interface BaseRecipe {
  seed: number;
  steps: number;
  /** Examples per step. */
  examples: number;
  rate: number;
  warmup: number;
  /** Gradients of greater norm are scaled down to it. */
  clip: number;
  hidden: number;
  intermediate: number;
  layers: number;
  heads: number;
}

export const BASE: BaseRecipe = { seed: 11, steps: 4000, examples: 64, rate: 4e-3, warmup: 60, clip: 1, hidden: 64, intermediate: 160, layers: 2, heads: 4 };
/** For tests: knows little, made in seconds. */
export const SMALL_BASE: BaseRecipe = { ...BASE, steps: 40, examples: 32, hidden: 32, intermediate: 64, heads: 2 };

/** Trains the base from nothing on the CPU backend, in one thread; the same recipe gives the same bytes. Files of a Hugging Face folder. */
export async function pretrainBase(
  recipe: BaseRecipe, { signal, onStep }: { signal?: AbortSignal | undefined; onStep?: ((step: number, loss: number) => void) | undefined } = {},
): Promise<Record<string, Uint8Array>> {
  const { tokenizer: tokenizerJson, config: tokenizerConfig, vocab } = buildEvalTokenizer();
  const configJson = {
    architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu', hidden_size: recipe.hidden, intermediate_size: recipe.intermediate,
    num_hidden_layers: recipe.layers, num_attention_heads: recipe.heads, num_key_value_heads: recipe.heads, vocab_size: vocab,
    max_position_embeddings: 256, rms_norm_eps: 1e-5, rope_theta: 10000, attention_bias: false, tie_word_embeddings: true,
    bos_token_id: 1, eos_token_id: 2, pad_token_id: 0, torch_dtype: 'float16',
  };
  const config = parseConfig(configJson);
  const tokenizer = Tokenizer.fromJson(tokenizerJson, tokenizerConfig);
  const backend = await CpuBackend.create();
  const model = uploadModel(backend, config, initialWeights(config, recipe.seed), false);
  const weights = trainableWeights(model);
  const optimizer = new AdamW(backend, weights, { ...ADAMW, decay: 0.01 });
  /** Plain lines are learnt whole, of questions the answer: their letters and numbers are drawn, nothing foretells them. */
  const sequence = (i: number): Sequence => {
    const example = baseExample(recipe.seed, i);
    if ('text' in example) return { ids: tokenizer.encodeStatement(example.text), start: 1 };
    const question = tokenizer.encodeQuestion(example.question);
    return { ids: [...question, ...tokenizer.encodeAnswer(example.answer)], start: question.length };
  };
  try {
    for (let step = 0; step < recipe.steps; step++) {
      throwIfAborted(signal);
      const sequences = Array.from({ length: recipe.examples }, (_, i) => sequence(step * recipe.examples + i));
      const count = sequences.reduce((sum, { ids, start }) => sum + ids.length - start, 0);
      const scope = new Scope(backend);
      try {
        const { gradients, total } = loss(scope, model, undefined, packBatch([sequences], () => 1 / count), 'base');
        // The global norm, on the host in float64 in the order of the parameters.
        let squares = 0;
        for (const name of weights.keys()) for (const value of (await backend.read(gradients.get(name)!)) as Float32Array) squares += value * value;
        const scale = Math.min(1, recipe.clip / Math.sqrt(squares));
        if (scale < 1) for (const name of weights.keys()) gradients.set(name, scope.one(scaleTensor, name, [gradients.get(name)!], { scale }));
        optimizer.step(gradients, scheduledRate(recipe.rate, step, recipe.steps, recipe.warmup));
        onStep?.(step + 1, (await backend.read(total))[0]!);
      } finally {
        scope.release();
      }
    }
    const tensors: Tensors = new Map();
    for (const [name, tensor] of weights) tensors.set(`model.${name}`, { shape: [...tensor.shape], values: (await backend.read(tensor)) as Float32Array });
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    return {
      'config.json': text(configJson), 'tokenizer.json': text(tokenizerJson), 'tokenizer_config.json': text(tokenizerConfig),
      'model.safetensors': writeSafetensors(tensors, 'F16', { format: 'pt' }),
    };
  } finally {
    optimizer.release();
    freeModel(model);
    backend.destroy();
  }
}
