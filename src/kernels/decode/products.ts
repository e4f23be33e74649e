import { matmulNN, matmulNT } from '../matmul/operation.ts';
import { decodeRows } from '../matrix/decode.ts';
import { FORMATS, type Format, codeWords, hasScales } from '../matrix/format.ts';
import { type Operation, type Params, type Shape, type Values, expectShape } from '../operation.ts';
import { computed } from './compose.ts';
import { rowOf, rowsFit } from './rows.ts';

/** Weight matrices that one dispatch multiplies at most: what WebGPU's guaranteed 8 storage buffers leave room for. */
export function productsAtOnce(format: Format): number {
  return hasScales(format) ? 2 : 3;
}

/** Which inputs hold what. */
export function productInputs(format: Format): { raw: number; codes: number[]; scales: number[] } {
  const count = productsAtOnce(format);
  const each = (from: number) => Array.from({ length: count }, (_, m) => from + m);
  return { raw: 2, codes: each(3), scales: hasScales(format) ? each(3 + count) : [] };
}

/** Of each matrix that a call uses: its rows, which are output columns, and the first of them in `raw`. */
export function usedMatrices(shapes: Shape[], params: Params): { columns: number; at: number }[] {
  return Array.from({ length: params.matrices! }, (_, m) => ({ columns: shapes[3 + m]![0]!, at: params[`at${m}`]! }));
}

/**
 * Products of rows with weight matrices that read the same x, and with the adapters' A factors, each row with its own
 * slot's: raw[i, at<m> + j] = x[i,:] · W_m[j,:] and raw[i, low + a·rank + r] = x[i,:] · A_a[r,:]. Inputs x[≥rows,
 * ≥terms], pool[slots, values of a slot], raw[≥rows, total] (overwritten in part), codes and then scales of each matrix;
 * where fewer matrices are used than there are inputs, the rest are anything, such as the first again. Params: rows,
 * slot0…, terms, matrices, at0…, and for the adapters: rank (0 for none), factors (how many A), low, a0… (where
 * each Aᵀ[terms, rank] begins in a slot). x holds operands: magnitudes below 2^-50 as 0. Rows without a slot get zeros.
 */
function productsOf(format: Format): Operation {
  const { raw, codes, scales } = productInputs(format);
  const kind = format === 'f32' ? 'f32' : 'u32';
  return {
    name: `decodeProducts.${format}`,
    ...(format === 'f32' ? {} : { usedFor: { format } }),
    inputs: ['f32', 'f32', 'f32', ...codes.map(() => kind as 'f32'), ...scales.map(() => 'u32' as const)],
    outputs: (shapes, params) => {
      const rows = rowsFit('decodeProducts', params);
      const [x, pool, out] = shapes as [Shape, Shape, Shape];
      if (x[0]! < rows || x[1]! < params.terms!) throw new RangeError(`decodeProducts: x is [${x}]`);
      if (!(params.matrices! >= 1 && params.matrices! <= codes.length)) throw new RangeError(`decodeProducts: ${params.matrices} matrices of ${format}`);
      expectShape('decodeProducts pool', pool, pool[0]!, pool[1]!);
      usedMatrices(shapes, params).forEach(({ columns, at }, m) => {
        expectShape(`decodeProducts codes ${m}`, shapes[codes[m]!], columns, codeWords(format, params.terms!));
        if (!(out[0]! >= rows && at >= 0 && at + columns <= out[1]!)) throw new RangeError(`decodeProducts: ${columns} at ${at} of [${out}]`);
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
      const weights = usedMatrices(shapes, params).map(({ at }, m) => ({ at, w: weightsOf(format, inputs[codes[m]!]!, inputs[scales[m] ?? -1], terms) }));
      for (let i = 0; i < rows; i++) {
        const row = x.subarray(i * shapes[0]![1]!, i * shapes[0]![1]! + terms);
        const put = (at: number, w: Float32Array) =>
          out!.set(computed(matmulNT, [[[1, terms], row], [[w.length / terms, terms], w]])[0]!, i * total + at);
        for (const { at, w } of weights) put(at, w);
        const slot = rowOf(params, 'slot', i);
        for (let factor = 0; factor < factors && rank; factor++) {
          const a = slot * perSlot + params[`a${factor}`]!;
          const at = low + factor * rank;
          if (slot < slots) out!.set(computed(matmulNN, [[[1, terms], row], [[terms, rank], pool.subarray(a, a + rank * terms)]])[0]!, i * total + at);
          else out!.fill(0, i * total + at, i * total + at + rank);
        }
      }
    },
  };
}

function weightsOf(format: Format, codes: Values, scales: Values | undefined, terms: number): Float32Array {
  return format === 'f32' ? (codes as Float32Array) : decodeRows(format, codes, scales, terms);
}

export const decodeProducts = Object.fromEntries(FORMATS.map((format) => [format, productsOf(format)])) as Readonly<Record<Format, Operation>>;
