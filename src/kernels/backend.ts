import type { Operation, Params, Shape, Values } from './operation.ts';

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
  /** Copies values in. Float values must be storable in RF32; `constant` tensors never change, so packed forms are kept. */
  upload(name: string, shape: Shape, values: Values, constant?: boolean): Tensor;
  /** Records one operation; outputs are named for errors. Throws RangeError for shapes that do not fit. */
  run(operation: Operation, name: string, inputs: Tensor[], params?: Params): Tensor[];
  /** Waits for the tensor. Throws `rf32/out-of-range` if anything before it left the range. */
  read(tensor: Tensor): Promise<Values>;
  free(tensor: Tensor): void;
  memory(): Memory;
  destroy(): void;
}
