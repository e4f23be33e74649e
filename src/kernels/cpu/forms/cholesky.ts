import { PANEL, PIVOT_FLOOR } from '../../cholesky/operation.ts';
import type { CpuBackend } from '../backend.ts';
import type { FastForms } from '../form.ts';

/** Byte steps of a row and of a column of the triangle that a substitution reads. */
type Steps = [xRow: number, xStep: number, lRow: number, lStep: number];

function substitute({ heap, kernels }: CpuBackend, x: number, l: number, n: number, count: number, steps: Steps): void {
  const bytes = (PANEL * PANEL + PANEL * 4) * 4;
  const scratch = heap.allocate(bytes);
  kernels.substituteRows(x, l, scratch, n, count, ...steps);
  heap.free(scratch, bytes);
}

interface Operand {
  at: number;
  /** Places between rows (left) or columns (right), and between terms. */
  step: number;
  term: number;
}

/** c[n,m] −= a · b over k terms, rows of c `pitch` values apart. */
function subtract({ heap, kernels }: CpuBackend, a: Operand, b: Operand, c: number, n: number, m: number, k: number, pitch: number, lower: boolean): void {
  const sizes = [Math.ceil(n / 4) * k * 16, Math.ceil(m / 8) * k * 32, 128 * 8 * 4] as const;
  const [left, right, scratch] = sizes.map((bytes) => heap.allocate(bytes)) as [number, number, number];
  kernels.packRows(a.at, left, n, k, a.step, a.term);
  kernels.packColumns(b.at, right, m, k, b.step, b.term);
  kernels.subtractProduct(left, right, c, pitch * 4, scratch, n, m, k, lower ? 1 : 0);
  [left, right, scratch].forEach((at, i) => heap.free(at, sizes[i]!));
}

/** Forms that write a part of a great matrix say themselves whether it is in range. */
export const choleskyForms: FastForms = {
  choleskyStart({ backend, inputs: [k], outputs: [l, floors], shapes }) {
    backend.kernels.choleskyStart(k!.at, l!.at, floors!.at, shapes[0]![0]!, PIVOT_FLOOR);
  },
  choleskyBlock({ backend: { kernels }, inputs: [, floors], outputs: [l], shapes, params }) {
    const m = shapes[0]![0]!;
    const count = Math.min(PANEL, m - params.at!);
    const block = l!.at + params.at! * (m + 1) * 4;
    kernels.choleskyBlock(block, floors!.at + params.at! * 4, count, m * 4);
    return kernels.rowsInRange(block, m * 4, count, count) === 1;
  },
  choleskyPanel({ backend, outputs: [l], shapes, params }) {
    const m = shapes[0]![0]!;
    const block = l!.at + params.at! * (m + 1) * 4;
    const count = Math.min(PANEL, m - params.at!);
    const below = block + count * m * 4;
    const rows = m - params.at! - count;
    substitute(backend, below, block, rows, count, [m * 4, 4, m * 4, 4]);
    return backend.kernels.rowsInRange(below, m * 4, rows, count) === 1;
  },
  choleskyUpdate({ backend, outputs: [l], shapes, params }) {
    const m = shapes[0]![0]!;
    const count = Math.min(PANEL, m - params.at!);
    const rows = m - params.at! - count;
    const panel = { at: l!.at + ((params.at! + count) * m + params.at!) * 4, step: m, term: 1 };
    const rest = panel.at + count * 4;
    subtract(backend, panel, panel, rest, rows, rows, count, m, true);
    return backend.kernels.rowsInRange(rest, m * 4, rows, rows) === 1;
  },
  choleskySolveBlock({ backend, inputs: [, l], outputs: [x], shapes, params }) {
    const [n, m] = shapes[0] as [number, number];
    const at = params.at!;
    const count = Math.min(PANEL, m - at);
    const last = at + count - 1;
    if (params.backward) substitute(backend, x!.at + last * 4, l!.at + last * (m + 1) * 4, n, count, [m * 4, -4, -4, -m * 4]);
    else substitute(backend, x!.at + at * 4, l!.at + at * (m + 1) * 4, n, count, [m * 4, 4, m * 4, 4]);
    return backend.kernels.rowsInRange(x!.at + at * 4, m * 4, n, count) === 1;
  },
  choleskySolveUpdate({ backend, inputs: [, l], outputs: [x], shapes, params }) {
    const [n, m] = shapes[0] as [number, number];
    const at = params.at!;
    const count = Math.min(PANEL, m - at);
    const first = params.backward ? 0 : at + count;
    const columns = params.backward ? at : m - first;
    const right = params.backward ? { at: l!.at + at * m * 4, step: 1, term: m } : { at: l!.at + (first * m + at) * 4, step: m, term: 1 };
    subtract(backend, { at: x!.at + at * 4, step: m, term: 1 }, right, x!.at + first * 4, n, columns, count, m, false);
    return backend.kernels.rowsInRange(x!.at + first * 4, m * 4, n, columns) === 1;
  },
};
