/**
 * How a weight matrix lies in memory. Rows lie one after the other, each starting at a whole 32-bit word, so that rows
 * can be written, split and gathered alone. In a word the first column has the lowest bits.
 *
 * | format | bits a weight | a row of `codes` | value |
 * |---|---|---|---|
 * | f32 | 32 | one float32 a column | itself |
 * | f16 | 16 | two float16 a word | the float16 |
 * | bf16 | 16 | two bfloat16 a word | the bfloat16 |
 * | q8 | 8.5 | groups of 32 columns, four signed bytes a word | code × the group's scale |
 * | q4 | 4.5 | groups of 32 columns, eight signed nibbles (−8 … 7) a word | code × the group's scale |
 *
 * A row of `scales` has the groups' scales in order, two bfloat16 a word. A last group that is not full has zeros as
 * codes. q4's scales have bfloat16's 8 significant bits and either sign (the code −8 has no opposite, so the sign decides
 * which side reaches further, as in llama.cpp's Q4_0); q8's have 5 significant bits. So code × scale has at most
 * 12 significant bits (4 + 8; 7 + 5, since −128 is a power of two): it is exactly a float32 and nothing is ever rounded
 * when codes are read. Scales are 0 or at least 2^-50, so no product with a weight needs RF32's operand rule.
 *
 * Every value is exactly a float32, and products are computed from it in the order and with the roundings of the f32
 * operations: a model whose weights are float16 gives the same bits whether it is held in f16 or in f32, and a
 * quantised one the same bits as its decoded weights in f32.
 */
export type Format = 'f32' | 'f16' | 'bf16' | 'q8' | 'q4';
export type PackedFormat = Exclude<Format, 'f32'>;
export type QuantisedFormat = 'q8' | 'q4';

export const FORMATS: readonly Format[] = ['f32', 'f16', 'bf16', 'q8', 'q4'];
export const PACKED_FORMATS: readonly PackedFormat[] = ['f16', 'bf16', 'q8', 'q4'];

/** Columns that share a scale. */
export const GROUP = 32;

const COLUMNS_IN_WORD: Readonly<Record<Format, number>> = { f32: 1, f16: 2, bf16: 2, q8: 4, q4: 8 };

export function columnsInWord(format: Format): number {
  return COLUMNS_IN_WORD[format];
}

/** Whether a format has scales in a tensor of their own. */
export function hasScales(format: Format): format is QuantisedFormat {
  return format === 'q8' || format === 'q4';
}

/** Words (or float32 values) of one row of codes. */
export function codeWords(format: Format, columns: number): number {
  const padded = hasScales(format) ? Math.ceil(columns / GROUP) * GROUP : columns;
  return Math.ceil(padded / COLUMNS_IN_WORD[format]);
}

/** Words of one row of scales. */
export function scaleWords(format: Format, columns: number): number {
  return hasScales(format) ? Math.ceil(columns / (2 * GROUP)) : 0;
}

/** Bytes of a whole matrix on a backend, without what a backend rounds up. */
export function matrixBytes(rows: number, columns: number, format: Format): number {
  return 4 * rows * (codeWords(format, columns) + scaleWords(format, columns));
}
