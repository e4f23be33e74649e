import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { ADAMW, scheduledRate } from '../../model/optimizer.ts';
import { stepRecords } from '../../model/train.ts';
import { spearman } from '../rank-correlation.ts';
import { reverse } from './replay.ts';
import { beginReverse, reverseStep } from './reverse-steps.ts';
import { type DualRun, type DualState, dualLoss, dualTraining } from './testing/dual-training.ts';
import { answer, config, recipe, records, relativeError, smallModel, weights } from './testing/small-run.ts';
import { recordRun } from './trajectory.ts';

const { fround } = Math;
const run = await recordRun(smallModel(await createCpuBackend()), records, recipe);
const { layout, steps, values } = run;

function floatRun(decay: number): DualRun {
  const warmup = Math.floor(steps / 10);
  return {
    model: { config, weights, layout, rank: 2, scale: 2 },
    theta0: run.kept[0]!.theta,
    records,
    steps: Array.from({ length: steps }, (_, t) => {
      const chosen = stepRecords(recipe, records.length, t);
      return { records: chosen, divisor: chosen.length, rate: fround(scheduledRate(recipe.rate, t, steps, warmup)) };
    }),
    adam: { beta1: fround(ADAMW.beta1), beta2: fround(ADAMW.beta2), eps: fround(ADAMW.eps), decay },
  };
}

/** −dQ/dw of each record by dual numbers through the whole run and its gradients: exact but for float64's rounding. */
function exactInfluence(float: DualRun): { influence: number[]; states: DualState[] } {
  let states: DualState[] = [];
  const influence = records.map((_, k) => {
    states = dualTraining(float, k);
    return -dualLoss(float.model, states.at(-1)!.theta, [answer]).tangent;
  });
  return { influence, states };
}

/** The reverse as replay does it, with float64 passes. */
async function float64Reverse(float: DualRun, states: readonly DualState[], relative: number): Promise<Float64Array> {
  const still = (value: Float64Array) => ({ value, tangent: new Float64Array(values) });
  const plain = ({ theta, m, v }: DualState) => ({ theta: theta.value, m: m.value, v: v.value });
  const query = beginReverse(dualLoss(float.model, still(states.at(-1)!.theta.value), [answer]).gradient.value, records.length);
  for (let t = steps - 1; t >= 0; t--) {
    const { rate, ...step } = float.steps[t]!;
    const [correction1, correction2] = [1 / (1 - float.adam.beta1 ** (t + 1)), 1 / (1 - float.adam.beta2 ** (t + 1))];
    const constants = { ...float.adam, rate, correction1, correction2 };
    await reverseStep(query, { ...step, before: plain(states[t]!), after: plain(states[t + 1]!), constants }, t === 0, async (theta) => {
      const gradient = new Float64Array(values);
      const losses = step.records.map((k) => {
        const { loss, gradient: own } = dualLoss(float.model, still(theta), records[k]!);
        own.value.forEach((value, i) => (gradient[i]! += value / step.divisor));
        return loss;
      });
      return { gradient, losses };
    }, relative);
  }
  return query.byWeight.map((value) => -value);
}

describe('replay against double differentiation in float64', () => {
  const float = floatRun(ADAMW.decay);
  const exact = exactInfluence(float);

  it('is the same in float64 up to the curvature of its differences, which falls as the square of their step', async () => {
    // Measured: 1.5e-6 and 1.5e-8.
    expect(relativeError(await float64Reverse(float, exact.states, 1e-3), exact.influence)).toBeLessThan(4e-6);
    expect(relativeError(await float64Reverse(float, exact.states, 1e-4), exact.influence)).toBeLessThan(4e-8);
  });

  it('reverses the decay of weights too', async () => {
    const decayed = floatRun(0.5);
    const { influence, states } = exactInfluence(decayed);
    expect(relativeError(influence, exact.influence)).toBeGreaterThan(1e-3);
    expect(relativeError(await float64Reverse(decayed, states, 1e-4), influence)).toBeLessThan(4e-8);
  });

  it('in RF32 keeps three digits and the order of records', async () => {
    const { influence, loss } = (await reverse(run, [{ answers: [{ sequence: answer }] }]))[0]!;
    expect(loss).toBeCloseTo(dualLoss(float.model, exact.states.at(-1)!.theta, [answer]).loss, 5);
    // Measured: 3e-4.
    expect(relativeError(influence, exact.influence)).toBeLessThan(1e-3);
    expect(spearman(influence, exact.influence)).toBeGreaterThanOrEqual(0.99);
  });
});
