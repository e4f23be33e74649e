import type { CpuBackend, CpuTensor } from '../backend.ts';
import type { FastForms } from '../form.ts';

/** Packs a right operand, or finds the packed form of a constant one. Returns its place and how to give it back. */
function packedColumns(backend: CpuBackend, w: CpuTensor, orientation: 'NT' | 'NN', m: number, k: number): [number, () => void] {
  const kept = w.packed?.get(orientation);
  if (kept) return [kept.at, () => {}];
  const bytes = Math.ceil(m / 8) * k * 32;
  const at = backend.heap.allocate(bytes);
  const [sj, sk] = orientation === 'NT' ? [k, 1] : [1, m];
  backend.kernels.packColumns(w.at, at, m, k, sj, sk);
  if (!w.constant) return [at, () => backend.heap.free(at, bytes)];
  (w.packed ??= new Map()).set(orientation, { at, bytes });
  return [at, () => {}];
}

/** y[n,m] = x[n,k] times a packed right operand. */
function product(backend: CpuBackend, x: CpuTensor, n: number, k: number, right: number, m: number, y: CpuTensor): void {
  const left = backend.left.place(x, n, k);
  if (n === 1) backend.kernels.multiplyRow(left, right, y.at, m, k);
  else backend.kernels.multiply(left, right, y.at, n, m, k);
}

export const matmulForms: FastForms = {
  matmulNT({ backend, inputs: [x, w], outputs: [y], shapes }) {
    const [n, k] = shapes[0] as [number, number];
    const m = shapes[1]![0]!;
    const [right, release] = packedColumns(backend, w!, 'NT', m, k);
    product(backend, x!, n, k, right, m, y!);
    release();
  },
  matmulNN({ backend, inputs: [x, w], outputs: [y], shapes }) {
    const [n, k] = shapes[0] as [number, number];
    const m = shapes[1]![1]!;
    const [right, release] = packedColumns(backend, w!, 'NN', m, k);
    product(backend, x!, n, k, right, m, y!);
    release();
  },
  matmulTN({ backend, inputs: [a, b, segments], outputs: [y], shapes }) {
    const { heap, kernels } = backend;
    const m = shapes[0]![1]!;
    const k = shapes[1]![1]!;
    const bounds = new Uint32Array(heap.memory.buffer, segments!.at, segments!.length).slice();
    for (let s = 0; s + 1 < bounds.length; s++) {
      const start = bounds[s]!;
      const rows = bounds[s + 1]! - start;
      const [leftBytes, rightBytes] = [Math.ceil(m / 4) * rows * 16, Math.ceil(k / 8) * rows * 32];
      const left = heap.allocate(leftBytes);
      const right = heap.allocate(rightBytes);
      kernels.packRows(a!.at + start * m * 4, left, m, rows, 1, m);
      kernels.packColumns(b!.at + start * k * 4, right, k, rows, 1, k);
      kernels.multiply(left, right, y!.at + s * m * k * 4, m, k, rows);
      heap.free(right, rightBytes);
      heap.free(left, leftBytes);
    }
  },
};
