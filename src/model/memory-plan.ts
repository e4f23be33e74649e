import { type CountingOptions, CountingBackend } from '../kernels/counting/backend.ts';
import { type Format, createMatrix } from '../kernels/matrix/matrix.ts';
import type { Backend } from '../kernels/backend.ts';
import type { Sequence } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { generate } from './generate.ts';
import { type LoraConfig, adaptedLayers, linearShape } from './lora-config.ts';
import { type Lora, freeLora } from './lora.ts';
import { type Model, assembleModel, heldFormat, weightShapes } from './model.ts';
import type { TrainRecipe } from './recipe.ts';
import { train } from './train.ts';

/** Bytes on a device, found by running the real code on a backend that only counts. */
export interface MemoryPlan {
  /** The base: weights and rotary tables. */
  weights: number;
  /** The adapter's factors; in training AdamW's moments too. */
  adapter: number;
  /** All else at the peak: activations, gradients, logits, the key/value cache. */
  activations: number;
  peak: number;
  /** The tensor at which the peak was reached. */
  peakAt: string;
}

/** A base without values. */
function emptyModel(backend: Backend, config: ModelConfig, format: Format): Model {
  const matrices: Model['matrices'] = new Map();
  const vectors: Model['vectors'] = new Map();
  for (const [name, shape] of weightShapes(config)) {
    if (shape.length === 1) vectors.set(name, backend.create(name, shape, 'f32', true));
    else matrices.set(name, createMatrix(backend, name, shape[0]!, shape[1]!, heldFormat(name, format)));
  }
  return assembleModel(backend, config, matrices, vectors);
}

/** Factors without values; `copies` 3 for what training holds: the factors and two moments of each. */
function emptyLora(backend: Backend, config: ModelConfig, lora: LoraConfig, copies: 1 | 3): Lora {
  const pairs: Lora['pairs'] = new Map();
  for (let copy = 0; copy < copies; copy++) {
    for (const { name, target, rank, scale } of adaptedLayers(config, lora)) {
      const [out, input] = linearShape(config, target);
      const factor = (letter: string, shape: number[]) => backend.create(`${name}.lora_${letter}`, shape, 'f32');
      pairs.set(`${name}${copy || ''}`, { a: factor('A', [rank, input]), b: factor('B', [out, rank]), rank, scale });
    }
  }
  return { config: lora, pairs };
}

function planOf(backend: CountingBackend, weights: number, adapter: number): MemoryPlan {
  const peak = backend.memory().peakBytes;
  return { weights, adapter, activations: peak - weights - adapter, peak, peakAt: backend.peakAt };
}

/**
 * What training an adapter takes when each part of a step (`accumulate` in the recipe) feeds `tokens` tokens, all of
 * them predicted. `device`: its rounding and greatest binding; nothing rounded and nothing split by default.
 */
export async function planTraining(config: ModelConfig, format: Format, recipe: TrainRecipe, tokens: number, device: CountingOptions = {}): Promise<MemoryPlan> {
  const backend = new CountingBackend(device);
  const model = emptyModel(backend, config, format);
  const weights = backend.memory().bytes;
  const state = emptyLora(backend, config, recipe, 3);
  const adapter = backend.memory().bytes - weights;
  freeLora(backend, state);
  const sequences: Sequence[] = [];
  for (let left = tokens; left > 0; left -= config.context - 1) {
    sequences.push({ ids: new Array<number>(Math.min(left, config.context - 1) + 1).fill(0), start: 1 });
  }
  // Two parts: the second is computed while the sum of gradients is held.
  const lora = await train(model, [sequences, sequences], { ...recipe, epochs: 1, batch: 2, accumulate: 2 });
  freeLora(backend, lora);
  return planOf(backend, weights, adapter);
}

/** What an answer takes whose prompt and tokens make `contextTokens` together, with an adapter if one is given. */
export async function planGeneration(config: ModelConfig, format: Format, contextTokens: number, lora?: LoraConfig, device: CountingOptions = {}): Promise<MemoryPlan> {
  const backend = new CountingBackend(device);
  const model = emptyModel(backend, config, format);
  const weights = backend.memory().bytes;
  const factors = lora && emptyLora(backend, config, lora, 1);
  const adapter = backend.memory().bytes - weights;
  const length = Math.min(contextTokens, config.context);
  const answer = Math.max(1, Math.min(8, length - 1));
  await generate(model, factors, new Array<number>(length - answer).fill(0), { maxTokens: answer, stop: [] });
  return planOf(backend, weights, adapter);
}
