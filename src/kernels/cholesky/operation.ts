import { add, blockSum, div, mul, product, sqrt, store, sub } from '../../arithmetic/rf32.ts';
import { expectShape, f32, type Operation, type Output, type Params, type Shape, type Values } from '../operation.ts';

/** K + shift · I, in place on K[m,m]: K_ii ← store(K_ii + shift). Param `shift`, rounded to float32. */
export const addDiagonal: Operation = {
  name: 'addDiagonal',
  usedFor: { curvature: true },
  inputs: ['f32'],
  outputs: ([k]) => {
    expectShape('addDiagonal K', k, k![0]!, k![0]!);
    return [{ ...f32(...k!), inPlace: 0 }];
  },
  reference({ outputs: [k], shapes, params }) {
    const m = shapes[0]![0]!;
    const shift = Math.fround(params.shift!);
    for (let i = 0; i < m; i++) k![i * m + i] = store(add(k![i * m + i]!, shift));
  },
};

// K = L Lᵀ in panels of 64 columns, right-looking (Golub & Van Loan, Matrix Computations, 4.2.6), and the substitutions
// that go with it. Each step is an operation on the whole matrix in place, at panel `at` (a multiple of 64); cholesky.ts
// puts them together. Within a panel a sum has at most 64 terms, one block of RF32: products as in a matrix product, from
// +0 in the order written. Matrices whose largest diagonal element is below 2^-50 lose accuracy to rule 2 of RF32.

/** Columns of a panel. */
export const PANEL = 64;
/**
 * A pivot that is not greater than this part of its own diagonal element of K is rounding, not data (the row is a combination
 * of those before it, as duplicates without damping are): it counts as 0, its column is 0, and so is its part of every solution.
 * Each row has its own measure because the factorisation's errors scale with the rows; it stands well above them.
 */
export const PIVOT_FLOOR = 2 ** -20;

function panel(name: string, m: number, at: number): number {
  if (!(Number.isInteger(at) && at >= 0 && at < m && at % PANEL === 0)) throw new RangeError(`${name}: panel at ${at} of ${m}`);
  return Math.min(at + PANEL, m);
}

function expectSquare(name: string, shape: Shape): number {
  expectShape(name, shape, shape[0]!, shape[0]!);
  return shape[0]!;
}

/** L[m,m] = the lower triangle of K, zeros above; floors[m] = 2^-20 · max(0, K_ii). */
export const choleskyStart: Operation = {
  name: 'choleskyStart',
  usedFor: { curvature: true },
  inputs: ['f32'],
  outputs: ([k]) => {
    expectSquare('choleskyStart K', k!);
    return [f32(...k!), f32(k![0]!)];
  },
  reference({ inputs: [k], outputs: [l, floors], shapes }) {
    const m = shapes[0]![0]!;
    for (let i = 0; i < m; i++) {
      floors![i] = mul(Math.max(0, k![i * m + i]!), PIVOT_FLOOR);
      for (let j = 0; j < m; j++) l![i * m + j] = j <= i ? k![i * m + j]! : 0;
    }
  },
};

/** b − sum, over the pivot; 0 where the pivot is 0. */
function solved(b: number, sum: number, pivot: number): number {
  return pivot === 0 ? 0 : div(store(sub(b, sum)), pivot);
}

/**
 * The diagonal block of a panel, column by column, in place on L[m,m]; input floors[m]; param `at`.
 *   r = store(L_jj − Σ_k L_jk²),   L_jj = √r where r > floor_j, else 0,
 *   L_ij = store(L_ij − Σ_k L_ik L_jk) / L_jj, 0 where L_jj = 0,   k from `at` to j − 1.
 */
export const choleskyBlock: Operation = {
  name: 'choleskyBlock',
  usedFor: { curvature: true },
  inputs: ['f32', 'f32'],
  outputs: ([l, floors], { at }) => {
    panel('choleskyBlock', expectSquare('choleskyBlock L', l!), at!);
    expectShape('choleskyBlock floors', floors, l![0]!);
    return [{ ...f32(...l!), inPlace: 0 }];
  },
  reference({ inputs: [, floors], outputs: [l], shapes, params }) {
    const m = shapes[0]![0]!;
    const at = params.at!;
    const end = panel('choleskyBlock', m, at);
    for (let j = at; j < end; j++) {
      const sum = (i: number) => blockSum(j - at, (k) => product(l![i * m + at + k]!, l![j * m + at + k]!));
      const rest = store(sub(l![j * m + j]!, sum(j)));
      l![j * m + j] = rest > floors![j]! ? sqrt(rest) : 0;
      for (let i = j + 1; i < end; i++) l![i * m + j] = solved(l![i * m + j]!, sum(i), l![j * m + j]!);
    }
  },
};

/**
 * Solves the triangular system of one panel for one row x, in place: x_j ← store(x_j − Σ_k x_k l(j,k)) / l(j,j), j from 0 up,
 * k from 0 to j − 1. `place` gives where x_j is.
 */
function substitute(x: Values, place: (j: number) => number, l: (j: number, k: number) => number, count: number): void {
  for (let j = 0; j < count; j++) {
    const sum = blockSum(j, (k) => product(x[place(k)]!, l(j, k)));
    x[place(j)] = solved(x[place(j)]!, sum, l(j, j));
  }
}

/** The panel below its diagonal block, in place on L[m,m]: each row solves x · blockᵀ = what stands there. Param `at`. */
export const choleskyPanel: Operation = {
  name: 'choleskyPanel',
  usedFor: { curvature: true },
  inputs: ['f32'],
  outputs: ([l], { at }) => {
    panel('choleskyPanel', expectSquare('choleskyPanel L', l!), at!);
    return [{ ...f32(...l!), inPlace: 0 }];
  },
  reference({ outputs: [l], shapes, params }) {
    const m = shapes[0]![0]!;
    const at = params.at!;
    const end = panel('choleskyPanel', m, at);
    for (let i = end; i < m; i++) substitute(l!, (j) => i * m + at + j, (j, k) => l![(at + j) * m + at + k]!, end - at);
  },
};

/** What lies behind a panel, in place on L[m,m]: L_ij ← store(L_ij − store(Σ_k L_ik L_jk)) for i ≥ j ≥ the panel's end, k over the panel. */
export const choleskyUpdate: Operation = {
  name: 'choleskyUpdate',
  usedFor: { curvature: true },
  inputs: ['f32'],
  outputs: ([l], { at }) => {
    panel('choleskyUpdate', expectSquare('choleskyUpdate L', l!), at!);
    return [{ ...f32(...l!), inPlace: 0 }];
  },
  reference({ outputs: [l], shapes, params }) {
    const m = shapes[0]![0]!;
    const at = params.at!;
    const end = panel('choleskyUpdate', m, at);
    for (let i = end; i < m; i++) {
      for (let j = end; j <= i; j++) {
        const sum = store(blockSum(end - at, (k) => product(l![i * m + at + k]!, l![j * m + at + k]!)));
        l![i * m + j] = store(sub(l![i * m + j]!, sum));
      }
    }
  },
};

function solveOutputs(name: string, [x, l]: Shape[], { at }: Params): Output[] {
  const m = expectSquare(`${name} L`, l!);
  expectShape(`${name} X`, x, x![0]!, m);
  panel(name, m, at!);
  return [{ ...f32(...x!), inPlace: 0 }];
}

/**
 * Columns at..end of X[n,m], in place: each row solves the panel's diagonal block of L[m,m], forward (x · blockᵀ = what stands
 * there, from the first column on) or with param `backward` 1 (x · block = …, from the last column back). Param `at`.
 */
export const choleskySolveBlock: Operation = {
  name: 'choleskySolveBlock',
  usedFor: { curvature: true },
  inputs: ['f32', 'f32'],
  outputs: (shapes, params) => solveOutputs('choleskySolveBlock', shapes, params),
  reference({ inputs: [, l], outputs: [x], shapes, params }) {
    const [n, m] = shapes[0] as [number, number];
    const at = params.at!;
    const end = panel('choleskySolveBlock', m, at);
    for (let i = 0; i < n; i++) {
      if (params.backward) substitute(x!, (j) => i * m + end - 1 - j, (j, k) => l![(end - 1 - k) * m + end - 1 - j]!, end - at);
      else substitute(x!, (j) => i * m + at + j, (j, k) => l![(at + j) * m + at + k]!, end - at);
    }
  },
};

/**
 * X_ij ← store(X_ij − store(Σ_k X_ik l)), k over the panel's columns in increasing order, in place on X[n,m]: forward for the
 * columns j after the panel, l = L_jk; with param `backward` 1 for those before it, l = L_kj. Param `at`.
 */
export const choleskySolveUpdate: Operation = {
  name: 'choleskySolveUpdate',
  usedFor: { curvature: true },
  inputs: ['f32', 'f32'],
  outputs: (shapes, params) => solveOutputs('choleskySolveUpdate', shapes, params),
  reference({ inputs: [, l], outputs: [x], shapes, params }) {
    const [n, m] = shapes[0] as [number, number];
    const at = params.at!;
    const end = panel('choleskySolveUpdate', m, at);
    const [from, to] = params.backward ? [0, at] : [end, m];
    for (let i = 0; i < n; i++) {
      for (let j = from; j < to; j++) {
        const factor = (k: number) => (params.backward ? l![k * m + j]! : l![j * m + k]!);
        const sum = store(blockSum(end - at, (k) => product(x![i * m + at + k]!, factor(at + k))));
        x![i * m + j] = store(sub(x![i * m + j]!, sum));
      }
    }
  },
};
