import { HUGE, store } from '../../arithmetic/rf32.ts';
import { OpenLedgerError } from '../../errors.ts';
import { bfloat16Bits, float16Bits } from './float16.ts';
import { type Format, codeWords } from './format.ts';

/** Rows in a format, ready to be written to a matrix. */
export interface EncodedRows {
  codes: Float32Array | Uint32Array;
  scales: Uint32Array | undefined;
}

/**
 * Rows of float32 values in a format, rounded to nearest where the format is coarser. Magnitudes below 2^-100 become
 * +0, as RF32 stores them. Throws `weights/not-a-number` for NaN, infinity or |x| > 2^50, and
 * `weights/too-great-for-format`; both name the matrix and the place. `firstRow` is for these messages.
 */
export function encodeRows(name: string, format: Format, values: Float32Array, columns: number, firstRow = 0): EncodedRows {
  const at = (i: number) => `row ${firstRow + Math.floor(i / columns)}, column ${i % columns}`;
  const wrong = values.findIndex((value) => !(Math.abs(value) <= HUGE));
  if (wrong >= 0) {
    throw new OpenLedgerError({
      code: 'weights/not-a-number',
      what: `The weight "${name}" holds something that cannot be computed with.`,
      why: `It has ${values[wrong]} at ${at(wrong)}.`,
      next: 'The model is damaged: fetch it again, or choose another.',
    });
  }
  if (format === 'f32') return { codes: values.map(store), scales: undefined };
  const half = (value: number, i: number): number => {
    const stored = store(value);
    const bits = format === 'f16' ? float16Bits(stored) : bfloat16Bits(stored);
    if (bits !== undefined) return bits;
    throw new OpenLedgerError({
      code: 'weights/too-great-for-format',
      what: `The weight "${name}" does not fit the 16-bit format it was to be held in.`,
      why: `It has ${value} at ${at(i)}; float16 ends at 65504.`,
      next: 'Load the model in the format bf16 or f32.',
    });
  };
  const words = codeWords(format, columns);
  const rows = values.length / columns;
  const codes = new Uint32Array(rows * words);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      codes[row * words + (column >> 1)]! |= half(values[i]!, i) << (16 * (column & 1));
    }
  }
  return { codes, scales: undefined };
}
