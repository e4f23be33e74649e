import { decodeRows } from '../kernels/matrix/decode.ts';
import { encodeRows } from '../kernels/matrix/encode.ts';
import type { QuantisedFormat } from '../kernels/matrix/format.ts';
import type { ModelConfig } from '../model/config.ts';
import { fitWeights, heldFormat } from '../model/model.ts';
import { decodeValues } from '../model/safetensors.ts';
import { openWeights } from '../model/weights/open-weights.ts';
import type { ModelFolder } from '../protocol/model-folder.ts';
import type { SourceTensor } from './weights.ts';

/**
 * A model's weights from its folder, one tensor at a time, as float32. `format`: the exact lane rounds its matrices to
 * 8 or 4 bits, so these are rounded the same way and decoded again: both lanes compute with the same weights.
 * Throws `weights/…`, `safetensors/…`, `model/weights-do-not-fit`, what the folder throws, and `cancelled`.
 */
export async function* modelTensors(
  config: ModelConfig, folder: ModelFolder,
  { format, signal, onProgress }: { format?: QuantisedFormat | undefined; signal?: AbortSignal | undefined; onProgress?: ((done: number, total: number) => void) | undefined } = {},
): AsyncGenerator<SourceTensor> {
  const weights = fitWeights(config, await openWeights(folder, signal));
  const total = weights.reduce((sum, { tensor }) => sum + tensor.to - tensor.from, 0);
  let done = 0;
  for (const { name, shape, tensor } of weights) {
    const bytes = await tensor.source.read(tensor.from, tensor.to, signal);
    const values = decodeValues(tensor.source.name, tensor, bytes);
    done += bytes.length;
    onProgress?.(done, total);
    yield { name, shape, values: format && shape.length === 2 ? rounded(name, format, values, shape[1]) : values };
  }
}

function rounded(name: string, format: QuantisedFormat, values: Float32Array, columns: number): Float32Array {
  const held = heldFormat(name, format) as QuantisedFormat;
  const { codes, scales } = encodeRows(name, held, values, columns, 0);
  return decodeRows(held, codes, scales, columns);
}
