import { hostSinCos } from '../arithmetic/host.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import { adamw } from '../kernels/adamw/operation.ts';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  decay: number;
}

export const ADAMW: AdamWOptions = { beta1: 0.9, beta2: 0.98, eps: 1e-8, decay: 0 };

export type Schedule = 'cosine' | 'constant';

/** Learning rate of step `t` of `total` (from 0): linear warm-up, then half a cosine down to a tenth, or the peak all along. Host float64. */
export function scheduledRate(peak: number, t: number, total: number, warmup: number, schedule: Schedule = 'cosine'): number {
  if (t < warmup) return (peak * (t + 1)) / warmup;
  if (schedule === 'constant') return peak;
  const [, c] = hostSinCos((Math.PI * (t - warmup)) / Math.max(1, total - warmup));
  return peak * (0.1 + 0.45 * (1 + c));
}

/** The learning rate of a fine-tuning's step: warm-up over a tenth of the steps. */
export function stepRate(recipe: { rate: number; schedule?: Schedule }, step: number, steps: number): number {
  return scheduledRate(recipe.rate, step, steps, Math.max(1, Math.floor(steps / 10)), recipe.schedule);
}

/** AdamW over named tensors, updated in place; see kernels/adamw. */
export class AdamW {
  private readonly backend: Backend;
  private readonly parameters: Map<string, Tensor>;
  private readonly options: AdamWOptions;
  readonly moments = new Map<string, { m: Tensor; v: Tensor }>();
  private beta1Power = 1;
  private beta2Power = 1;

  constructor(backend: Backend, parameters: Map<string, Tensor>, options: AdamWOptions = ADAMW) {
    this.backend = backend;
    this.parameters = parameters;
    this.options = options;
    for (const [name, { shape }] of parameters) {
      this.moments.set(name, { m: backend.create(`${name}.m`, shape, 'f32'), v: backend.create(`${name}.v`, shape, 'f32') });
    }
  }

  /** One step. Every parameter must have its gradient. */
  step(gradients: Map<string, Tensor>, rate: number): void {
    const { beta1, beta2, eps, decay } = this.options;
    this.beta1Power *= beta1;
    this.beta2Power *= beta2;
    const params = { rate, beta1, beta2, eps, decay, correction1: 1 / (1 - this.beta1Power), correction2: 1 / (1 - this.beta2Power) };
    for (const [name, w] of this.parameters) {
      const { m, v } = this.moments.get(name)!;
      this.backend.run(adamw, name, [w, gradients.get(name)!, m, v], params);
    }
  }

  /** After restored moments: continue as after `steps` steps. */
  resumeAt(steps: number): void {
    this.beta1Power = 1;
    this.beta2Power = 1;
    for (let i = 0; i < steps; i++) {
      this.beta1Power *= this.options.beta1;
      this.beta2Power *= this.options.beta2;
    }
  }

  release(): void {
    for (const { m, v } of this.moments.values()) {
      this.backend.free(m);
      this.backend.free(v);
    }
    this.moments.clear();
  }
}
