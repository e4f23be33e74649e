/**
 * One step of AdamW backwards: from the adjoint of the state after it to that of the state before it, on the host in
 * float64 with + - * / and Math.sqrt only, so that every machine gets the same bits.
 *
 * Forward (kernels/adamw), element by element, t counted from 1:
 *   m' = β1 m + ρ1 g;  v' = β2 v + ρ2 g²;  s = √(c2 v');  θ' = θ − η (c1 m' / (s + ε) + δ θ)
 * with ρ = 1 − β, c1 = 1/(1 − β1^t), c2 = 1/(1 − β2^t). Backward, with λx the derivative of the query's loss by x:
 *   μ = λm' − λθ' η c1 / (s + ε)
 *   ν = λv' + λθ' η c1 m' / (s + ε)² · c2 / (2 s)
 *   λg = ρ1 μ + 2 ρ2 g ν;  λm = β1 μ;  λv = β2 ν;  λθ = (1 − η δ) λθ' + H λg
 * H λg, the loss's curvature at θ times λg, is the caller's to add: it takes two passes of the model (reverse.ts).
 */
import type { AdamWOptions } from '../../model/optimizer.ts';

type Numbers = Float32Array | Float64Array;

/** Parameters and AdamW's moments between two steps, all adapter tensors end to end: P values each. */
export interface State {
  theta: Numbers;
  m: Numbers;
  v: Numbers;
}

/** Derivatives of a query's loss by the values of a state, P each. */
export type Adjoint = Record<'theta' | 'm' | 'v', Float64Array>;

/** What the kernel reads at one step. */
export interface StepConstants extends AdamWOptions {
  rate: number;
  correction1: number;
  correction2: number;
}

/** The constants of step `t` (from 0) as the kernel reads them: each rounded to float32, the powers as AdamW multiplies them up. */
export function stepConstants(options: AdamWOptions, rate: number, t: number): StepConstants {
  let power1 = 1;
  let power2 = 1;
  for (let i = 0; i <= t; i++) {
    power1 *= options.beta1;
    power2 *= options.beta2;
  }
  const { fround } = Math;
  return {
    beta1: fround(options.beta1), beta2: fround(options.beta2), eps: fround(options.eps), decay: fround(options.decay),
    rate: fround(rate), correction1: fround(1 / (1 - power1)), correction2: fround(1 / (1 - power2)),
  };
}

/**
 * Turns `adjoint` from that after the step into that before it, without H λg, and gives λg [P].
 *
 * The step's gradient is not kept: g = (m' − β1 m) / ρ1. Rounding of m' moves it by at most 1e-6 of the greatest recent
 * gradient; v' is made of that g once more, so that μ and ν cancel as they should where one step alone made both.
 * Where v' is 0 no gradient has come so far (A at the first step, because B is 0): nothing flows through the update.
 */
export function reverseAdamW(adjoint: Adjoint, before: State, after: State, constants: StepConstants): Float64Array {
  const { beta1, beta2, eps, decay, rate, correction1, correction2 } = constants;
  const rest1 = Math.fround(1 - beta1);
  const rest2 = Math.fround(1 - beta2);
  const byGradient = new Float64Array(adjoint.theta.length);
  for (let i = 0; i < byGradient.length; i++) {
    const lambda = adjoint.theta[i]!;
    let mu = adjoint.m[i]!;
    let nu = adjoint.v[i]!;
    if (after.v[i]! > 0) {
      const m = after.m[i]!;
      const g = (m - beta1 * before.m[i]!) / rest1;
      const v = beta2 * before.v[i]! + rest2 * g * g;
      if (v > 0) {
        const s = Math.sqrt(correction2 * v);
        const by = (lambda * rate * correction1) / (s + eps);
        mu -= by;
        nu += ((by * m) / (s + eps)) * (correction2 / (2 * s));
        byGradient[i] = rest1 * mu + 2 * rest2 * g * nu;
      }
    }
    adjoint.theta[i] = lambda * (1 - rate * decay);
    adjoint.m[i] = beta1 * mu;
    adjoint.v[i] = beta2 * nu;
  }
  return byGradient;
}
