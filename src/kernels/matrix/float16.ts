// Float16 and bfloat16 by their bits, for float32 values that are +0 or normal (what RF32 stores).
import { bitsOf, fromBits } from '../../arithmetic/rf32.ts';

/** The float32 of a float16's bits; infinities and NaN do not occur. */
export function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const magnitude = half & 0x7fff;
  return sign * (magnitude < 0x400 ? magnitude * 2 ** -24 : fromBits((magnitude << 13) + 0x38000000));
}

/** Bits of the nearest float16, ties to even; zeros are +0. Undefined beyond ±65504 (from 65520 on). */
export function float16Bits(value: number): number | undefined {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) return undefined;
  let rounded: number;
  if (magnitude >= 0x38800000) {
    // A carry into the next exponent is the next bit pattern.
    rounded = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
  } else {
    const units = Math.abs(value) * 2 ** 24;
    rounded = Math.floor(units);
    const rest = units - rounded;
    if (rest > 0.5 || (rest === 0.5 && rounded % 2 === 1)) rounded++;
  }
  return rounded === 0 ? 0 : sign | rounded;
}

/** The float32 of a bfloat16's bits. */
export function bfloat16Value(bits: number): number {
  return fromBits((bits << 16) >>> 0);
}

/** Bits of the nearest bfloat16, ties to even. */
export function bfloat16Bits(value: number): number {
  const bits = bitsOf(value);
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
