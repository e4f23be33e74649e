/**
 * The reverse of a whole training run, for one query. Nothing here knows what computes: passes of the model come from
 * outside (step-passes.ts on a backend; plain float64 in the tests).
 *
 * Source: metagradients by REPLAY (Engstrom et al. 2025) as MAGIC uses them for attribution (Ilyas & Engstrom 2025).
 * With w_k the weight of record k's loss in training (1 in the run) and Q the query's loss at the end,
 *   dQ/dw_k = Σ over the steps with k in their batch of ⟨λg, ∇l_k(θ_t)⟩ / |B|.
 * Neither ∇l_k nor the curvature H is ever formed: both products with a = λg are central differences,
 *   H a ≈ (∇L(θ + e·a) − ∇L(θ − e·a)) / 2e,   ⟨a, ∇l_k⟩ ≈ (l_k(θ + e·a) − l_k(θ − e·a)) / 2e,
 * of one and the same two passes, with e = 10⁻³ ‖θ‖ / ‖a‖. docs/replay.md says what other steps give.
 */
import { type Adjoint, type State, type StepConstants, reverseAdamW } from './reverse-adamw.ts';

/** e·‖a‖ / ‖θ‖. */
export const RELATIVE_STEP = 1e-3;

/** One training step, as it was. */
export interface RunStep {
  before: State;
  after: State;
  constants: StepConstants;
  /** Its records that took part. */
  records: readonly number[];
  /** What the sum of its records' losses was divided by. */
  divisor: number;
}

/** The loss of the step's records at other parameters. */
export interface StepPass {
  /** [P] of Σ w_k l_k / divisor. */
  gradient: Float64Array;
  /** By record of the step, unweighted. */
  losses: ArrayLike<number>;
}

/** A pass over the records of a step at θ [P]. Where only losses are wanted the gradient may be empty. */
export type PassAt = (theta: Float64Array, step: RunStep, want: 'loss' | 'gradient') => Promise<StepPass>;

/** One query on its way back. */
export interface Reverse {
  adjoint: Adjoint;
  /** dQ/dw_k so far, by record. */
  byWeight: Float64Array;
}

/** A query at the end of the run, before any step is reversed; `gradient` [P] is that of its loss by the final parameters. */
export function beginReverse(gradient: Float64Array, records: number): Reverse {
  return {
    adjoint: { theta: Float64Array.from(gradient), m: new Float64Array(gradient.length), v: new Float64Array(gradient.length) },
    byWeight: new Float64Array(records),
  };
}

/** Takes a query over one step, in place. The run's first step needs no curvature: nothing stands before it. */
export async function reverseStep(query: Reverse, step: RunStep, first: boolean, passAt: PassAt, relative = RELATIVE_STEP): Promise<void> {
  const { adjoint, byWeight } = query;
  const a = reverseAdamW(adjoint, step.before, step.after, step.constants);
  const length = norm(a);
  if (length === 0 || !step.records.length) return;
  const { theta } = step.before;
  const e = (relative * norm(theta)) / length;
  const moved = (by: number) => {
    const out = new Float64Array(a.length);
    for (let i = 0; i < out.length; i++) out[i] = theta[i]! + by * a[i]!;
    return out;
  };
  const want = first ? 'loss' : 'gradient';
  const up = await passAt(moved(e), step, want);
  const down = await passAt(moved(-e), step, want);
  step.records.forEach((record, k) => {
    byWeight[record]! += (up.losses[k]! - down.losses[k]!) / (2 * e) / step.divisor;
  });
  if (!first) for (let i = 0; i < a.length; i++) adjoint.theta[i]! += (up.gradient[i]! - down.gradient[i]!) / (2 * e);
}

function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}
