import { OpenLedgerError } from '../../errors.ts';
import { stepRate } from '../../model/optimizer.ts';
import { type TrainRecipe, stepCount } from '../../model/recipe.ts';

/** As receipts and runs name it. */
export const METHOD = 'curvature/2';

/** What decides a curvature ledger beside base, adapter and records; stands in run.json. */
export interface CurvatureSettings {
  /** States of the adapter along its run whose gradients are taken: evenly from a tenth to half of the run. */
  checkpoints: number;
  /** Labels drawn from the model for each record and checkpoint. */
  draws: number;
  /** Numbers a record, shared by the checkpoints: gradients are sketched to a checkpoint's part; adapters with fewer are kept whole. */
  dimension: number;
  /** λ as a multiple of 1 / T, T the sum of the run's learning rates: what the run had no time to learn is damped. */
  damping: number;
  /** Of the draws and of the sketch. */
  seed: number;
}

/** 29,120 numbers of 4.5 bits, and the noise, are 16 KiB a record. Why these: docs/attribution.md. */
export const CURVATURE: CurvatureSettings = { checkpoints: 3, draws: 2, dimension: 29_120, damping: 2, seed: 1 };
/** How a ledger's rows are held. At a given size, more numbers of fewer bits lose less: the sketch's error falls with their count. */
export const ROW_FORMAT = 'q4';

/** Draws that only measure what chance does; see noise.ts. */
export const MOST_CHANCE_DRAWS = 512;

/** Draws of a checkpoint in all: their Gram matrix is squared in this. With more records, not every one is drawn for. */
export const MOST_DRAWS = 4096;

/** Throws `ledger/bad-settings` naming the first that is out of its range. */
export function checkSettings({ checkpoints, draws, dimension, damping, seed }: CurvatureSettings): void {
  const check = (name: string, fits: boolean, range: string) => {
    if (!fits) throw new OpenLedgerError({ code: 'ledger/bad-settings', what: `The ledger’s settings cannot be followed: ${name}.`, why: `It must be ${range}.`, next: 'Ask whoever made the adapter.' });
  };
  const whole = (value: number, least: number, most: number) => Number.isSafeInteger(value) && value >= least && value <= most;
  check('checkpoints', whole(checkpoints, 1, 16), 'a whole number from 1 to 16');
  check('draws', whole(draws, 1, 64), 'a whole number from 1 to 64');
  check('dimension', whole(dimension, 64 * checkpoints, 2 ** 20), 'a whole number from 64 a checkpoint to 1,048,576');
  check('damping', damping >= 1e-4 && damping <= 1e4, 'a number from 0.0001 to 10,000');
  check('seed', whole(seed, 0, 2 ** 32 - 1), 'a whole number below 2^32');
}

/** What of a run's recipe its ledger reads. */
export interface RunPace {
  /** T: the sum of the learning rates of all its steps. */
  time: number;
  /** Records of a step. */
  batch: number;
}

/** The pace of a run over `n` records. Float64 with exact functions: the same everywhere. */
export function runPace(recipe: TrainRecipe, n: number): RunPace {
  const steps = stepCount(recipe, n);
  let time = 0;
  for (let step = 0; step < steps; step++) time += stepRate(recipe, step, steps);
  return { time, batch: Math.min(recipe.batch, n) };
}

/**
 * After which of `steps` steps the checkpoints are: evenly from a tenth to half of the run, one alone at three tenths; fewer
 * where steps are few. Early ones tell more: what a record taught is in its gradient while it was being learned.
 */
export function checkpointSteps(steps: number, checkpoints: number): number[] {
  const tenths = Array.from({ length: checkpoints }, (_, i) => (checkpoints === 1 ? 3 : 1 + (4 * i) / (checkpoints - 1)));
  return [...new Set(tenths.map((part) => Math.max(1, Math.round((steps * part) / 10))))];
}

/** The draws of n records: which record each is of, and its number there. Evenly spread where there would be more than `most`. */
export function drawPlan(n: number, draws: number, most = MOST_DRAWS): { owners: number[]; numbers: number[] } {
  const all = n * draws;
  const m = Math.min(all, most);
  // Draw by draw, so that the first n are one of each record.
  const chosen = Array.from({ length: m }, (_, i) => Math.floor((i * all) / m));
  return { owners: chosen.map((j) => j % n), numbers: chosen.map((j) => Math.floor(j / n)) };
}
