// Float16 and bfloat16 by their bits, for float32 values that are +0 or normal (what RF32 stores).
import { bitsOf, fromBits } from '../../arithmetic/rf32.ts';

/** The float32 of a float16's bits; infinities and NaN do not occur. */
export function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const magnitude = half & 0x7fff;
  return sign * (magnitude < 0x400 ? magnitude * 2 ** -24 : fromBits((magnitude << 13) + 0x38000000));
}

/** Bits of the float16 nearest to the float32 of `bits`, ties to even, zeros as +0; -1 beyond ±65504 (from 65520 on). */
export function float16OfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) return -1;
  // A carry into the next exponent is the next bit pattern.
  if (magnitude >= 0x38800000) return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  // Below 2^-14 the unit is 2^-24. Adding 1/2 leaves 24 bits of which the last is 2^-24: the addition rounds.
  const rounded = bitsOf(Math.fround(fromBits(magnitude) + 0.5)) - 0x3f000000;
  return rounded === 0 ? 0 : sign | rounded;
}

/** Bits of the nearest float16; undefined beyond its range. */
export function float16Bits(value: number): number | undefined {
  const half = float16OfBits(bitsOf(value));
  return half < 0 ? undefined : half;
}

/** The float32 of a bfloat16's bits. */
export function bfloat16Value(bits: number): number {
  return fromBits((bits << 16) >>> 0);
}

/** Bits of the bfloat16 nearest to the float32 of `bits`, ties to even. */
export function bfloat16OfBits(bits: number): number {
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

export function bfloat16Bits(value: number): number {
  return bfloat16OfBits(bitsOf(value));
}
