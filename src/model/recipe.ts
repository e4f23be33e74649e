import type { LoraConfig } from './lora.ts';

/** Everything that decides an adapter's bits besides base and records. All whole numbers or float64 in decimal text. */
export interface TrainRecipe extends LoraConfig {
  seed: number;
  epochs: number;
  /** Records per step. */
  batch: number;
  /** Peak learning rate: linear warm-up over a tenth of the steps, then half a cosine down to a tenth. */
  rate: number;
}

export const DEFAULT_RECIPE: TrainRecipe = {
  rank: 8, alpha: 16, rslora: false,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  seed: 1, epochs: 20, batch: 4, rate: 4e-3,
};

/** Steps of a run over n records. */
export function stepCount(recipe: TrainRecipe, n: number): number {
  return recipe.epochs * Math.ceil(n / recipe.batch);
}
