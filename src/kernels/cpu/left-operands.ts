import type { CpuBackend, CpuTensor } from './backend.ts';

interface Kept {
  tensor: CpuTensor;
  /** How much of the tensor was read. */
  n: number;
  k: number;
  at: number;
  bytes: number;
}

/** q, k and v read one tensor, as gate and up do, with an adapter's products in between. */
const KEPT = 2;

/**
 * Left operands in the order in which the kernels read them, kept for the products that follow with the same tensor.
 * An entry ends when its tensor is freed or overwritten, or when newer ones take its place.
 */
export class LeftOperands {
  private readonly backend: CpuBackend;
  private kept: Kept[] = [];

  constructor(backend: CpuBackend) {
    this.backend = backend;
  }

  /** x[n,k] as quads of rows (pack.as.ts); one row as it lies, with zeros up to a multiple of 32. */
  place(x: CpuTensor, n: number, k: number): number {
    for (const entry of this.kept) if (entry.tensor === x && entry.n === n && entry.k === k) return entry.at;
    if (this.kept.length >= KEPT) this.drop(this.kept[0]!);
    const padded = Math.ceil(k / 32) * 32;
    const bytes = n === 1 ? padded * 4 : Math.ceil(n / 4) * k * 16;
    const at = this.backend.heap.allocate(bytes);
    if (n === 1) this.backend.kernels.padOperandRow(x.at, at, k, padded);
    else this.backend.kernels.packRows(x.at, at, n, k, k, 1);
    this.kept.push({ tensor: x, n, k, at, bytes });
    return at;
  }

  forget(tensor: CpuTensor): void {
    for (const entry of this.kept) if (entry.tensor === tensor) this.drop(entry);
  }

  private drop(entry: Kept): void {
    this.backend.heap.free(entry.at, entry.bytes);
    this.kept = this.kept.filter((one) => one !== entry);
  }
}
