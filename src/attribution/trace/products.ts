import { BLOCK, operand } from '../../arithmetic/rf32.ts';

const fround = Math.fround;

/** What products read of each value. */
export const operands = (values: Float32Array) => values.map(operand);

/** Σ over `count` terms of a[from + t] · b[at + t·step], as RF32 sums; a and b are operands. */
export function products(a: Float32Array, from: number, b: Float32Array, at: number, count: number): number {
  let total = 0;
  for (let first = 0; first < count; first += BLOCK) {
    const end = Math.min(count, first + BLOCK);
    let sum = 0;
    for (let t = first; t < end; t++) sum = fround(sum + fround(a[from + t]! * b[at + t]!));
    total = fround(total + sum);
  }
  return total;
}
