import type { Tensor } from '../../kernels/backend.ts';
import { choleskyFactor, choleskySolve } from '../../kernels/cholesky/cholesky.ts';
import { addDiagonal } from '../../kernels/cholesky/operation.ts';
import { addScaled, scaleTensor } from '../../kernels/elementwise/operation.ts';
import { matmulNN, matmulNT } from '../../kernels/matmul/operation.ts';
import type { Scope } from '../../kernels/scope.ts';
import { inverseOf, shiftOf } from './ledger-constants.ts';

/**
 * The curvature of one state of the adapter, from draws F[m,d] of its own labels: H = FᵀF/m, and λ. K = FFᵀ.
 */
export interface Preconditioner {
  F: Tensor;
  /** [m,m] lower, L Lᵀ = K + mλI. */
  L: Tensor;
  lambda: number;
}

/** Factorises, for a λ above 0. Tensors belong to `scope`; F is kept as it is. Memory: two [m,m] for a moment, one to stay. */
export function makePreconditioner(scope: Scope, F: Tensor, lambda: number): Preconditioner {
  const K = scope.one(matmulNT, 'curvature.K', [F, F]);
  scope.run(addDiagonal, 'curvature.damped', [K], { shift: shiftOf(lambda, F.shape[0]!) });
  const L = choleskyFactor(scope, 'curvature.L', K);
  scope.free(K);
  return { F, L, lambda };
}

/**
 * Gradients G[n,d] with the curvature taken out: rows of (H + λI)⁻¹ applied to them, by Woodbury
 *   (G − W F)/λ,   W = G Fᵀ (K + mλI)⁻¹   [n,m],
 * A product of such a row with an answer's gradient is the record's influence in units of the loss. Belongs to `scope`.
 */
export function applyPreconditioner(scope: Scope, { F, L, lambda }: Preconditioner, G: Tensor): Tensor {
  const products = scope.one(matmulNT, 'curvature.GF', [G, F]);
  const W = choleskySolve(scope, 'curvature.W', L, products);
  const shared = scope.one(matmulNN, 'curvature.shared', [W, F]);
  const rest = scope.one(addScaled, 'curvature.rest', [G, shared], { scale: -1 });
  scope.free(products, W, shared);
  const rows = scope.one(scaleTensor, 'curvature.rows', [rest], { scale: inverseOf(lambda) });
  scope.free(rest);
  return rows;
}
