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

/** y[n,m] at `to` from a left operand with strides and a packed right operand. */
function product(backend: CpuBackend, from: number, n: number, k: number, si: number, sk: number, right: number, m: number, to: number): void {
  const bytes = Math.ceil(n / 4) * k * 16;
  const left = backend.heap.allocate(bytes);
  backend.kernels.packRows(from, left, n, k, si, sk);
  backend.kernels.multiply(left, right, to, n, m, k);
  backend.heap.free(left, bytes);
}

export const matmulForms: FastForms = {
  matmulNT({ backend, inputs: [x, w], outputs: [y], shapes }) {
    const [n, k] = shapes[0] as [number, number];
    const m = shapes[1]![0]!;
    const [right, release] = packedColumns(backend, w!, 'NT', m, k);
    product(backend, x!.at, n, k, k, 1, right, m, y!.at);
    release();
  },
  matmulNN({ backend, inputs: [x, w], outputs: [y], shapes }) {
    const [n, k] = shapes[0] as [number, number];
    const m = shapes[1]![1]!;
    const [right, release] = packedColumns(backend, w!, 'NN', m, k);
    product(backend, x!.at, n, k, k, 1, right, m, y!.at);
    release();
  },
  matmulTN({ backend, inputs: [a, b, segments], outputs: [y], shapes }) {
    const m = shapes[0]![1]!;
    const k = shapes[1]![1]!;
    const bounds = new Uint32Array(backend.heap.memory.buffer, segments!.at, segments!.length).slice();
    for (let s = 0; s + 1 < bounds.length; s++) {
      const start = bounds[s]!;
      const rows = bounds[s + 1]! - start;
      const bytes = Math.ceil(k / 8) * rows * 32;
      const right = backend.heap.allocate(bytes);
      backend.kernels.packColumns(b!.at + start * k * 4, right, k, rows, 1, k);
      product(backend, a!.at + start * m * 4, m, rows, 1, m, right, k, y!.at + s * m * k * 4);
      backend.heap.free(right, bytes);
    }
  },
};
