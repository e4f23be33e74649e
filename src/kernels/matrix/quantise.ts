// Groups of weights as small integers times a scale. Float64 with + − × ÷, comparisons and rounding only, which
// IEEE 754 fixes: every host gives the same codes.
import { OPERAND_TINY } from '../../arithmetic/rf32.ts';
import { bfloat16Bits, bfloat16Value } from './float16.ts';
import type { QuantisedFormat } from './format.ts';

/** Nearest integer, halves up. */
const nearest = (x: number) => Math.floor(x + 0.5);

/**
 * Codes of one group, values[from .. from+count-1], into codes[0 .. count-1]; returns the bits of its bfloat16 scale.
 * What is smaller than 2^-50 × the greatest code throughout becomes zeros.
 */
export function quantiseGroup(format: QuantisedFormat, values: Float32Array, from: number, count: number, codes: Int8Array): number {
  let extreme = 0;
  for (let i = 0; i < count; i++) if (Math.abs(values[from + i]!) > Math.abs(extreme)) extreme = values[from + i]!;
  if (Math.abs(extreme) < OPERAND_TINY * 256) {
    codes.fill(0, 0, count);
    return 0;
  }
  return format === 'q8' ? quantiseBytes(values, from, count, codes, Math.abs(extreme)) : quantiseNibbles(values, from, count, codes, extreme);
}

/** The least scale of 5 significant bits with which the greatest magnitude has a code of at most 127. */
function quantiseBytes(values: Float32Array, from: number, count: number, codes: Int8Array, greatest: number): number {
  const exact = greatest / 127;
  // bfloat16 has 8 significant bits; the lowest three become zero, upwards.
  let bits = bfloat16Bits(Math.fround(exact)) & 0xfff8;
  while (bfloat16Value(bits) < exact) bits += 8;
  const scale = bfloat16Value(bits);
  for (let i = 0; i < count; i++) codes[i] = nearest(values[from + i]! / scale);
  return bits;
}

/** Divisors of the extreme that are tried as scales: with −8 it is met exactly, with others the rest may fit better. */
const DIVISORS = [-8, -7.6, -7.2, -8.5, -6.8, 7.4];

/**
 * The scale with the least squared error among those that `DIVISORS` give, each once refined by least squares for the
 * codes it led to, and rounded to bfloat16 before it is judged.
 */
function quantiseNibbles(values: Float32Array, from: number, count: number, codes: Int8Array, extreme: number): number {
  let best = Infinity;
  let bestBits = 0;
  for (const divisor of DIVISORS) {
    const inverse = divisor / extreme;
    let cross = 0;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const x = values[from + i]!;
      const code = nibble(x * inverse);
      cross += x * code;
      squares += code * code;
    }
    if (!(squares > 0)) continue;
    const bits = bfloat16Bits(Math.fround(cross / squares));
    const scale = bfloat16Value(bits);
    if (Math.abs(scale) < OPERAND_TINY) continue;
    const again = 1 / scale;
    let error = 0;
    for (let i = 0; i < count && error < best; i++) {
      const x = values[from + i]!;
      const difference = x - nibble(x * again) * scale;
      error += difference * difference;
    }
    if (error < best) {
      best = error;
      bestBits = bits;
    }
  }
  const inverse = bestBits === 0 ? 0 : 1 / bfloat16Value(bestBits);
  for (let i = 0; i < count; i++) codes[i] = nibble(values[from + i]! * inverse);
  return bestBits;
}

function nibble(x: number): number {
  const code = nearest(x);
  return code < -8 ? -8 : code > 7 ? 7 : code;
}

