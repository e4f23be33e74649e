import { firstOutOfRange } from '../../arithmetic/rf32.ts';
import { addBias, addScaled } from '../elementwise/operation.ts';
import { matmulNN } from '../matmul/operation.ts';
import { type Operation, type Params, type Shape, size } from '../operation.ts';

// The operations of this folder are several operations in one. Their references run the references of those
// operations one after the other, so they cannot say anything else.

export type Given = readonly [Shape, Float32Array | Uint32Array];

/**
 * The float outputs of an operation's reference. Where one leaves RF32's range, it is all NaN: the run must end, also
 * if later steps would bring the value back into the range.
 */
export function computed(operation: Operation, given: readonly Given[], params: Params = {}): Float32Array[] {
  const shapes = given.map(([shape]) => shape);
  const outputs = operation.outputs(shapes, params).map(({ shape }) => new Float32Array(size(shape)));
  operation.reference({ inputs: given.map(([, values]) => values), outputs, shapes, params });
  for (const output of outputs) if (firstOutOfRange(output) >= 0) output.fill(NaN);
  return outputs;
}

/** One row's slot of an adapter pool: all factors of one layer, and the offsets of one linear layer's among them. */
export interface RowAdapter {
  factors: Float32Array;
  rank: number;
  /** low[rank] = x · Aᵀ as the product wrote it. */
  low: Float32Array;
  /** Bᵀ[rank, out] begins here. */
  b: number;
  scale: number;
}

/** What follows a linear layer's product: y + bias, then + scale · low Bᵀ, as addBias, a matrix product and addScaled do it. */
export function finished(y: Float32Array, bias: Float32Array | undefined, adapter: RowAdapter | undefined): Float32Array {
  const row = [1, y.length];
  let result: Float32Array = y.slice();
  if (bias) result = computed(addBias, [[row, result], [[y.length], bias]])[0]!;
  if (!adapter) return result;
  const { factors, rank, low, b, scale } = adapter;
  const up = computed(matmulNN, [[[1, rank], low], [[rank, y.length], factors.subarray(b, b + y.length * rank)]])[0]!;
  return computed(addScaled, [[row, result], [row, up]], { scale })[0]!;
}
