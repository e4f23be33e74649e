/**
 * How a weight matrix lies in memory. Rows lie one after the other, each starting at a whole 32-bit word, so that rows
 * can be written, split and gathered alone. In a word the first column has the lowest bits.
 *
 * | format | a row of `codes` | value of a code |
 * |---|---|---|
 * | f32 | one float32 a column | itself |
 * | f16 | two float16 a word | the float16 |
 * | bf16 | two bfloat16 a word | the bfloat16 |
 *
 * Every value is exactly a float32, and products are computed from it in the order and with the roundings of the f32
 * operations: a model whose weights are float16 gives the same bits whether it is held in f16 or in f32.
 */
export type Format = 'f32' | 'f16' | 'bf16';
export type PackedFormat = Exclude<Format, 'f32'>;

export const PACKED_FORMATS: readonly PackedFormat[] = ['f16', 'bf16'];

/** Whether a format has scales in a tensor of their own. */
export function hasScales(format: Format): boolean {
  return format !== 'f32' && format !== 'f16' && format !== 'bf16';
}

/** Words (or float32 values) of one row of codes. */
export function codeWords(format: Format, columns: number): number {
  return format === 'f32' ? columns : Math.ceil(columns / 2);
}

/** Words of one row of scales. */
export function scaleWords(format: Format, columns: number): number {
  return hasScales(format) ? Math.ceil(columns / 64) : 0;
}

/** Bytes of a whole matrix on a backend, without what a backend rounds up. */
export function matrixBytes(rows: number, columns: number, format: Format): number {
  return 4 * rows * (codeWords(format, columns) + scaleWords(format, columns));
}
