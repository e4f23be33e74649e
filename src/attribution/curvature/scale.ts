import type { Sequence } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { type Progress, adapterTensors, eachRecordGradients } from '../record-gradients.ts';

/** A number whose gradients are this much weaker than the mean counts no more than one at it. */
const FLOOR = 1e-6;

/**
 * By how much each of an adapter's P numbers counts: s_i = (mean square of the draws' gradients there)^(−1/4), so that with
 * D = S⁻² the damped inverse is (H + λD)⁻¹ of the unscaled H. Adam moves along D⁻¹ g, so that what it has not yet learned
 * when it stops is damped in the metric D. `which` records, one draw each. Host float64 with + · / √ alone, relative to the
 * mean and rounded once: the same everywhere. All 1 where every gradient is 0.
 */
export async function gradientScale(
  model: Model, lora: Lora, records: readonly (readonly Sequence[])[], which: readonly number[], drawn: { seed: number; draw: number }, options: { signal?: AbortSignal | undefined; onProgress?: Progress | undefined } = {},
): Promise<Float32Array> {
  const tensors = adapterTensors(lora).map(({ name, values }) => ({ name, squares: new Float64Array(values) }));
  await eachRecordGradients(model, lora, records, which, async (_scope, gradients) => {
    for (const { name, squares } of tensors) addSquares(squares, (await model.backend.read(gradients.get(name)!)) as Float32Array);
  }, { ...options, drawn });
  const all = tensors.reduce((sum, { squares }) => sum + squares.length, 0);
  let total = 0;
  for (const { squares } of tensors) for (const value of squares) total += value;
  const mean = total / Math.max(all, 1);
  const scale = new Float32Array(all);
  let at = 0;
  for (const { squares } of tensors) for (const value of squares) scale[at++] = mean > 0 ? 1 / Math.sqrt(Math.sqrt(Math.max(value / mean, FLOOR))) : 1;
  return scale;
}

function addSquares(sums: Float64Array, values: Float32Array): void {
  const count = sums.length;
  for (let row = 0; row < values.length; row += count) {
    for (let i = 0; i < count; i++) sums[i]! += values[row + i]! * values[row + i]!;
  }
}
