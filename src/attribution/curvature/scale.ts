import type { Lora } from '../../model/lora.ts';
import { LOSS_SCALE, adapterTensors } from '../record-gradients.ts';

/** A number whose gradients are this much weaker than the mean counts no more than one at it. */
const FLOOR = 1e-6;

/**
 * By how much each of an adapter's P numbers counts: s_i = D_i^(−1/2), D_i = √(mean of g² / batch) over the records' own
 * gradients g there, at all checkpoints. This is the size of a step's gradient, by which Adam divides: it moves along D⁻¹ g,
 * and what a run of T = Σ rates has had no time to learn is damped by D / T. So (H + λD)⁻¹ = S (S H S + λI)⁻¹ S with λ ~ 1/T.
 * Host float64 with + · / √ alone, rounded once: the same everywhere. All 1 where every gradient is 0.
 */
export class GradientScale {
  private readonly tensors: { name: string; squares: Float64Array }[];

  constructor(lora: Lora) {
    this.tensors = adapterTensors(lora).map(({ name, values }) => ({ name, squares: new Float64Array(values) }));
  }

  /** Own gradients of some records at one checkpoint, [count,…] by tensor; records come in order, checkpoint after checkpoint. */
  add(gradients: ReadonlyMap<string, Float32Array>): void {
    for (const { name, squares } of this.tensors) addSquares(squares, gradients.get(name)!);
  }

  /** The scale, where `gradients` of each number were added and a step of the run took `batch` records. */
  of(gradients: number, batch: number): Float32Array {
    const count = this.tensors.reduce((sum, { squares }) => sum + squares.length, 0);
    let total = 0;
    for (const { squares } of this.tensors) for (const value of squares) total += value;
    const floor = (FLOOR * total) / Math.max(count, 1);
    const per = gradients * batch * LOSS_SCALE * LOSS_SCALE;
    const scale = new Float32Array(count);
    let at = 0;
    for (const { squares } of this.tensors) for (const value of squares) scale[at++] = total > 0 ? 1 / Math.sqrt(Math.sqrt(Math.max(value, floor) / per)) : 1;
    return scale;
  }
}

function addSquares(sums: Float64Array, values: Float32Array): void {
  const count = sums.length;
  for (let row = 0; row < values.length; row += count) {
    for (let i = 0; i < count; i++) sums[i]! += values[row + i]! * values[row + i]!;
  }
}
