import { HUGE, store } from '../../arithmetic/rf32.ts';
import { OpenLedgerError } from '../../errors.ts';
import { bfloat16Bits, float16Bits } from './float16.ts';
import { type Format, GROUP, type QuantisedFormat, codeWords, hasScales, scaleWords } from './format.ts';
import { quantiseGroup } from './quantise.ts';

/** Rows in a format, ready to be written to a matrix. */
export interface EncodedRows {
  codes: Float32Array | Uint32Array;
  scales: Uint32Array | undefined;
}

/**
 * Rows of float32 values in a format, rounded to nearest where the format is coarser, quantised for q8 and q4. Magnitudes below 2^-100 become
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
  if (hasScales(format)) return quantiseRows(format, values, columns);
  const words = codeWords(format, columns);
  const rows = values.length / Math.max(columns, 1);
  const codes = new Uint32Array(rows * words);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const stored = store(values[i]!);
      const bits = format === 'f16' ? float16Bits(stored) : bfloat16Bits(stored);
      if (bits === undefined) {
        throw new OpenLedgerError({
          code: 'weights/too-great-for-format',
          what: `The weight "${name}" does not fit the 16-bit format it was to be held in.`,
          why: `It has ${values[i]} at ${at(i)}; float16 ends at 65504.`,
          next: 'Load the model in the format bf16 or f32.',
        });
      }
      codes[row * words + (column >> 1)]! |= bits << (16 * (column & 1));
    }
  }
  return { codes, scales: undefined };
}

function quantiseRows(format: QuantisedFormat, values: Float32Array, columns: number): EncodedRows {
  const rows = values.length / Math.max(columns, 1);
  const [words, wordsOfScales] = [codeWords(format, columns), scaleWords(format, columns)];
  const [perWord, bits] = format === 'q8' ? [4, 8] : [8, 4];
  const mask = 2 ** bits - 1;
  const codes = new Uint32Array(rows * words);
  const scales = new Uint32Array(rows * wordsOfScales);
  const group = new Int8Array(GROUP);
  for (let row = 0; row < rows; row++) {
    for (let g = 0, from = 0; from < columns; g++, from += GROUP) {
      const count = Math.min(GROUP, columns - from);
      const scale = quantiseGroup(format, values, row * columns + from, count, group);
      scales[row * wordsOfScales + (g >> 1)]! |= scale << (16 * (g & 1));
      const first = row * words + (g * GROUP) / perWord;
      for (let i = 0; i < count; i++) codes[first + Math.floor(i / perWord)]! |= (group[i]! & mask) << (bits * (i % perWord));
    }
  }
  return { codes, scales };
}
