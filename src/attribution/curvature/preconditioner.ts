import type { Tensor } from '../../kernels/backend.ts';
import { choleskyFactor, choleskySolve } from '../../kernels/cholesky/cholesky.ts';
import { dampDiagonal } from '../../kernels/cholesky/operation.ts';
import { addScaled, scaleTensor } from '../../kernels/elementwise/operation.ts';
import { matmulNN, matmulNT } from '../../kernels/matmul/operation.ts';
import type { Scope } from '../../kernels/scope.ts';

/**
 * The curvature of one state of the adapter, from draws F[m,d] of its own labels: H = FᵀF/m, and λ. K = FFᵀ.
 */
export interface Preconditioner {
  F: Tensor;
  /** [m,m] lower, L Lᵀ = K + mλI. */
  L: Tensor;
  /** 0 where every gradient is 0: then nothing has influence. */
  lambda: number;
}

/** Factorises. Tensors belong to `scope`; F is kept as it is. Memory: three [m,m] for a moment, one to stay. */
export async function makePreconditioner(scope: Scope, F: Tensor, wanted: number): Promise<Preconditioner> {
  const { backend } = scope;
  const m = F.shape[0]!;
  const K = scope.one(matmulNT, 'curvature.K', [F, F]);
  const trace = diagonalSum((await backend.read(K)) as Float32Array, m);
  const [damped, shift] = scope.run(dampDiagonal, 'curvature.damped', [K], { factor: trace > 0 ? (wanted * m) / trace : 0 }) as [Tensor, Tensor];
  const lambda = (await backend.read(shift))[0]! / m;
  scope.free(K, shift);
  const L = choleskyFactor(scope, 'curvature.L', damped);
  scope.free(damped);
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
  const rows = scope.one(scaleTensor, 'curvature.rows', [rest], { scale: lambda > 0 ? 1 / lambda : 0 });
  scope.free(rest);
  return rows;
}

/** Float64 in order: the same everywhere. */
function diagonalSum(matrix: Float32Array, m: number): number {
  let sum = 0;
  for (let i = 0; i < m; i++) sum += matrix[i * m + i]!;
  return sum;
}
