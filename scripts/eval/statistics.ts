/**
 * Statistics of the attribution's evaluation. Pure functions over plain numbers: the same input gives the same output
 * (random draws are counter-based). Matrices are lists of rows; `[query][record]`, `[query][subset]` and so on say which.
 * "Positive = helped" everywhere: a positive score says that the record lowered the query's loss.
 */
import { randomBelow } from '../../src/arithmetic/random.ts';

/** Ranks from 1; equal values share the mean of their ranks. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const out = new Array<number>(values.length);
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && values[order[end]!] === values[order[first]!]) end++;
    for (let i = first; i < end; i++) out[order[i]!] = (first + end + 1) / 2;
    first = end;
  }
  return out;
}

/** Pearson's correlation; 0 where either side does not vary, since nothing is then predicted. */
export function pearson(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} values against ${b.length}`);
  const n = a.length;
  const meanA = mean(a), meanB = mean(b);
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < n; i++) {
    const x = a[i]! - meanA, y = b[i]! - meanB;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

/** Spearman's rank correlation, ties averaged. Non-finite values are refused: their order would mean nothing. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  for (const value of [...a, ...b]) if (!Number.isFinite(value)) throw new RangeError('ranks of values that are not finite');
  return pearson(ranks(a), ranks(b));
}

export function mean(values: readonly number[]): number {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : 0;
}

/** Area under the ROC curve: how often a positive scores above a negative, ties counted half. 0.5 where one kind is missing. */
export function areaUnderCurve(scores: readonly number[], positive: readonly boolean[]): number {
  const rank = ranks(scores);
  const p = positive.filter(Boolean).length;
  const n = scores.length - p;
  if (!p || !n) return 0.5;
  const sum = rank.reduce((total, r, i) => total + (positive[i] ? r : 0), 0);
  return (sum - (p * (p + 1)) / 2) / (p * n);
}

/** What a method predicts and what retraining found, ready to be correlated: both [query][run]. */
export interface Comparison {
  predicted: number[][];
  real: number[][];
}

/**
 * Group effects for the Linear Datamodelling Score (Park et al. 2023, TRAK): predicted is the sum of the influence of
 * the records kept, real is minus the loss of the model retrained on them.
 * `scores` [query][record], `weights` [subset][record] (0 = left out), `losses` [subset][query].
 */
export function groupEffects(scores: readonly (readonly number[])[], weights: readonly (readonly number[])[], losses: readonly (readonly number[])[]): Comparison {
  return {
    predicted: scores.map((row) => weights.map((weight) => weight.reduce((sum, w, k) => sum + (w ? w * row[k]! : 0), 0))),
    real: scores.map((_, q) => losses.map((loss) => -loss[q]!)),
  };
}

/** Leave-one-out effects: predicted influence of record k against the loss without it less the loss of the full run. `losses` [record][query]. */
export function leaveOneOutEffects(scores: readonly (readonly number[])[], losses: readonly (readonly number[])[], full: readonly number[]): Comparison {
  return { predicted: scores.map((row) => [...row]), real: scores.map((_, q) => losses.map((loss) => loss[q]! - full[q]!)) };
}

/** How well retraining in another order predicts the first order: the most that any method can be asked for. Both [run][query]. */
export function ceilingEffects(losses: readonly (readonly number[])[], other: readonly (readonly number[])[]): Comparison {
  const byQuery = (list: readonly (readonly number[])[]) => list[0]!.map((_, q) => list.map((loss) => -loss[q]!));
  return { predicted: byQuery(other), real: byQuery(losses) };
}

/**
 * What is left of both sides when the number of records of each class that a subset keeps is regressed out (least
 * squares with a constant): a method that only knows the classes scores nothing. `weights` [subset][record].
 */
export function withinClass({ predicted, real }: Comparison, weights: readonly (readonly number[])[], classOf: readonly number[]): Comparison {
  const classes = [...new Set(classOf)].sort((a, b) => a - b);
  const counts = weights.map((weight) => [1, ...classes.map((c) => weight.reduce((sum, w, k) => sum + (classOf[k] === c ? w : 0), 0))]);
  const residuals = residualsOf(counts);
  return { predicted: predicted.map(residuals), real: real.map(residuals) };
}

/** Makes a function that takes what a linear model in `rows` [observation][feature] explains out of values, by Gram–Schmidt in the observations' space. */
export function residualsOf(rows: readonly (readonly number[])[]): (values: readonly number[]) => number[] {
  const basis: number[][] = [];
  const without = (values: readonly number[]) => {
    const left = [...values];
    // Twice: the second round takes out what rounding left in the first.
    for (let round = 0; round < 2; round++) {
      for (const direction of basis) {
        const along = dot(direction, left);
        for (let i = 0; i < left.length; i++) left[i]! -= along * direction[i]!;
      }
    }
    return left;
  };
  for (let f = 0; f < (rows[0]?.length ?? 0); f++) {
    const column = rows.map((row) => row[f]!);
    const left = without(column);
    const size = Math.sqrt(dot(left, left));
    // A feature that the ones before it explain adds nothing but noise.
    if (size > 1e-9 * Math.sqrt(dot(column, column))) basis.push(left.map((value) => value / size));
  }
  // Rounding's own noise has an order too, which must not be correlated with anything.
  return (values) => {
    const left = without(values);
    return dot(left, left) > 1e-18 * dot(values, values) ? left : left.map(() => 0);
  };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Spearman of each query over the runs. */
export function scoreOfQueries({ predicted, real }: Comparison): number[] {
  return predicted.map((row, q) => spearman(row, real[q]!));
}

/** The score of a comparison: mean over the queries of Spearman over the runs. */
export function score(comparison: Comparison): number {
  return mean(scoreOfQueries(comparison));
}

export interface Interval {
  low: number;
  high: number;
}

export interface BootstrapOptions {
  /** Resamples. */
  samples?: number;
  seed?: number;
  /** Share of resamples inside. */
  level?: number;
}

/**
 * Percentile bootstrap of a statistic of comparisons, over queries and runs at once: each resample draws as many of
 * both with replacement. Several comparisons (seeds) are resampled each for itself and averaged.
 */
export function bootstrapScore(comparisons: readonly Comparison[], options: BootstrapOptions = {}): Interval {
  return bootstrap(options, (stream, seed) => mean(comparisons.map((comparison, c) => resampledScore(comparison, seed, stream * comparisons.length + c))));
}

/** Bootstrap of how much higher the first comparisons score than the second, on the same queries and runs. */
export function bootstrapDifference(first: readonly Comparison[], second: readonly Comparison[], options: BootstrapOptions = {}): Interval {
  return bootstrap(options, (stream, seed) =>
    mean(first.map((comparison, c) => {
      const draw = stream * first.length + c;
      return resampledScore(comparison, seed, draw) - resampledScore(second[c]!, seed, draw);
    })),
  );
}

/** Bootstrap of the area under the curve over the records. */
export function bootstrapArea(scores: readonly number[], positive: readonly boolean[], options: BootstrapOptions = {}): Interval {
  return bootstrap(options, (stream, seed) => {
    const chosen = scores.map((_, i) => randomBelow(scores.length, seed, stream, i));
    return areaUnderCurve(chosen.map((i) => scores[i]!), chosen.map((i) => positive[i]!));
  });
}

function bootstrap({ samples = 400, seed = 20260101, level = 0.95 }: BootstrapOptions, statistic: (stream: number, seed: number) => number): Interval {
  const values = Array.from({ length: samples }, (_, b) => statistic(b, seed)).sort((a, b) => a - b);
  const at = (part: number) => values[Math.min(samples - 1, Math.max(0, Math.round(part * (samples - 1))))]!;
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) };
}

function resampledScore(comparison: Comparison, seed: number, stream: number): number {
  const { predicted, real } = comparison;
  const { byPredicted, byReal } = sortedOnce(comparison);
  const runs = predicted[0]?.length ?? 0;
  const counts = new Float64Array(runs);
  for (let i = 0; i < runs; i++) counts[randomBelow(runs, seed, 2 * stream, i)]! += 1;
  return mean(predicted.map((_, i) => {
    const q = randomBelow(predicted.length, seed, 2 * stream + 1, i);
    return weightedPearson(countedRanks(predicted[q]!, byPredicted[q]!, counts), countedRanks(real[q]!, byReal[q]!, counts), counts);
  }));
}

/** Orders of the values of each query: a resample only counts some of them several times. */
function sortedOnce(comparison: Comparison): { byPredicted: number[][]; byReal: number[][] } {
  const orders = (lists: readonly number[][]) => lists.map((values) => values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!));
  const found = ORDERS.get(comparison) ?? { byPredicted: orders(comparison.predicted), byReal: orders(comparison.real) };
  ORDERS.set(comparison, found);
  return found;
}
const ORDERS = new WeakMap<Comparison, { byPredicted: number[][]; byReal: number[][] }>();

/** Ranks of the values where value i stands counts[i] times; equal values share the mean of their ranks. */
function countedRanks(values: readonly number[], order: readonly number[], counts: Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  let before = 0;
  for (let first = 0; first < order.length; ) {
    let end = first;
    let count = 0;
    while (end < order.length && values[order[end]!] === values[order[first]!]) count += counts[order[end++]!]!;
    for (let i = first; i < end; i++) out[order[i]!] = before + (count + 1) / 2;
    before += count;
    first = end;
  }
  return out;
}

function weightedPearson(a: Float64Array, b: Float64Array, counts: Float64Array): number {
  let n = 0, sumA = 0, sumB = 0;
  for (let i = 0; i < counts.length; i++) {
    n += counts[i]!;
    sumA += counts[i]! * a[i]!;
    sumB += counts[i]! * b[i]!;
  }
  const meanA = sumA / n, meanB = sumB / n;
  let ab = 0, aa = 0, bb = 0;
  for (let i = 0; i < counts.length; i++) {
    const x = a[i]! - meanA, y = b[i]! - meanB;
    ab += counts[i]! * x * y;
    aa += counts[i]! * x * x;
    bb += counts[i]! * y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
