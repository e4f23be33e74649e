/**
 * Float64 reference forms of the methods on the host, from rows of gradients: obvious and slow. The product's own forms
 * run on the backend (src/attribution/methods).
 */
import type { Rows, Span } from './gradients.ts';
import { cholesky, products, solve } from './host-matrix.ts';

/** Scores [query][record], positive = helped. */
export type Scores = number[][];

/**
 * DataInf (Kwon et al. 2024): per tensor λ = 0.1 · mean over records of |g|² / P, and
 * Σ_l (B − (B ⊘ (λ + diag K)) K / n) / λ with K = G Gᵀ, B = V Gᵀ. Cost: n²P + qnP.
 */
export function dataInfReference(records: Rows, queries: Rows, spans: readonly Span[]): Scores {
  const n = records.count;
  const scores = Array.from({ length: queries.count }, () => new Array<number>(n).fill(0));
  for (const { from, to } of spans) {
    const k = products(records, records, from, to);
    const b = products(queries, records, from, to);
    const lambda = (0.1 * trace(k)) / (n * (to - from));
    if (!(lambda > 0)) continue;
    b.forEach((row, q) => {
      const part = row.map((value, j) => value / (lambda + k[j]![j]!));
      for (let i = 0; i < n; i++) {
        let shared = 0;
        for (let j = 0; j < n; j++) shared += part[j]! * k[j]![i]!;
        scores[q]![i]! += (row[i]! - shared / n) / lambda;
      }
    });
  }
  return scores;
}

/**
 * Influence through a damped inverse: v (λ I + FᵀF/m)⁻¹ g with λ = c · trace(FᵀF/m) / P, m the rows of F, by Woodbury:
 * (v·g − (F v)ᵀ (m λ I + F Fᵀ)⁻¹ F g) / λ. F = the records' own gradients gives the empirical Fisher matrix; F = gradients
 * of labels drawn from the model, the Fisher matrix (Gauss–Newton in expectation). `spans`: one inverse per tensor, or
 * one of the whole adapter where undefined. Cost: m²P + m³/3.
 */
export function curvatureReference(factors: Rows, records: Rows, queries: Rows, c: number, spans?: readonly Span[]): Scores {
  return dampedInverse(factors, records, queries, (mean) => c * mean, spans);
}

/** v (λ I + FᵀF/m)⁻¹ g; `damping` gives λ from the mean eigenvalue. */
function dampedInverse(factors: Rows, records: Rows, queries: Rows, damping: (mean: number) => number, spans?: readonly Span[]): Scores {
  const scores = Array.from({ length: queries.count }, () => new Array<number>(records.count).fill(0));
  for (const { from, to } of spans ?? [{ from: 0, to: records.width }]) {
    const k = products(factors, factors, from, to);
    const m = factors.count;
    const lambda = damping(trace(k) / m / (to - from));
    if (!(lambda > 0)) continue;
    for (let i = 0; i < m; i++) k[i]![i]! += m * lambda;
    const factor = cholesky(k);
    const recordsF = products(records, factors, from, to);
    const queriesF = products(queries, factors, from, to);
    const direct = products(queries, records, from, to);
    queriesF.forEach((row, q) => {
      const x = solve(factor, row);
      for (let i = 0; i < records.count; i++) {
        let through = 0;
        for (let j = 0; j < m; j++) through += x[j]! * recordsF[i]![j]!;
        scores[q]![i]! += (direct[q]![i]! - through) / lambda;
      }
    });
  }
  return scores;
}

/** Gradients at one point of a run: of the records' and queries' losses, and of labels drawn from the model. */
export interface RunPoint {
  records: Rows;
  queries: Rows;
  labels: Rows;
}

/**
 * The default method: Σ over points c of the run of (v_c + v_last) (H_c + λ D)⁻¹ g_c, H = FᵀF/m there, D = diag √(mean of g² / batch)
 * over all points' record gradients, v_last the query's gradient at the last point. D is what Adam divides a step by, and
 * λ ~ 1 / Σ rates damps what the run had no time to learn.
 */
export function earlyStoppingReference(points: readonly RunPoint[], batch: number, lambda: number): Scores {
  const squares = new Float64Array(points[0]!.records.width);
  let count = 0;
  for (const { records } of points) {
    records.values.forEach((value, i) => (squares[i % records.width]! += value * value));
    count += records.count;
  }
  const last = points.at(-1)!.queries;
  const floor = (1e-6 * squares.reduce((a, b) => a + b, 0)) / squares.length;
  if (!(floor > 0)) return Array.from({ length: last.count }, () => new Array<number>(points[0]!.records.count).fill(0));
  const scale = squares.map((sum) => 1 / Math.sqrt(Math.sqrt(Math.max(sum, floor) / count / batch)));
  const scaled = (rows: Rows): Rows => ({ ...rows, values: rows.values.map((value, i) => value * scale[i % rows.width]!) });
  const reading = ({ queries }: RunPoint): Rows => ({ ...queries, values: queries.values.map((value, i) => value + last.values[i]!) });
  const parts = points.map((point) => dampedInverse(scaled(point.labels), scaled(point.records), scaled(reading(point)), () => lambda));
  return parts[0]!.map((row, q) => row.map((_, k) => parts.reduce((sum, part) => sum + part[q]![k]!, 0)));
}

const trace = (k: readonly Float64Array[]) => k.reduce((sum, row, i) => sum + row[i]!, 0);
