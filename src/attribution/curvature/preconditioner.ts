import type { Tensor } from '../../kernels/backend.ts';
import { choleskyFactor, choleskySolve } from '../../kernels/cholesky/cholesky.ts';
import { dampDiagonal } from '../../kernels/cholesky/operation.ts';
import { addScaled, scaleTensor } from '../../kernels/elementwise/operation.ts';
import { matmulNN, matmulNT } from '../../kernels/matmul/operation.ts';
import { Scope } from '../../kernels/scope.ts';

/** Unit vectors solved at a time. */
const BLOCK_ROWS = 512;

/**
 * The curvature of one state of the adapter, from draws F[m,d] of its own labels: H = FᵀF/m, λ = damping · trace(K)/m² with
 * K = FFᵀ. With a damping of 1, mλ is the mean of K's eigenvalues.
 */
export interface Preconditioner {
  F: Tensor;
  /** [m,m] lower, L Lᵀ = K + mλI. */
  L: Tensor;
  /** 0 where every gradient is 0: then nothing has influence. */
  lambda: number;
  /** [m] diagonal of (K + mλI)⁻¹. */
  inverse: Float64Array;
  /** [m] ‖F_i‖². */
  squares: Float64Array;
}

/** Factorises. Tensors belong to `scope`; F is kept as it is. Memory: three [m,m] for a moment, one to stay. */
export async function makePreconditioner(scope: Scope, F: Tensor, damping: number): Promise<Preconditioner> {
  const { backend } = scope;
  const m = F.shape[0]!;
  const K = scope.one(matmulNT, 'curvature.K', [F, F]);
  const [damped, shift] = scope.run(dampDiagonal, 'curvature.damped', [K], { factor: damping / m }) as [Tensor, Tensor];
  const lambda = (await backend.read(shift))[0]! / m;
  const values = (await backend.read(K)) as Float32Array;
  const squares = Float64Array.from({ length: m }, (_, i) => values[i * m + i]!);
  scope.free(K, shift);
  const L = choleskyFactor(scope, 'curvature.L', damped);
  scope.free(damped);
  return { F, L, lambda, squares, inverse: await inverseDiagonal(scope, L, m) };
}

/**
 * Gradients G[n,d] with the curvature taken out: rows of (H + λI)⁻¹ applied to them, by Woodbury
 *   (G − W F)/λ,   W = G Fᵀ (K + mλI)⁻¹   [n,m],
 * and W. A product of such a row with an answer's gradient is the record's influence in units of the loss. Tensors
 * belong to `scope`.
 */
export function applyPreconditioner(scope: Scope, { F, L, lambda }: Preconditioner, G: Tensor): { rows: Tensor; W: Tensor } {
  const products = scope.one(matmulNT, 'curvature.GF', [G, F]);
  const W = choleskySolve(scope, 'curvature.W', L, products);
  const shared = scope.one(matmulNN, 'curvature.shared', [W, F]);
  const rest = scope.one(addScaled, 'curvature.rest', [G, shared], { scale: -1 });
  scope.free(products, shared);
  const rows = scope.one(scaleTensor, 'curvature.rows', [rest], { scale: lambda > 0 ? 1 / lambda : 0 });
  scope.free(rest);
  return { rows, W };
}

/** Diagonal of (L Lᵀ)⁻¹, from the solutions of the unit vectors. */
async function inverseDiagonal(scope: Scope, L: Tensor, m: number): Promise<Float64Array> {
  const out = new Float64Array(m);
  for (let first = 0; first < m; first += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, m - first);
    const units = new Float32Array(count * m);
    for (let i = 0; i < count; i++) units[i * m + first + i] = 1;
    const inner = new Scope(scope.backend);
    try {
      const solved = (await scope.backend.read(choleskySolve(inner, 'curvature.inverse', L, inner.upload('units', [count, m], units)))) as Float32Array;
      for (let i = 0; i < count; i++) out[first + i] = solved[i * m + first + i]!;
    } finally {
      inner.release();
    }
  }
  return out;
}
