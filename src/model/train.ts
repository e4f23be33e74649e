import { permutation, randomUnit } from '../arithmetic/random.ts';
import { throwIfAborted } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import { breathe } from '../kernels/breathe.ts';
import { addTensors } from '../kernels/elementwise/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { type Sequence, packBatch } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { type Lora, type LoraConfig, adaptedLayers, linearShape } from './lora.ts';
import { loss } from './loss.ts';
import type { Model } from './model.ts';
import { ADAMW, AdamW, scheduledRate } from './optimizer.ts';
import { type TrainRecipe, stepCount } from './recipe.ts';
import { recordWeight } from './record-loss.ts';

/** A step's records are split in two; the halves' gradients are added in order, so that two threads can share a step. */
export const STEP_SHARDS = 2;

/** A uniform in ±1/sqrt(in), B zero, as PEFT starts. The factors change: upload without `constant`. */
export function initialLora(backend: Backend, model: ModelConfig, config: LoraConfig, seed: number): Lora {
  const pairs: Lora['pairs'] = new Map();
  adaptedLayers(model, config).forEach(({ name, target, rank, scale }, stream) => {
    const [out, input] = linearShape(model, target);
    const bound = 1 / Math.sqrt(input);
    const a = Float32Array.from({ length: rank * input }, (_, i) => (2 * randomUnit(seed, stream + 1, i) - 1) * bound);
    pairs.set(name, {
      a: backend.upload(`${name}.lora_A`, [rank, input], a),
      b: backend.upload(`${name}.lora_B`, [out, rank], new Float32Array(out * rank)),
      rank,
      scale,
    });
  });
  return { config, pairs };
}

/** The records of step t, in order: each epoch is a fresh permutation. */
export function stepRecords(recipe: TrainRecipe, n: number, t: number): number[] {
  const perEpoch = Math.ceil(n / recipe.batch);
  const epoch = Math.floor(t / perEpoch);
  const order = permutation(n, recipe.seed, 1_000_000 + epoch);
  return order.slice((t % perEpoch) * recipe.batch, (t % perEpoch + 1) * recipe.batch);
}

/** Gradient and loss of one shard of a step. `all` is how many records the whole step has. Owned by `scope`. */
export function shardGradient(scope: Scope, model: Model, lora: Lora, shard: readonly (readonly Sequence[])[], all: number): { gradients: Map<string, Tensor>; total: Tensor } {
  const sequences = shard.flat();
  const owner = shard.flatMap((record) => record.map((_, s) => ({ record, s })));
  const batch = packBatch([sequences], (_g, at) => recordWeight(owner[at]!.record, owner[at]!.s) / all, model.config.window);
  return loss(scope, model, lora, batch, 'adapter');
}

export interface StepReport {
  step: number;
  steps: number;
  /** Mean record loss of the step, before its update. */
  loss: number;
  /** Tokens fed so far. */
  tokens: number;
}

export interface TrainOptions {
  signal?: AbortSignal | undefined;
  onStep?: ((report: StepReport) => void) | undefined;
}

/**
 * Fine-tunes a LoRA adapter. The same base, records and recipe give the same bits on every backend.
 * The adapter belongs to the caller. Throws `cancelled`, `rf32/out-of-range`.
 */
export async function train(model: Model, records: readonly (readonly Sequence[])[], recipe: TrainRecipe, options: TrainOptions = {}): Promise<Lora> {
  const { backend } = model;
  const lora = initialLora(backend, model.config, recipe, recipe.seed);
  const parameters = new Map([...lora.pairs].flatMap(([name, { a, b }]) => [[`${name}.lora_A`, a] as const, [`${name}.lora_B`, b] as const]));
  const optimizer = new AdamW(backend, parameters, ADAMW);
  const steps = stepCount(recipe, records.length);
  const warmup = Math.max(1, Math.floor(steps / 10));
  let tokens = 0;
  try {
    for (let step = 0; step < steps; step++) {
      throwIfAborted(options.signal);
      const chosen = stepRecords(recipe, records.length, step).map((k) => records[k]!);
      const half = Math.ceil(chosen.length / STEP_SHARDS);
      const scope = new Scope(backend);
      try {
        const shards = [chosen.slice(0, half), chosen.slice(half)].filter((shard) => shard.length);
        const parts = shards.map((shard) => shardGradient(scope, model, lora, shard, chosen.length));
        const gradients = new Map(
          [...parameters.keys()].map((name) => [
            name,
            parts.slice(1).reduce((sum, part) => scope.one(addTensors, name, [sum, part.gradients.get(name)!]), parts[0]!.gradients.get(name)!),
          ]),
        );
        optimizer.step(gradients, scheduledRate(recipe.rate, step, steps, warmup));
        let stepLoss = 0;
        for (const { total } of parts) stepLoss += (await backend.read(total))[0]!;
        tokens += chosen.flat().reduce((sum, { ids }) => sum + ids.length - 1, 0);
        options.onStep?.({ step: step + 1, steps, loss: stepLoss, tokens });
      } finally {
        scope.release();
      }
      await breathe();
    }
    return lora;
  } catch (error) {
    for (const tensor of parameters.values()) backend.free(tensor);
    throw error;
  } finally {
    optimizer.release();
  }
}
