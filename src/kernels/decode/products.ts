import { matmulNT } from '../matmul/operation.ts';
import { decodeRows } from '../matrix/decode.ts';
import { FORMATS, type Format, codeWords, hasScales } from '../matrix/format.ts';
import { type Operation, type Params, type Shape, type Values, expectShape } from '../operation.ts';
import { computed } from './compose.ts';
import { rowOf, rowsFit } from './rows.ts';

/** Weight matrices that one dispatch multiplies at most: what WebGPU's guaranteed 8 storage buffers leave room for. */
export function productsAtOnce(format: Format): number {
  return hasScales(format) ? 2 : 3;
}

export interface ProductShape {
  /** Rows of the weight: output columns. */
  columns: number;
  /** The first of its columns in `raw`. */
  at: number;
}

/** Which inputs hold what, for `count` matrices. */
export function productInputs(format: Format, count: number): { raw: number; codes: number[]; scales: number[] } {
  const each = (from: number) => Array.from({ length: count }, (_, m) => from + m);
  return { raw: 2, codes: each(3), scales: hasScales(format) ? each(3 + count) : [] };
}

/** Matrix m of a call: `at<m>` is a parameter, its rows come from the shape of its codes. */
export function productShape(shapes: Shape[], params: Params, m: number): ProductShape {
  return { columns: shapes[3 + m]![0]!, at: params[`at${m}`]! };
}

/**
 * One row's products with up to three weight matrices that read the same x, and with the adapters' A factors, each row
 * with its own slot's: raw[i, at<m> + j] = x[i,:] · W_m[j,:] and raw[i, low + a·rank + r] = x[i,:] · A_a[r,:].
 * Inputs x[≥rows, ≥terms], pool[slots, values of a slot], raw[≥rows, total] (overwritten in part), codes and then
 * scales of each matrix. Params: rows, slot0…, terms, at0…, and for the adapters: rank (0 for none), factors (how many
 * A), low, a0… (their offsets in a slot). x holds operands: magnitudes below 2^-50 as 0. Rows without a slot get zeros.
 */
function productsOf(format: Format, count: number): Operation {
  const { raw, codes, scales } = productInputs(format, count);
  const kind = format === 'f32' ? 'f32' : 'u32';
  return {
    name: `decodeProducts.${format}.${count}`,
    inputs: ['f32', 'f32', 'f32', ...codes.map(() => kind as 'f32'), ...scales.map(() => 'u32' as const)],
    outputs: (shapes, params) => {
      const rows = rowsFit('decodeProducts', params);
      const [x, pool, out] = shapes as [Shape, Shape, Shape];
      if (x[0]! < rows || x[1]! < params.terms!) throw new RangeError(`decodeProducts: x is [${x}]`);
      expectShape('decodeProducts pool', pool, pool[0]!, pool[1]!);
      codes.forEach((at, m) => {
        expectShape(`decodeProducts codes ${m}`, shapes[at], shapes[at]![0]!, codeWords(format, params.terms!));
        const { columns, at: first } = productShape(shapes, params, m);
        if (!(out[0]! >= rows && first >= 0 && first + columns <= out[1]!)) throw new RangeError(`decodeProducts: ${columns} at ${first} of [${out}]`);
      });
      const { rank = 0, factors = 0, low = 0 } = params;
      if (rank && low + factors * rank > out[1]!) throw new RangeError(`decodeProducts: ${factors} × ${rank} at ${low} of [${out}]`);
      return [{ shape: out, dtype: 'f32', inPlace: raw }];
    },
    reference({ inputs, outputs: [out], shapes, params }) {
      const [x, pool] = inputs as [Float32Array, Float32Array];
      const { rows, terms, rank = 0, factors = 0, low = 0 } = params as Record<string, number> & { rows: number; terms: number };
      const [slots, perSlot] = shapes[1] as [number, number];
      const total = shapes[raw]![1]!;
      for (let i = 0; i < rows; i++) {
        const row = x.subarray(i * shapes[0]![1]!, i * shapes[0]![1]! + terms);
        const put = (at: number, w: Float32Array) =>
          out!.set(computed(matmulNT, [[[1, terms], row], [[w.length / terms, terms], w]])[0]!, i * total + at);
        codes.forEach((at, m) => put(productShape(shapes, params, m).at, weightsOf(format, inputs[at]!, inputs[scales[m] ?? -1], terms)));
        const slot = rowOf(params, 'slot', i);
        for (let factor = 0; factor < factors && rank; factor++) {
          const a = slot * perSlot + params[`a${factor}`]!;
          const at = low + factor * rank;
          if (slot < slots) put(at, pool.subarray(a, a + rank * terms));
          else out!.fill(0, i * total + at, i * total + at + rank);
        }
      }
    },
  };
}

function weightsOf(format: Format, codes: Values, scales: Values | undefined, terms: number): Float32Array {
  return format === 'f32' ? (codes as Float32Array) : decodeRows(format, codes, scales, terms);
}

const known = new Map<string, Operation>(FORMATS.flatMap((format) => [1, 2, 3].slice(0, productsAtOnce(format)).map((count) => [`${format}.${count}`, productsOf(format, count)])));

export function decodeProducts(format: Format, count: number): Operation {
  const operation = known.get(`${format}.${count}`);
  if (!operation) throw new RangeError(`decodeProducts: ${count} matrices of ${format}`);
  return operation;
}

/** All of them, with what they are made of. */
export const decodeProductForms: readonly { operation: Operation; format: Format; count: number }[] = FORMATS.flatMap((format) =>
  [1, 2, 3].slice(0, productsAtOnce(format)).map((count) => ({ operation: decodeProducts(format, count), format, count })),
);
