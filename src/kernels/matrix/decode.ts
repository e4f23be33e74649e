import { store } from '../../arithmetic/rf32.ts';
import type { Values } from '../operation.ts';
import { bfloat16Value, float16Value } from './float16.ts';
import { GROUP, type PackedFormat, codeWords, columnsInWord, hasScales, scaleWords } from './format.ts';

/** All values of a packed matrix, row after row: the slow obvious form that every decoder must agree with. */
export function decodeRows(format: PackedFormat, codes: Values, scales: Values | undefined, columns: number): Float32Array {
  const words = codeWords(format, columns);
  const rows = words ? codes.length / words : 0;
  const perWord = columnsInWord(format);
  const bits = 32 / perWord;
  const out = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const word = codes[row * words + Math.floor(column / perWord)]!;
      const code = (word >>> (bits * (column % perWord))) & (2 ** bits - 1);
      const value = hasScales(format)
        ? signed(code, bits) * scaleAt(scales!, row * scaleWords(format, columns), Math.floor(column / GROUP))
        : format === 'f16'
          ? float16Value(code)
          : bfloat16Value(code);
      // 0 times a negative scale is −0, which RF32 does not have.
      out[row * columns + column] = store(value);
    }
  }
  return out;
}

const signed = (code: number, bits: number) => (code >= 2 ** (bits - 1) ? code - 2 ** bits : code);

function scaleAt(scales: Values, row: number, group: number): number {
  return bfloat16Value((scales[row + (group >> 1)]! >>> (16 * (group & 1))) & 0xffff);
}
