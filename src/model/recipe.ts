import { OpenLedgerError } from '../errors.ts';
import type { RunFile } from '../protocol/run.ts';
import { type LoraConfig, MAX_RANK, type Target } from './lora-config.ts';
import type { Schedule } from './optimizer.ts';

/** Everything that decides an adapter's bits besides base and records. All whole numbers or float64 in decimal text. */
export interface TrainRecipe extends LoraConfig {
  seed: number;
  epochs: number;
  /** Records per step. */
  batch: number;
  /** Peak learning rate: linear warm-up over a tenth of the steps, then as `schedule` says. */
  rate: number;
  /** Half a cosine down to a tenth of the peak where undefined. */
  schedule?: Schedule;
  /**
   * A step's records are computed in so many parts, one after the other, whose gradients are added in order; 2 where
   * undefined. The sums' order, and so the bits, depend on it; the memory that a step takes does too.
   */
  accumulate?: number;
}

/** What `accumulate` is where a recipe does not say: two threads can share a step. */
export const DEFAULT_ACCUMULATE = 2;

export const DEFAULT_RECIPE: TrainRecipe = {
  rank: 8, alpha: 16, rslora: false,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  seed: 1, epochs: 20, batch: 4, rate: 4e-3,
};

/** Steps of a run over n records. */
export function stepCount(recipe: Pick<TrainRecipe, 'epochs' | 'batch'>, n: number): number {
  return recipe.epochs * Math.ceil(n / recipe.batch);
}

/** Throws `train/bad-recipe` naming the first value that is out of its range. */
export function checkRecipe(recipe: TrainRecipe): void {
  const check = (name: keyof TrainRecipe, fits: boolean, range: string) => {
    if (fits) return;
    throw new OpenLedgerError({
      code: 'train/bad-recipe',
      what: `The recipe cannot be followed: ${name} is ${String(recipe[name]).slice(0, 40)}.`,
      why: `It must be ${range}.`,
      next: 'Change it.',
    });
  };
  const whole = (name: keyof TrainRecipe, least: number, most: number) => {
    const value = recipe[name];
    check(name, typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most, `a whole number from ${least} to ${most}`);
  };
  whole('rank', 1, MAX_RANK);
  check('alpha', recipe.alpha > 0 && recipe.alpha < 2 ** 20, 'a number above 0');
  whole('seed', 0, 2 ** 32 - 1);
  whole('epochs', 1, 10_000);
  whole('batch', 1, 2 ** 16);
  check('rate', recipe.rate > 0 && Number.isFinite(recipe.rate), 'a number above 0');
  if (recipe.accumulate !== undefined) whole('accumulate', 1, 2 ** 16);
  check('schedule', [undefined, 'cosine', 'constant'].includes(recipe.schedule), '"cosine" or "constant"');
}

/** A recipe as run.json holds it: what is not said is as it was before there was a choice. */
export function recipeJson(recipe: TrainRecipe): RunFile['recipe'] {
  const { rank, alpha, rslora, targets, seed, epochs, batch, rate, schedule, accumulate, modules, exclude, layers, layersPattern, rankPattern, alphaPattern } = recipe;
  return {
    rank, alpha, rslora, targets, seed, epochs, batch, rate: String(rate),
    ...(schedule === 'constant' && { schedule }),
    ...(accumulate !== undefined && accumulate !== DEFAULT_ACCUMULATE && { accumulate }),
    ...(modules !== undefined && { modules }),
    ...(exclude !== undefined && { exclude }),
    ...(layers && { layers }),
    ...(layersPattern && { layersPattern }),
    ...(rankPattern && { rankPattern }),
    ...(alphaPattern && { alphaPattern }),
  };
}

/** The recipe of a parsed run.json, to make its adapter again. Throws `train/bad-recipe`. */
export function recipeOfRun({ targets, rate, ...rest }: RunFile['recipe']): TrainRecipe {
  const recipe: TrainRecipe = { ...rest, targets: targets as Target[], rate: Number(rate) };
  checkRecipe(recipe);
  return recipe;
}
