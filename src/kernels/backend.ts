import { type Operation, type Params, type Shape, type Values, size } from './operation.ts';
import type { Counts, Profiler } from './profile.ts';

/**
 * What a backend does: hold tensors, run operations on them in order, give values back. What it does not do:
 * shapes of models, gradients of graphs, lifetimes (see scope.ts), fusion of operations.
 */
export interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: 'f32' | 'u32';
}

export interface Memory {
  bytes: number;
  peakBytes: number;
}

export interface Backend {
  readonly kind: 'webgpu' | 'cpu' | 'reference';
  /** For people: the device's own name. */
  readonly device: string;
  /** Bytes that one tensor may have; greater matrices are split (matrix/matrix.ts). Infinity on the CPU. */
  readonly maxBinding: number;
  /** Copies values in. Float values must be storable in RF32; `constant` tensors never change, so packed forms are kept. */
  upload(name: string, shape: Shape, values: Values, constant?: boolean): Tensor;
  /** A tensor of zeros, for values that come in pieces (`write`) or are overwritten by operations. */
  create(name: string, shape: Shape, dtype: Tensor['dtype'], constant?: boolean): Tensor;
  /** Overwrites values from element `at` on, after everything recorded before. What `upload` asks of values holds here too. */
  write(tensor: Tensor, at: number, values: Values): void;
  /** Records one operation; outputs are named for errors. Throws RangeError for shapes that do not fit. */
  run(operation: Operation, name: string, inputs: Tensor[], params?: Params): Tensor[];
  /** Waits for the tensor. Throws `rf32/out-of-range` if anything before it left the range. */
  read(tensor: Tensor): Promise<Values>;
  free(tensor: Tensor): void;
  memory(): Memory;
  /** Time by operation, where the backend can tell. */
  readonly profile?: Profiler;
  /** What the device was told since it was opened, where there is one. */
  counts?(): Counts;
  destroy(): void;
}

/** Guards `write`: a wrong place or type is a programming error. */
export function expectWrite(tensor: Tensor, at: number, values: Values): void {
  if ((values instanceof Uint32Array) !== (tensor.dtype === 'u32')) throw new RangeError(`${tensor.name}: values are not ${tensor.dtype}`);
  if (!(Number.isInteger(at) && at >= 0 && at + values.length <= size(tensor.shape))) {
    throw new RangeError(`${tensor.name}: ${values.length} values at ${at} do not fit [${tensor.shape}]`);
  }
}
