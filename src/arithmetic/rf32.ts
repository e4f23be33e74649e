/**
 * RF32, version 2: the scalar reference. docs/arithmetic.md states the rules and why they give the same
 * bits everywhere; src/kernels/webgpu/prelude.ts and src/kernels/cpu/rf32.as.ts say the same in WGSL and
 * AssemblyScript.
 *
 * Every function takes and returns float32 values held in JavaScript numbers. A double sum or product of two
 * float32 values rounded once by Math.fround is the correctly rounded float32 result.
 */
export const ARITHMETIC = 'RF32/2';

const fround = Math.fround;
/** Values of smaller magnitude are stored as +0. */
export const TINY = 2 ** -100;
/** Values of greater magnitude end the run. */
export const HUGE = 2 ** 50;
/** Operands of matrix products of smaller magnitude count as 0. */
export const OPERAND_TINY = 2 ** -50;
/** Sums run in blocks of this many terms. */
export const BLOCK = 256;

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

export function bitsOf(x: number): number {
  f32[0] = x;
  return u32[0]!;
}
export function fromBits(bits: number): number {
  u32[0] = bits;
  return f32[0]!;
}

/** What a tensor stores for x: +0 where |x| < 2^-100. */
export function store(x: number): number {
  return x > -TINY && x < TINY ? 0 : x;
}
export function mul(a: number, b: number): number {
  const p = fround(a * b);
  return p > -TINY && p < TINY ? 0 : p;
}
export function add(a: number, b: number): number {
  return fround(a + b);
}
export function sub(a: number, b: number): number {
  return fround(a - b);
}

/**
 * What a matrix product reads for x: 0 where |x| < 2^-50, else x itself, so that no product falls below 2^-100.
 * CHANGED in version 2 (was: rounded to 12 significant bits, `round12`). Each product is now one rounded float32
 * multiplication and each addition one rounded addition, NEVER FUSED: WGSL must protect the product (integer XOR with
 * a uniform zero); WebAssembly never fuses. Why: with 12 bits the fixture qwen2-tied missed the bounds (gradients off
 * by up to 1.8e-1, influence Spearman 0.979); without rounding 1.8e-5 and 1.0. See docs/arithmetic.md.
 */
export function operand(x: number): number {
  return x > -OPERAND_TINY && x < OPERAND_TINY ? 0 : x;
}

/** One product of a matrix product, rounded once, never fused with the addition that follows. */
export function product(a: number, b: number): number {
  return fround(operand(a) * operand(b));
}

/** x · 2^n for a normal x, by its exponent field; +0 below 2^-100, 2^51 with x's sign where the result passes 2^50. */
export function scale2(x: number, n: number): number {
  const bits = bitsOf(x);
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0) return 0;
  const shifted = exponent + n;
  if (shifted < 27) return 0;
  if (shifted > 178) return fromBits(((bits & 0x80000000) | 0x59000000) >>> 0);
  return fromBits(((bits & 0x807fffff) | (shifted << 23)) >>> 0);
}

const LOG2E = fround(Math.LOG2E);
// ln 2 in two parts; the first has 12 significant bits, so its product with a whole number up to 2^12 is exact.
const LN2_HIGH = fround(0.693115234375);
const LN2_LOW = fround(3.19461849453094e-5);
// Taylor coefficients of e^r on |r| <= ln2/2.
const EXP = [1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1].map(fround);

/** e^x. +0 for x < -69, 2^51 (out of range) for x > 35. Error under 3 ulp (scalar-accuracy.test.ts). */
export function exp(x: number): number {
  if (x < -69) return 0;
  if (x > 35) return 2 ** 51;
  const n = Math.floor(add(mul(x, LOG2E), 0.5));
  const r = sub(sub(x, mul(n, LN2_HIGH)), mul(n, LN2_LOW));
  let p = EXP[0]!;
  for (let i = 1; i < 7; i++) p = add(mul(p, r), EXP[i]!);
  return scale2(p, n);
}

const RECIPROCAL_A = fround(48 / 17);
const RECIPROCAL_B = fround(16 / 17);

/** 1/m for 1 <= m < 2: a linear estimate and three Newton steps. */
function reciprocalSignificand(m: number): number {
  let y = mul(sub(RECIPROCAL_A, mul(m, RECIPROCAL_B)), 0.5);
  for (let i = 0; i < 3; i++) y = mul(y, sub(2, mul(m, y)));
  return y;
}

/** a / b; out of range (2^51) for b = 0. The power of two of b is taken apart, so nothing in between overflows. */
export function div(a: number, b: number): number {
  const bits = bitsOf(b);
  const exponent = (bits >>> 23) & 0xff;
  if (exponent === 0) return 2 ** 51;
  const m = fromBits((bits & 0x7fffff) | 0x3f800000);
  const q = scale2(mul(a, reciprocalSignificand(m)), 127 - exponent);
  return bits >>> 31 ? (q === 0 ? 0 : -q) : q;
}

/** 1/sqrt(x) for x > 0; out of range (2^51) otherwise. Reduced to [1, 4), integer estimate, four Newton steps. */
export function rsqrt(x: number): number {
  const bits = bitsOf(x);
  const exponent = (bits >>> 23) & 0xff;
  if (bits >>> 31 || exponent === 0) return 2 ** 51;
  const odd = (exponent + 1) & 1; // 127 is even power 0
  const m = fromBits((bits & 0x7fffff) | ((127 + odd) << 23));
  let y = fromBits(0x5f3759df - (bitsOf(m) >>> 1));
  const half = mul(m, 0.5);
  for (let i = 0; i < 4; i++) y = mul(y, sub(1.5, mul(half, mul(y, y))));
  return scale2(y, -((exponent - 127 - odd) / 2));
}

/** sqrt(x) = x · rsqrt(x); 0 for x <= 0. */
export function sqrt(x: number): number {
  return x > 0 ? mul(x, rsqrt(x)) : 0;
}

// log m = 2 atanh s, s = (m-1)/(m+1), |s| <= 0.1716: odd powers up to s^9.
const LOG = [2 / 9, 2 / 7, 2 / 5, 2 / 3, 2].map(fround);

/** Natural logarithm of x > 0; out of range (-2^51) otherwise. */
export function log(x: number): number {
  const bits = bitsOf(x);
  if (bits >>> 31 || ((bits >>> 23) & 0xff) === 0) return -(2 ** 51);
  // Significand in [sqrt(1/2), sqrt(2)): 0x3f3504f3 is the float32 just below sqrt(1/2).
  const e = (bits - 0x3f3504f3) >> 23;
  const m = fromBits(bits - (e << 23));
  const s = div(sub(m, 1), add(m, 1));
  const z = mul(s, s);
  let p = LOG[0]!;
  for (let i = 1; i < 5; i++) p = add(mul(p, z), LOG[i]!);
  return add(mul(e, LN2_HIGH), add(mul(p, s), mul(e, LN2_LOW)));
}

export function sigmoid(x: number): number {
  // Below -34 the result is e^x to within float32, and e^-x would leave the range.
  return x < -34 ? exp(x) : div(1, add(1, exp(-x)));
}

/**
 * Sum of `count` terms in the one order of RF32: blocks of 256, each from +0 in increasing order,
 * block sums added in increasing order.
 */
export function blockSum(count: number, term: (k: number) => number): number {
  let total = 0;
  for (let start = 0; start < count; start += BLOCK) {
    const end = Math.min(start + BLOCK, count);
    let sum = 0;
    for (let k = start; k < end; k++) sum = fround(sum + term(k));
    total = fround(total + sum);
  }
  return total;
}

/** Index of the first value that RF32 does not allow (NaN, infinity, |x| > 2^50), or -1. */
export function firstOutOfRange(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) <= HUGE)) return i;
  return -1;
}

/** True where every value may be stored: +0 or 2^-100 <= |x| <= 2^50. */
export function isStorable(x: number): boolean {
  return Object.is(x, 0) || (Math.abs(x) >= TINY && Math.abs(x) <= HUGE && fround(x) === x);
}
