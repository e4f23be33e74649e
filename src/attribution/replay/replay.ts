/**
 * Exact replay, the audit: how much each record's weight in training moved an answer's loss, by reversing the recorded
 * run (reverse-steps.ts has the formula and its source). It answers for the run that was, AdamW's moments included, to
 * first order in the weight. docs/replay.md: cost, memory, precision, and what it does not say.
 */
import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import { breathe } from '../../kernels/breathe.ts';
import type { Model } from '../../model/model.ts';
import type { TrainRecipe } from '../../model/recipe.ts';
import type { Tensors } from '../../model/safetensors.ts';
import type { Example } from '../../model/train.ts';
import { type QueryPool, checkPool } from './query-pool.ts';
import { beginReverse, reverseStep } from './reverse-steps.ts';
import { StepPasses } from './step-passes.ts';
import { type RecordRunOptions, type Trajectory, recordRun, stepsBackwards } from './trajectory.ts';

export const REPLAY_METHOD = 'replay/1';

export interface ReverseOptions {
  signal?: AbortSignal | undefined;
  /** Counted in steps of each pool. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** e·‖a‖ / ‖θ‖ of the finite differences; RELATIVE_STEP where undefined. */
  relativeStep?: number | undefined;
}

export interface PoolInfluence {
  /** [n] −dQ/dw_k: positive = the record's weight lowered the loss. 0 for records that took no part. */
  influence: Float64Array;
  /** Q at the run's end. */
  loss: number;
}

/**
 * Influence of every record on each pool. Takes two passes per step and pool, and one more run for all pools where the
 * run's states were not all kept. Throws `replay/bad-query`, `replay/not-finite`, `cancelled`, `rf32/out-of-range`.
 */
export async function reverse(run: Trajectory, pools: readonly QueryPool[], options: ReverseOptions = {}): Promise<PoolInfluence[]> {
  const { signal, onProgress, relativeStep } = options;
  pools.forEach(checkPool);
  throwIfAborted(signal);
  const passes = new StepPasses(run);
  try {
    const passAt: Parameters<typeof reverseStep>[3] = (theta, step, want) => passes.step(theta, step, want);
    const { theta } = run.kept.at(-1)!;
    const queries = [];
    for (const pool of pools) {
      const { gradient, loss } = await passes.query(theta, pool);
      queries.push({ loss, state: beginReverse(gradient, run.records.length) });
    }
    let done = 0;
    const total = run.steps * pools.length;
    for await (const { t, step } of stepsBackwards(run, signal)) {
      for (const { state } of queries) {
        throwIfAborted(signal);
        await reverseStep(state, step, t === 0, passAt, relativeStep);
        onProgress?.(++done, total);
        await breathe();
      }
    }
    return queries.map(({ loss, state: { byWeight } }) => {
      if (!byWeight.every(Number.isFinite)) throw notFinite();
      // 0 − x: no −0 for records without influence.
      return { loss, influence: byWeight.map((value) => 0 - value) };
    });
  } finally {
    passes.release();
  }
}

export interface ReplayOptions extends RecordRunOptions {
  relativeStep?: number | undefined;
}

/** A run followed again and reversed for one or more pools at once: `recordRun`, then `reverse`. */
export async function replay(model: Model, records: readonly Example[], recipe: TrainRecipe, pools: readonly QueryPool[], options: ReplayOptions = {}): Promise<{ pools: PoolInfluence[]; factors: Tensors }> {
  pools.forEach(checkPool);
  const { onProgress, signal, relativeStep } = options;
  let forward = 0;
  const run = await recordRun(model, records, recipe, { ...options, onProgress: (done, steps) => onProgress?.((forward = done), steps * (1 + pools.length)) });
  const result = await reverse(run, pools, { signal, relativeStep, onProgress: (done, total) => onProgress?.(forward + done, forward + total) });
  return { pools: result, factors: run.factors };
}

function notFinite(): OpenLedgerError {
  return new OpenLedgerError({
    code: 'replay/not-finite',
    what: 'The replay of this run gave no number.',
    why: 'Reversing its steps grew beyond what can be held: the run itself was not stable.',
    next: 'Train with a lower rate, or attribute by another method.',
  });
}
