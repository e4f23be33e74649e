import type { Tensor } from '../backend.ts';
import { scaleTensor } from '../elementwise/operation.ts';
import type { Scope } from '../scope.ts';
import { PANEL, choleskyBlock, choleskyPanel, choleskySolveBlock, choleskySolveUpdate, choleskyStart, choleskyUpdate } from './operation.ts';

/**
 * L[m,m], lower, zeros above, with L Lᵀ = K for a symmetric positive definite K[m,m], of which the lower triangle is read. The
 * same bits on every backend. A pivot below 2^-20 of its diagonal element counts as 0 (operation.ts), so that rounding cannot
 * stop it; a K of zeros gives an L of zeros. About m³/6 multiply-adds; K is left as it is.
 * Throws RangeError where K is not square; a backend's own error where [m,m] is greater than it can hold.
 */
export function choleskyFactor(scope: Scope, name: string, K: Tensor): Tensor {
  const [L, floors] = scope.run(choleskyStart, name, [K]) as [Tensor, Tensor];
  const m = K.shape[0]!;
  for (let at = 0; at < m; at += PANEL) {
    scope.run(choleskyBlock, name, [L, floors], { at });
    if (at + PANEL >= m) break;
    scope.run(choleskyPanel, name, [L], { at });
    scope.run(choleskyUpdate, name, [L], { at });
  }
  scope.free(floors);
  return L;
}

/**
 * W[n,m] with (L Lᵀ) Wᵀ = Cᵀ: each row of C[n,m] is a right-hand side and becomes a row of W. Where a pivot of L is 0, W's
 * column is 0. About n·m² multiply-adds; C is left as it is. Throws RangeError where shapes do not fit.
 */
export function choleskySolve(scope: Scope, name: string, L: Tensor, C: Tensor): Tensor {
  const m = L.shape[0]!;
  // Times 1: a copy, which the steps overwrite.
  const W = scope.one(scaleTensor, name, [C], { scale: 1 });
  for (let at = 0; at < m; at += PANEL) {
    scope.run(choleskySolveBlock, name, [W, L], { at, backward: 0 });
    if (at + PANEL < m) scope.run(choleskySolveUpdate, name, [W, L], { at, backward: 0 });
  }
  for (let at = Math.floor(Math.max(m - 1, 0) / PANEL) * PANEL; m > 0 && at >= 0; at -= PANEL) {
    scope.run(choleskySolveBlock, name, [W, L], { at, backward: 1 });
    if (at > 0) scope.run(choleskySolveUpdate, name, [W, L], { at, backward: 1 });
  }
  return W;
}
