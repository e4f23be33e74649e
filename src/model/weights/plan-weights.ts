import { OpenLedgerError } from '../../errors.ts';
import type { Backend } from '../../kernels/backend.ts';
import { type Format, matrixBytes } from '../../kernels/matrix/matrix.ts';
import type { ModelConfig } from '../config.ts';
import { MOST_POSITIONS, type WeightShape, fitWeights, heldFormat } from '../model.ts';
import { floatType } from '../safetensors.ts';
import { EXACT_FORMAT } from './exact-codes.ts';
import type { StoredTensor, StoredTensors } from './open-weights.ts';

/** `auto`: every matrix as its file has it, so nothing is rounded. */
export type FormatChoice = Format | 'auto';

export interface PlannedWeight extends WeightShape {
  tensor: StoredTensor;
  /** Vectors are float32 whatever is chosen. */
  format: Format;
}

/** What a model takes on a device, known before anything of it is allocated. Bytes. */
export interface WeightsPlan {
  weights: PlannedWeight[];
  parameters: number;
  weightBytes: number;
  /** Rotary tables. */
  tableBytes: number;
  /** Keys and values of a short text (SHORT_TEXT tokens), the least with which the model is of use. */
  cacheBytes: number;
  /** The format that rounds weights; undefined where all are held exactly as they are stored. */
  rounded: Format | undefined;
}

const SHORT_TEXT = 512;

/** Throws `model/weights-do-not-fit` and `safetensors/unsupported-type`. */
export function planWeights(config: ModelConfig, tensors: StoredTensors, choice: FormatChoice, positions = MOST_POSITIONS): WeightsPlan {
  let rounded: Format | undefined;
  const weights = fitWeights(config, tensors).map((weight): PlannedWeight => {
    const stored: Format = EXACT_FORMAT[floatType(weight.tensor.source.name, weight.tensor)];
    if (weight.shape.length === 1) return { ...weight, format: 'f32' };
    const format = choice === 'auto' ? stored : heldFormat(weight.name, choice);
    if (format !== stored && format !== 'f32') rounded = choice as Format;
    return { ...weight, format };
  });
  const length = Math.min(config.context, positions);
  return {
    weights, rounded,
    parameters: weights.reduce((sum, { tensor }) => sum + tensor.count, 0),
    weightBytes: weights.reduce((sum, { shape, format }) => sum + matrixBytes(shape.length === 1 ? 1 : shape[0], shape.length === 1 ? shape[0] : shape[1], format), 0),
    tableBytes: 2 * 4 * length * (config.headDim / 2),
    cacheBytes: 2 * 4 * Math.min(length, SHORT_TEXT) * config.layers * config.groups * config.headDim,
  };
}

/** A WebAssembly memory ends at 4 GiB; what a graphics processor has, no browser says: callers who know give it. */
export function memoryAllowed(backend: Backend): number {
  return backend.kind === 'cpu' ? 2 ** 32 - backend.memory().bytes : Infinity;
}

/** Throws `model/too-large` where a plan needs more bytes than are allowed. */
export function requireMemory(plan: WeightsPlan, allowed: number): void {
  const needed = plan.weightBytes + plan.tableBytes + plan.cacheBytes;
  if (needed <= allowed) return;
  const text = (bytes: number) => (bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`);
  throw new OpenLedgerError({
    code: 'model/too-large',
    what: 'This model does not fit into the memory of this device.',
    why: `It needs ${text(needed)} (weights ${text(plan.weightBytes)}); ${text(Math.max(0, allowed))} are left.`,
    next: 'Load it in a smaller format (8 or 4 bits), choose a smaller model, or another device.',
  });
}
