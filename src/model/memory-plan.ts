import { OpenLedgerError } from '../errors.ts';
import type { Backend } from '../kernels/backend.ts';
import { CountingBackend, type CountingOptions } from '../kernels/counting/backend.ts';
import { type Format, createMatrix } from '../kernels/matrix/matrix.ts';
import type { Sequence } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { generate } from './generate.ts';
import { type LoraConfig, adaptedLayers, linearShape } from './lora-config.ts';
import { type Lora, freeLora } from './lora.ts';
import { type Model, assembleModel, heldFormat, weightShapes } from './model.ts';
import { DEFAULT_ACCUMULATE, type TrainRecipe } from './recipe.ts';
import { type Example, fedTokens, train } from './train.ts';

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
 * them predicted, in sequences of `longest` at most. `device`: its rounding and greatest binding; nothing rounded and
 * nothing split by default.
 */
export async function planTraining(
  config: ModelConfig, format: Format, recipe: TrainRecipe, tokens: number, device: CountingOptions = {}, longest = tokens,
): Promise<MemoryPlan> {
  const backend = new CountingBackend(device);
  const model = emptyModel(backend, config, format);
  const weights = backend.memory().bytes;
  const state = emptyLora(backend, config, recipe, 3);
  const adapter = backend.memory().bytes - weights;
  freeLora(backend, state);
  const sequences: Sequence[] = [];
  const length = Math.max(1, Math.min(longest, config.context - 1));
  for (let left = tokens; left > 0; left -= length) sequences.push({ ids: new Array<number>(Math.min(left, length) + 1).fill(0), start: 1 });
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

/**
 * The recipe with as few parts to a step as fit into `limit` bytes: as it is where it fits, else with a greater
 * `accumulate`, which then belongs to the run and is followed on every device. Throws `train/out-of-memory` where not
 * even one record at a time fits.
 */
export async function fittingRecipe(config: ModelConfig, format: Format, recipe: TrainRecipe, records: readonly Example[], limit: number, device: CountingOptions = {}): Promise<TrainRecipe> {
  const tokens = records.map(fedTokens).sort((a, b) => b - a);
  const longest = records.reduce((most, record) => Math.max(most, ...record.map(({ ids }) => ids.length - 1)), 0);
  let tried = Infinity;
  let needed = 0;
  for (let accumulate = recipe.accumulate ?? DEFAULT_ACCUMULATE; ; accumulate++) {
    const each = Math.ceil(recipe.batch / accumulate);
    if (each < tried) {
      tried = each;
      // No part can have more than the longest records have together.
      const most = tokens.slice(0, each).reduce((sum, count) => sum + count, 0);
      needed = (await planTraining(config, format, recipe, most, device, longest)).peak;
      if (needed <= limit) return each === Math.ceil(recipe.batch / (recipe.accumulate ?? DEFAULT_ACCUMULATE)) ? recipe : { ...recipe, accumulate };
    }
    if (each === 1) break;
  }
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  throw new OpenLedgerError({
    code: 'train/out-of-memory',
    what: 'Training this model does not fit into the memory of this device.',
    why: `One record at a time needs ${gib(needed)}; ${gib(limit)} are allowed.`,
    next: 'Use shorter records, a smaller rank, fewer targets, or the base in a smaller format.',
  });
}
