import { BLOCK, HUGE, add, div, mul, sqrt, store } from '../../arithmetic/rf32.ts';
import { outOfRange } from '../../kernels/range-error.ts';
import type { Lora } from '../../model/lora.ts';
import { adapterTensors } from '../record-gradients.ts';
import { divisorOf, floorPart } from './ledger-constants.ts';

/**
 * By how much each of an adapter's P numbers counts: s_i = D_i^(−1/2), D_i = √(mean of g² / batch) over the records' own
 * gradients g there, at all checkpoints. This is the size of a step's gradient, by which Adam divides: it moves along D⁻¹ g,
 * and what a run of T = Σ rates has had no time to learn is damped by D / T. So (H + λD)⁻¹ = S (S H S + λI)⁻¹ S with λ ~ 1/T.
 * In RF32, each number one after the other, so that any one of them can be judged alone:
 *   S_i ← store(S_i + g²), over checkpoints and in them over records;   floor = (Σ_i S_i) · floorPart;
 *   x_i = max(S_i, floor) / divisor;   s_i = 1/√√x_i, 1 where x_i is 0.
 */
export class GradientScale {
  private readonly tensors: { name: string; squares: Float32Array }[];

  constructor(lora: Lora) {
    this.tensors = adapterTensors(lora).map(({ name, values }) => ({ name, squares: new Float32Array(values) }));
  }

  /** Own gradients of some records at one checkpoint, [count,…] by tensor; records come in order, checkpoint after checkpoint. */
  add(gradients: ReadonlyMap<string, Float32Array>): void {
    for (const { name, squares } of this.tensors) addSquares(squares, gradients.get(name)!);
  }

  /**
   * [P] the scale, where `gradients` of each number were added and a step of the run took `batch` records. Throws
   * `rf32/out-of-range` where a sum of squares passes 2^50.
   */
  of(gradients: number, batch: number): Float32Array {
    for (const { name, squares } of this.tensors) if (!squares.every((value) => value <= HUGE)) throw outOfRange(name, 'sum of squares');
    const count = this.tensors.reduce((sum, { squares }) => sum + squares.length, 0);
    const total = listSum(Float32Array.from(this.tensors, ({ squares }) => listSum(squares)));
    const floor = mul(total, floorPart(count));
    const divisor = divisorOf(gradients, batch);
    const scale = new Float32Array(count);
    let at = 0;
    for (const { squares } of this.tensors) for (const value of squares) scale[at++] = scaleOf(div(Math.max(value, floor), divisor));
    return scale;
  }
}

const scaleOf = (x: number): number => (x > 0 ? div(1, sqrt(sqrt(x))) : 1);

function addSquares(sums: Float32Array, values: Float32Array): void {
  const count = sums.length;
  for (let row = 0; row < values.length; row += count) {
    for (let i = 0; i < count; i++) sums[i] = store(add(sums[i]!, mul(values[row + i]!, values[row + i]!)));
  }
}

/** Sum of a list: the sums of its blocks of 256, of these again, until one number is left; as it stands, neither flushed nor judged. */
export function listSum(values: Float32Array): number {
  let list = values;
  while (list.length > 1) {
    const from = list;
    list = Float32Array.from({ length: Math.ceil(from.length / BLOCK) }, (_, b) => from.subarray(b * BLOCK, (b + 1) * BLOCK).reduce(add, 0));
  }
  return list[0] ?? 0;
}
