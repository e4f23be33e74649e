import { OpenLedgerError } from '../../errors.ts';
import { bfloat16OfBits, float16OfBits } from './float16.ts';
import { type Format, GROUP, type QuantisedFormat, codeWords, columnsInWord, hasScales, scaleWords } from './format.ts';
import { quantiseGroup } from './quantise.ts';

/** Rows in a format, ready to be written to a matrix. */
export interface EncodedRows {
  codes: Float32Array | Uint32Array;
  scales: Uint32Array | undefined;
}

/** Bits of 2^-100 and of 2^50: what is smaller is stored as +0, what is greater is refused. */
const TINY_BITS = 0x0d800000;
const HUGE_BITS = 0x58800000;

/**
 * Rows of float32 values in a format, rounded to nearest where the format is coarser, quantised for q8 and q4.
 * Magnitudes below 2^-100 become +0, as RF32 stores them. Throws `weights/not-a-number` for NaN, infinity or
 * |x| > 2^50, and `weights/too-great-for-format`; both name the matrix and the place. `firstRow` is for these messages.
 */
export function encodeRows(name: string, format: Format, values: Float32Array, columns: number, firstRow = 0): EncodedRows {
  const place = (i: number) => `row ${firstRow + Math.floor(i / columns)}, column ${i % columns}`;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const wrong = firstBeyond(bits);
  if (wrong >= 0) {
    throw new OpenLedgerError({
      code: 'weights/not-a-number',
      what: `The weight "${name}" holds something that cannot be computed with.`,
      why: `It has ${values[wrong]} at ${place(wrong)}.`,
      next: 'The model is damaged: fetch it again, or choose another.',
    });
  }
  if (hasScales(format)) return quantiseRows(format, values, columns);
  if (format === 'f32') return { codes: storable(bits), scales: undefined };
  const { codes, refused } = halves(format, bits, columns);
  if (refused >= 0) {
    throw new OpenLedgerError({
      code: 'weights/too-great-for-format',
      what: `The weight "${name}" does not fit the 16-bit format it was to be held in.`,
      why: `It has ${values[refused]} at ${place(refused)}; float16 ends at 65504.`,
      next: 'Load the model in the format bf16 or f32.',
    });
  }
  return { codes, scales: undefined };
}

function firstBeyond(bits: Uint32Array): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7fffffff) > HUGE_BITS) return i;
  return -1;
}

function storable(bits: Uint32Array): Float32Array {
  const out = new Float32Array(bits.length);
  const outBits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) outBits[i] = (bits[i]! & 0x7fffffff) < TINY_BITS ? 0 : bits[i]!;
  return out;
}

/** Two to a word; `refused` is the place of a value that float16 does not reach, or -1. */
function halves(format: 'f16' | 'bf16', bits: Uint32Array, columns: number): { codes: Uint32Array; refused: number } {
  const words = codeWords(format, columns);
  const rows = bits.length / Math.max(columns, 1);
  const codes = new Uint32Array(rows * words);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const word = bits[i]!;
      if ((word & 0x7fffffff) < TINY_BITS) continue;
      const half = format === 'f16' ? float16OfBits(word) : bfloat16OfBits(word);
      if (half < 0) return { codes, refused: i };
      codes[row * words + (column >> 1)]! |= half << ((column & 1) << 4);
    }
  }
  return { codes, refused: -1 };
}

function quantiseRows(format: QuantisedFormat, values: Float32Array, columns: number): EncodedRows {
  const rows = values.length / Math.max(columns, 1);
  const [words, wordsOfScales] = [codeWords(format, columns), scaleWords(format, columns)];
  const perWord = columnsInWord(format);
  const width = 32 / perWord;
  const mask = 2 ** width - 1;
  const codes = new Uint32Array(rows * words);
  const scales = new Uint32Array(rows * wordsOfScales);
  const group = new Int8Array(GROUP);
  for (let row = 0; row < rows; row++) {
    for (let g = 0, from = 0; from < columns; g++, from += GROUP) {
      const count = Math.min(GROUP, columns - from);
      const scale = quantiseGroup(format, values, row * columns + from, count, group);
      scales[row * wordsOfScales + (g >> 1)]! |= scale << (16 * (g & 1));
      let at = row * words + (g * GROUP) / perWord;
      for (let i = 0; i < count; at++) {
        let word = 0;
        for (let e = 0; e < perWord && i < count; e++, i++) word |= (group[i]! & mask) << (width * e);
        codes[at] = word;
      }
    }
  }
  return { codes, scales };
}
