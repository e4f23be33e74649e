import type { Sequence } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { LOSS_SCALE, type Progress, adapterTensors, eachRecordGradients } from '../record-gradients.ts';

/** A number whose gradients are this much weaker than the mean counts no more than one at it. */
const FLOOR = 1e-6;

/**
 * By how much each of an adapter's P numbers counts: s_i = D_i^(−1/2), D_i = √(mean of g² / batch) over the records' own
 * gradients g there, at all checkpoints. This is the size of a step's gradient, by which Adam divides: it moves along D⁻¹ g,
 * and what a run of T = Σ rates has had no time to learn is damped by D / T. So (H + λD)⁻¹ = S (S H S + λI)⁻¹ S with λ ~ 1/T.
 * Host float64 with + · / √ alone, rounded once: the same everywhere. All 1 where every gradient is 0.
 */
export async function gradientScale(
  model: Model, checkpoints: readonly Lora[], records: readonly (readonly Sequence[])[], batch: number, options: { signal?: AbortSignal | undefined; onProgress?: Progress | undefined } = {},
): Promise<Float32Array> {
  const tensors = adapterTensors(checkpoints[0]!).map(({ name, values }) => ({ name, squares: new Float64Array(values) }));
  const which = [...records.keys()];
  for (const [at, lora] of checkpoints.entries()) {
    await eachRecordGradients(model, lora, records, which, async (_scope, gradients) => {
      for (const { name, squares } of tensors) addSquares(squares, (await model.backend.read(gradients.get(name)!)) as Float32Array);
    }, { signal: options.signal, onProgress: (done, total) => options.onProgress?.(at * total + done, checkpoints.length * total) });
  }
  const count = tensors.reduce((sum, { squares }) => sum + squares.length, 0);
  let total = 0;
  for (const { squares } of tensors) for (const value of squares) total += value;
  const floor = (FLOOR * total) / Math.max(count, 1);
  const per = checkpoints.length * records.length * batch * LOSS_SCALE * LOSS_SCALE;
  const scale = new Float32Array(count);
  let at = 0;
  for (const { squares } of tensors) for (const value of squares) scale[at++] = total > 0 ? 1 / Math.sqrt(Math.sqrt(Math.max(value, floor) / per)) : 1;
  return scale;
}

function addSquares(sums: Float64Array, values: Float32Array): void {
  const count = sums.length;
  for (let row = 0; row < values.length; row += count) {
    for (let i = 0; i < count; i++) sums[i]! += values[row + i]! * values[row + i]!;
  }
}
