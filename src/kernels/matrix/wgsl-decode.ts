import { GROUP, type PackedFormat, columnsInWord, hasScales } from './format.ts';

/** Where the weights of a kernel are: WGSL expressions. */
export interface WgslWeights {
  /** Arrays of u32; `scales` is not read by formats that have none. */
  codes: string;
  scales: string;
  /** Words of one row of codes and of scales. */
  words: string;
  scaleWords: string;
}

/** Module-scope functions that the other functions of this file use; once in a module, also for several formats. */
export const decodeDeclarations = /* wgsl */ `
fn decode_float16(half: u32) -> f32 {
  let magnitude = half & 0x7fffu;
  // Below 2^-14 the unit is 2^-24: an integer times a power of two, exact.
  let small = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
  return bitcast<f32>(((half & 0x8000u) << 16u) | select((magnitude << 13u) + 0x38000000u, small, magnitude < 0x400u));
}
// One of the two bfloat16 of a word.
fn decode_bfloat16(word: u32, odd: u32) -> f32 { return bitcast<f32>(select(word << 16u, word & 0xffff0000u, odd != 0u)); }`;

/** Statements that declare `bits`, word `word` of row `row`, and `scale`, which belongs to all of its values. */
export function loadWord(format: PackedFormat, weights: WgslWeights, row: string, word: string): string {
  const bits = `let bits = ${weights.codes}[(${row}) * ${weights.words} + (${word})];`;
  if (!hasScales(format)) return bits;
  const group = `((${word}) / ${GROUP / columnsInWord(format)}u)`;
  return `${bits} let scale = decode_bfloat16(${weights.scales}[(${row}) * ${weights.scaleWords} + (${group} >> 1u)], ${group} & 1u);`;
}

/**
 * The value of a word's column `e` (a u32 expression below columnsInWord), from `bits` and `scale`. It is exact; a
 * kernel that multiplies it without passing it through memory wraps it in `opaque_f32`, or a compiler might multiply
 * in another order.
 */
export function wordValue(format: PackedFormat, e: string): string {
  switch (format) {
    case 'f16': return `decode_float16(extractBits(bits, 16u * (${e}), 16u))`;
    case 'bf16': return `decode_bfloat16(bits, ${e})`;
    case 'q8': return `(f32(extractBits(bitcast<i32>(bits), 8u * (${e}), 8u)) * scale)`;
    case 'q4': return `(f32(extractBits(bitcast<i32>(bits), 4u * (${e}), 4u)) * scale)`;
  }
}
