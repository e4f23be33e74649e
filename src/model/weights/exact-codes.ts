import type { Backend } from '../../kernels/backend.ts';
import { type Format, codeWords } from '../../kernels/matrix/format.ts';
import type { Matrix } from '../../kernels/matrix/matrix.ts';
import { unstorable } from '../safetensors.ts';
import type { StoredTensor } from './open-weights.ts';
import { type FloatType, decodeFloats } from './decode.ts';

/** The format that holds a file's values as they are. */
export const EXACT_FORMAT = { F32: 'f32', F16: 'f16', BF16: 'bf16' } as const satisfies Record<FloatType, Format>;

/**
 * For halves, by their bits without the sign: the least that RF32 stores (the least float16 above zero; 2^-100) and the
 * greatest (65504; 2^50).
 */
const STORED = { F16: [1, 0x7bff], BF16: [0x0d80, 0x5880] } as const;

/**
 * Values [first, …) of a tensor as a matrix of the same 16-bit format has them: +0 where RF32 stores 0. Rows have an even
 * number of values, and the host is little-endian. Changes `bytes`. Throws `safetensors/damaged` for a value that RF32
 * does not hold.
 */
export function exactCodes(tensor: StoredTensor, type: 'F16' | 'BF16', bytes: Uint8Array, first: number): Uint32Array {
  const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const halves = new Uint16Array(own.buffer, own.byteOffset, own.length / 2);
  const [least, greatest] = STORED[type];
  for (let i = 0; i < halves.length; i++) {
    const magnitude = halves[i]! & 0x7fff;
    if (magnitude > greatest) throw unstorable(tensor.source.name, tensor, decodeFloats(own.slice(2 * i, 2 * i + 2), type)[0]!, first + i);
    if (magnitude < least) halves[i] = 0;
  }
  return new Uint32Array(own.buffer, own.byteOffset, own.length / 4);
}

/** Writes rows that are in the matrix's format already, from row `first` on, to the parts that hold them. */
export function writeCodes(backend: Backend, matrix: Matrix, first: number, codes: Float32Array | Uint32Array): void {
  const words = codeWords(matrix.format, matrix.columns);
  const end = first + codes.length / words;
  for (const part of matrix.parts) {
    const [from, to] = [Math.max(first, part.from), Math.min(end, part.from + part.rows)];
    if (from < to) backend.write(part.codes, (from - part.from) * words, codes.subarray((from - first) * words, (to - first) * words));
  }
}
