/** Reading and writing the number formats of weight files, whole arrays at a time. */

export const FLOAT_BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
export type FloatType = keyof typeof FLOAT_BYTES;

export const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Bits of 2^50 and 2^-100: RF32 stores 0 and magnitudes from the second to the first. */
const LARGEST = 0x58800000;
const SMALLEST = 0x0d800000;

/**
 * Little-endian values as float32, exactly, but 0 where RF32 stores 0 (magnitude under 2^-100, and −0). The result is
 * memory of its own. `bytes` is changed on hosts that are not little-endian.
 */
export function decodeFloats(bytes: Uint8Array, type: FloatType): Float32Array<ArrayBuffer> {
  const count = bytes.length / FLOAT_BYTES[type];
  if (!LITTLE_ENDIAN) swap(bytes, FLOAT_BYTES[type]);
  const values = new Float32Array(count);
  const bits = new Uint32Array(values.buffer);
  if (type === 'F32') new Uint8Array(values.buffer).set(bytes);
  else {
    const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
    const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, count);
    if (type === 'BF16') for (let i = 0; i < count; i++) bits[i] = halves[i]! << 16;
    else {
      const table = float16Table();
      for (let i = 0; i < count; i++) bits[i] = table[halves[i]!]!;
    }
  }
  for (let i = 0; i < count; i++) if ((bits[i]! & 0x7fffffff) < SMALLEST) bits[i] = 0;
  return values;
}

/** Place of the first value that RF32 does not hold (NaN, infinity, magnitude over 2^50), or −1. */
export function firstUnstorable(values: Float32Array): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0x7fffffff) > LARGEST) return i;
  return -1;
}

/** Little-endian bytes of values rounded to nearest, ties to even. Throws RangeError for what float16 cannot hold. */
export function encodeFloats(values: Float32Array, type: FloatType): Uint8Array {
  const out = new Uint8Array(values.length * FLOAT_BYTES[type]);
  if (type === 'F32') out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  else {
    const halves = new Uint16Array(out.buffer);
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < values.length; i++) halves[i] = type === 'F16' ? toFloat16(values[i]!) : toBfloat16(bits[i]!);
  }
  if (!LITTLE_ENDIAN) swap(out, FLOAT_BYTES[type]);
  return out;
}

/** Bits of the nearest bfloat16 of a finite float32's bits, ties to even. */
function toBfloat16(bits: number): number {
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Nearest float16, ties to even; throws RangeError beyond ±65504. */
export function toFloat16(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (!(magnitude < 65520)) throw new RangeError(`${value} does not fit float16`);
  // Quantum of the result: 2^(e-10) for normal numbers, 2^-24 below.
  let exponent = -14;
  while (exponent < 15 && magnitude >= 2 ** (exponent + 1)) exponent++;
  const units = magnitude / 2 ** (exponent - 10);
  let rounded = Math.floor(units);
  const rest = units - rounded;
  if (rest > 0.5 || (rest === 0.5 && rounded % 2 === 1)) rounded++;
  // A carry into the next exponent is the next bit pattern.
  return sign | (rounded < 1024 ? rounded : ((exponent + 14) << 10) + rounded);
}

let table16: Uint32Array | undefined;

/** float32 bits by float16 bits. */
function float16Table(): Uint32Array {
  if (table16) return table16;
  const values = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits >>> 15 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 0) values[bits] = sign * fraction * 2 ** -24;
    else if (exponent === 31) values[bits] = fraction ? NaN : sign * Infinity;
    else values[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return (table16 = new Uint32Array(values.buffer));
}

function swap(bytes: Uint8Array, width: number): void {
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
}
