import { operand } from '../../arithmetic/rf32.ts';
import { addTensors } from '../elementwise/operation.ts';
import { type Operation, type Params, type Shape, expectShape } from '../operation.ts';
import { rmsNorm } from '../rmsNorm/operation.ts';
import { type RowAdapter, computed, finished } from './compose.ts';
import { NONE, rowOf, rowsFit } from './rows.ts';

/** The adapter of row i for the linear layer whose lows begin at column `low`, B at `b`, and scale at `scaleAt` of a slot. */
export function rowAdapter(
  pool: Float32Array, [slots, perSlot]: Shape, raw: Float32Array, total: number, params: Params, i: number, low: number, b: number, scaleAt: number,
): RowAdapter | undefined {
  const slot = rowOf(params, 'slot', i);
  const rank = params.rank ?? 0;
  if (!rank || slot >= slots!) return undefined;
  const factors = pool.subarray(slot * perSlot!, (slot + 1) * perSlot!);
  return { factors, rank, low: raw.subarray(i * total + low, i * total + low + rank), b, scale: factors[scaleAt]! };
}

export const biasAt = (vectors: Float32Array, at: number | undefined, count: number): Float32Array | undefined =>
  at === undefined || at === NONE ? undefined : vectors.subarray(at, at + count);

/**
 * The residual stream and the norm behind it: x[i,:] += the finished output of the product in raw[i, 0…], normed[i,:] =
 * operands of rmsNorm(x[i,:]). Inputs x[≥rows, D] and normed[≥rows, D] (both overwritten in part), raw[≥rows, total],
 * pool, vectors (all norms and biases). Params: rows, slot0…, eps, norm (the norm's place in vectors), finish (0: there
 * is no product yet), bias (its place or NONE), rank, low, b, scaleAt.
 */
export const decodeNorm: Operation = {
  name: 'decodeNorm',
  inputs: ['f32', 'f32', 'f32', 'f32', 'f32'],
  outputs: ([x, normed, raw, pool], params) => {
    const rows = rowsFit('decodeNorm', params);
    const d = x![1]!;
    expectShape('decodeNorm normed', normed, x![0]!, d);
    expectShape('decodeNorm pool', pool, pool![0]!, pool![1]!);
    if (x![0]! < rows || (params.finish && (raw![0]! < rows || raw![1]! < d))) throw new RangeError(`decodeNorm: x [${x}], raw [${raw}]`);
    return [{ shape: x!, dtype: 'f32', inPlace: 0 }, { shape: normed!, dtype: 'f32', inPlace: 1 }];
  },
  reference({ inputs, outputs: [x, normed], shapes, params }) {
    const [, , raw, pool, vectors] = inputs as Float32Array[];
    const d = shapes[0]![1]!;
    const total = shapes[2]![1]!;
    const norm = vectors!.subarray(params.norm!, params.norm! + d);
    for (let i = 0; i < params.rows!; i++) {
      const row = (x as Float32Array).subarray(i * d, (i + 1) * d);
      if (params.finish) {
        const adapter = rowAdapter(pool!, shapes[3]!, raw!, total, params, i, params.low!, params.b!, params.scaleAt!);
        const y = finished(raw!.subarray(i * total, i * total + d), biasAt(vectors!, params.bias, d), adapter);
        row.set(computed(addTensors, [[[1, d], row], [[1, d], y]])[0]!);
      }
      normed!.set(computed(rmsNorm, [[[1, d], row], [[d], norm]], { eps: params.eps! })[0]!.map(operand), i * d);
    }
  },
};
