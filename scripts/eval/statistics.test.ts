import { describe, expect, it } from 'vitest';
import { randomBelow, randomNormal, randomUnit } from '../../src/arithmetic/random.ts';
import {
  areaUnderCurve, bootstrapArea, bootstrapDifference, bootstrapScore, ceilingEffects, groupEffects, leaveOneOutEffects, ranks, residualsOf, score, spearman, withinClass,
} from './statistics.ts';

describe('ranks and correlations', () => {
  it('ties share the mean of their ranks', () => {
    expect(ranks([10, 20, 10, 5])).toEqual([2.5, 4, 2.5, 1]);
  });
  it('Spearman by hand', () => {
    // Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 − 6·4 / (5·24) = 0.8.
    expect(spearman([1, 2, 3, 4, 5], [20, 10, 40, 30, 50])).toBeCloseTo(0.8, 12);
    expect(spearman([1, 2, 3], [-1, -2, -30])).toBeCloseTo(-1, 12);
    // With ties: ranks 1.5 1.5 3 4 against 1 2 3 4, Pearson of them: 4.5 / √(4.5 · 5).
    expect(spearman([7, 7, 8, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  });
  it('a constant predicts nothing, infinities are refused', () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBe(0);
    expect(() => spearman([1, NaN], [1, 2])).toThrow(RangeError);
  });
  it('area under the curve, ties half', () => {
    expect(areaUnderCurve([1, 2, 3, 4], [false, false, true, true])).toBe(1);
    expect(areaUnderCurve([4, 3, 2, 1], [false, false, true, true])).toBe(0);
    expect(areaUnderCurve([1, 1, 1, 1], [false, true, false, true])).toBe(0.5);
    expect(areaUnderCurve([1, 3, 2, 4], [false, false, true, true])).toBe(0.75);
    expect(areaUnderCurve([1, 2], [true, true])).toBe(0.5);
  });
});

describe('scores', () => {
  const subsets = Array.from({ length: 60 }, (_, j) => Array.from({ length: 12 }, (_, k) => (randomUnit(5, j, k) < 0.5 ? 1 : 0)));
  const truth = [0, 1].map((q) => Array.from({ length: 12 }, (_, k) => randomNormal(6, q, k)));
  const losses = subsets.map((weights) => truth.map((row) => 3 - row.reduce((sum, value, k) => sum + value * weights[k]!, 0)));

  it('LDS: the true effects score 1, their opposite −1', () => {
    expect(score(groupEffects(truth, subsets, losses))).toBeCloseTo(1, 12);
    expect(score(groupEffects(truth.map((row) => row.map((x) => -x)), subsets, losses))).toBeCloseTo(-1, 12);
  });
  it('leave-one-out: a record that helped is missed', () => {
    const full = [1, 1];
    const without = Array.from({ length: 12 }, (_, k) => truth.map((row) => 1 + row[k]!));
    expect(score(leaveOneOutEffects(truth, without, full))).toBeCloseTo(1, 12);
  });
  it('the ceiling of a run that repeats itself is 1', () => {
    expect(score(ceilingEffects(losses, losses))).toBeCloseTo(1, 12);
  });
  it('within class: class means score high before and nothing after; the true effects stay at 1', () => {
    const classOf = Array.from({ length: 12 }, (_, k) => k % 3);
    // Effects are mostly the class's, with a smaller part of each record's own.
    const mixed = truth.map((row) => row.map((x, k) => 4 * (classOf[k]! - 1) + x));
    const real = subsets.map((weights) => mixed.map((row) => -row.reduce((sum, value, k) => sum + value * weights[k]!, 0)));
    const byClass = mixed.map(() => classOf.map((c) => c - 1));
    const known = groupEffects(byClass, subsets, real);
    expect(score(known)).toBeGreaterThan(0.8);
    expect(score(withinClass(known, subsets, classOf))).toBe(0);
    expect(score(withinClass(groupEffects(mixed, subsets, real), subsets, classOf))).toBeCloseTo(1, 12);
  });
  it('residuals by hand: a line is taken out whole, a repeated feature does no harm', () => {
    const residuals = residualsOf([[1, 0, 0], [1, 1, 2], [1, 2, 4]]);
    for (const left of residuals([3, 5, 7])) expect(left).toBeCloseTo(0, 12);
    // Mean 1, slope 0: what is left of (0, 3, 0) is (−1, 2, −1).
    [-1, 2, -1].forEach((want, i) => expect(residuals([0, 3, 0])[i]).toBeCloseTo(want, 12));
  });
});

describe('bootstrap', () => {
  const noisy = (noise: number, stream: number) => ({
    predicted: Array.from({ length: 10 }, (_, q) => Array.from({ length: 50 }, (_, j) => randomNormal(1, q, j))),
    real: Array.from({ length: 10 }, (_, q) => Array.from({ length: 50 }, (_, j) => randomNormal(1, q, j) + noise * randomNormal(2, stream + q, j))),
  });
  it('is the same twice, holds the estimate and narrows with more runs', () => {
    const one = noisy(1, 0);
    const interval = bootstrapScore([one], { samples: 200 });
    expect(bootstrapScore([one], { samples: 200 })).toEqual(interval);
    expect(interval.low).toBeLessThan(score(one));
    expect(interval.high).toBeGreaterThan(score(one));
    const three = bootstrapScore([one, noisy(1, 100), noisy(1, 200)], { samples: 200 });
    expect(three.high - three.low).toBeLessThan(interval.high - interval.low);
  });
  it('a difference that is there excludes 0, none includes it', () => {
    const good = noisy(0.3, 0), bad = noisy(3, 0);
    expect(bootstrapDifference([good], [bad], { samples: 200 }).low).toBeGreaterThan(0.2);
    expect(bootstrapDifference([good], [good], { samples: 50 })).toEqual({ low: 0, high: 0 });
  });
  it('a resample is scored as the values it draws', () => {
    const { predicted, real } = noisy(1, 0);
    const one = { predicted: predicted.slice(0, 1).map((row) => row.map((x) => Math.round(x))), real: real.slice(0, 1) };
    // One resample, level 1: the interval is that resample's score.
    const { low, high } = bootstrapScore([one], { samples: 1, seed: 3 });
    const chosen = Array.from({ length: 50 }, (_, i) => randomBelow(50, 3, 0, i));
    expect(low).toBe(high);
    expect(low).toBeCloseTo(spearman(chosen.map((j) => one.predicted[0]![j]!), chosen.map((j) => one.real[0]![j]!)), 12);
  });
  it('of an area', () => {
    const positive = Array.from({ length: 100 }, (_, i) => i < 20);
    const { low, high } = bootstrapArea(positive.map((p, i) => (p ? 1 : 0) + randomNormal(3, 0, i)), positive, { samples: 200 });
    expect(low).toBeGreaterThan(0.5);
    expect(high).toBeLessThan(1);
  });
});
