import { Scope } from '../kernels/scope.ts';
import { freeLora } from './lora.ts';
import type { Model } from './model.ts';
import { ADAMW, AdamW } from './optimizer.ts';
import { type TrainRecipe, checkRecipe } from './recipe.ts';
import { type Example, initialLora, partLoss, stepGradient, stepParts } from './train.ts';

/** Medians in milliseconds. */
export interface TrainingStepTimes {
  /** The loss of the step's records, without gradients. */
  forward: number;
  /** AdamW on all factors. */
  update: number;
  /** Forward, backward and update. */
  step: number;
  /** Twice the forward's time plus the update's: the backward pass has as many products with the base's weights as the forward, since the base learns nothing. */
  bound: number;
  /** step / bound. */
  ratio: number;
}

const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;

/** Times one step of fine-tuning on the model's backend; the records are those of the step, all at once as the recipe's batch would have them. */
export async function measureTrainingStep(model: Model, records: readonly Example[], recipe: TrainRecipe, repeats = 7): Promise<TrainingStepTimes> {
  checkRecipe(recipe);
  const { backend } = model;
  const lora = initialLora(backend, model.config, recipe, recipe.seed);
  const parameters = new Map([...lora.pairs].flatMap(([name, { a, b }]) => [[`${name}.lora_A`, a] as const, [`${name}.lora_B`, b] as const]));
  const optimizer = new AdamW(backend, parameters, ADAMW);
  const parts = stepParts(recipe, records);
  const times = { forward: [] as number[], update: [] as number[], step: [] as number[] };
  try {
    // The first round compiles and packs, and is not counted.
    for (let round = 0; round <= repeats; round++) {
      const began = performance.now();
      const forward = new Scope(backend);
      try {
        const totals = parts.map((part) => {
          const inner = new Scope(backend);
          try {
            const { total } = partLoss(inner, model, lora, part, records.length, 'loss');
            forward.take(inner, [total]);
            return total;
          } finally {
            inner.release();
          }
        });
        for (const total of totals) await backend.read(total);
      } finally {
        forward.release();
      }
      const afterForward = performance.now();
      const scope = new Scope(backend);
      try {
        const { gradients, totals } = stepGradient(scope, model, lora, parts);
        for (const total of totals) await backend.read(total);
        const afterGradient = performance.now();
        optimizer.step(gradients, recipe.rate);
        await backend.read(totals[0]!);
        const end = performance.now();
        if (round === 0) continue;
        times.forward.push(afterForward - began);
        times.update.push(end - afterGradient);
        times.step.push(end - afterForward);
      } finally {
        scope.release();
      }
    }
  } finally {
    optimizer.release();
    freeLora(backend, lora);
  }
  const [forward, update, step] = [median(times.forward), median(times.update), median(times.step)];
  const bound = 2 * forward + update;
  return { forward, update, step, bound, ratio: step / bound };
}
