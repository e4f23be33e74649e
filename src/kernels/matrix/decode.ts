import type { Values } from '../operation.ts';
import { bfloat16Value, float16Value } from './float16.ts';
import { type PackedFormat, codeWords } from './format.ts';

/** All values of a packed matrix, row after row: the slow obvious form that every decoder must agree with. */
export function decodeRows(format: PackedFormat, codes: Values, _scales: Values | undefined, columns: number): Float32Array {
  const words = codeWords(format, columns);
  const rows = words ? codes.length / words : 0;
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const bits = (codes[row * words + (column >> 1)]! >>> (16 * (column & 1))) & 0xffff;
      out[row * columns + column] = format === 'f16' ? float16Value(bits) : bfloat16Value(bits);
    }
  }
  return out;
}
