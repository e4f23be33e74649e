import type { Tensor } from '../kernels/backend.ts';
import { addBias, addScaled, addTensors, scaleTensor } from '../kernels/elementwise/operation.ts';
import { matrixNN, matrixNT } from '../kernels/matrix/matrix.ts';
import { matmulNN, matmulNT, matmulTN } from '../kernels/matmul/operation.ts';
import type { Scope } from '../kernels/scope.ts';
import type { Lora } from './lora.ts';
import { type Model, matrix } from './model.ts';

/** What the backward pass needs of one linear layer's forward pass: its input, and x·Aᵀ where there is an adapter. */
export interface SavedLinear {
  x: Tensor;
  low: Tensor | undefined;
}

/** y[N,out] = x Wᵀ (+ bias) + scale · (x Aᵀ) Bᵀ; the adapter is never merged into the base. */
export function linear(scope: Scope, model: Model, lora: Lora | undefined, name: string, x: Tensor): [Tensor, SavedLinear] {
  let y = matrixNT(scope, name, x, matrix(model, `${name}.weight`));
  const bias = model.vectors.get(`${name}.bias`);
  if (bias) y = replaced(scope, y, scope.one(addBias, `${name}.bias`, [y, bias]));
  const saved = savedLinear(scope, lora, name, x);
  const pair = lora?.pairs.get(name);
  if (!pair) return [y, saved];
  const up = scope.one(matmulNT, `${name}.lora_B`, [saved.low!, pair.b]);
  y = replaced(scope, y, scope.one(addScaled, `${name}.adapted`, [y, up], { scale: pair.scale }));
  scope.free(up);
  return [y, saved];
}

/** The part of `linear` that its gradient needs, without the output. */
export function savedLinear(scope: Scope, lora: Lora | undefined, name: string, x: Tensor): SavedLinear {
  const pair = lora?.pairs.get(name);
  return { x, low: pair && scope.one(matmulNT, `${name}.lora_A`, [x, pair.a]) };
}

function replaced(scope: Scope, before: Tensor, after: Tensor): Tensor {
  scope.free(before);
  return after;
}

/** Gradients by name: `<layer>.lora_A` and `<layer>.lora_B` [S,…], or base weights [1,…]. */
export type Gradients = Map<string, Tensor>;

export interface LinearGradientOptions {
  gradients: Gradients;
  /** [S+1] row bounds for adapter gradients. */
  segments: Tensor;
  /** Gradients of the base's own weights too (pretraining). */
  base: boolean;
  /** The input's gradient is wanted. */
  needsInput: boolean;
}

export function linearGradient(
  scope: Scope,
  model: Model,
  lora: Lora | undefined,
  name: string,
  dy: Tensor,
  saved: SavedLinear,
  { gradients, segments, base, needsInput }: LinearGradientOptions,
): Tensor | undefined {
  let dx = needsInput ? matrixNN(scope, `${name}.dx`, dy, matrix(model, `${name}.weight`)) : undefined;
  if (base) gradients.set(`${name}.weight`, scope.one(matmulTN, `${name}.dw`, [dy, saved.x, segments]));
  const pair = lora?.pairs.get(name);
  if (pair && saved.low) {
    const dUp = scope.one(scaleTensor, `${name}.lora.dUp`, [dy], { scale: pair.scale });
    gradients.set(`${name}.lora_B`, scope.one(matmulTN, `${name}.lora_B.grad`, [dUp, saved.low, segments]));
    const dLow = scope.one(matmulNN, `${name}.lora.dLow`, [dUp, pair.b]);
    scope.free(dUp);
    gradients.set(`${name}.lora_A`, scope.one(matmulTN, `${name}.lora_A.grad`, [dLow, saved.x, segments]));
    if (dx) {
      const through = scope.one(matmulNN, `${name}.lora.dx`, [dLow, pair.a]);
      dx = replaced(scope, dx, scope.one(addTensors, `${name}.dx.adapted`, [dx, through]));
      scope.free(through);
    }
    scope.free(dLow);
  }
  return dx;
}
