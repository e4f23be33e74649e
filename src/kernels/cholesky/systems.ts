import { randomNormal } from '../../arithmetic/random.ts';
import type { Backend } from '../backend.ts';
import { Scope } from '../scope.ts';
import { choleskyFactor, choleskySolve } from './cholesky.ts';

/** A Gram matrix [m,m] of rows whose directions fade, so that its condition is about `condition`, and right-hand sides [n,m]. For checks. */
export function system(m: number, n: number, condition: number, seed: number): { K: Float32Array; C: Float32Array } {
  // H = I − 2uuᵀ/uᵀu is orthogonal: K = H diag(d) H has the eigenvalues d, from 1 down to 1/condition.
  const u = Float64Array.from({ length: m }, (_, i) => randomNormal(seed, 0, i));
  const norm = u.reduce((sum, x) => sum + x * x, 0);
  const d = Float64Array.from({ length: m }, (_, i) => condition ** (-i / Math.max(1, m - 1)));
  const weighted = u.reduce((sum, x, i) => sum + x * x * d[i]!, 0);
  const K = Float32Array.from({ length: m * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    const mixed = (-2 * u[i]! * u[j]! * (d[i]! + d[j]!)) / norm + (4 * u[i]! * u[j]! * weighted) / (norm * norm);
    return (i === j ? d[i]! : 0) + mixed;
  });
  return { K, C: Float32Array.from({ length: n * m }, (_, i) => randomNormal(seed, 1, i)) };
}

/** Factor and solutions of one system on a backend. */
export async function solveOn(backend: Backend, m: number, n: number, K: Float32Array, C: Float32Array): Promise<{ L: Float32Array; W: Float32Array }> {
  const scope = new Scope(backend);
  try {
    const L = choleskyFactor(scope, 'L', scope.upload('K', [m, m], K));
    const W = choleskySolve(scope, 'W', L, scope.upload('C', [n, m], C));
    return { L: (await backend.read(L)) as Float32Array, W: (await backend.read(W)) as Float32Array };
  } finally {
    scope.release();
  }
}
