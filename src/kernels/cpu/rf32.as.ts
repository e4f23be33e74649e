// RF32 in AssemblyScript, four lanes at a time: the same steps as src/arithmetic/rf32.ts. Steps of the reference
// that cannot change a bit are left out (flushes of a term added to something of the order of 1, range checks of
// an exponent that cannot leave the range); fast.test.ts compares every lane function with the reference.

// @ts-ignore: decorator
@inline export const SIGN: i32 = 0x7fffffff;

/** What a matrix product reads (RF32 version 2): 0 where |x| < 2^-50, else x. */
// @ts-ignore: decorator
@inline export function operandv(x: v128): v128 {
  return v128.and(x, i32x4.ge_s(v128.and(x, i32x4.splat(SIGN)), i32x4.splat(0x26800000)));
}

// @ts-ignore: decorator
@inline export function operands(x: u32): u32 {
  return (x & 0x7fffffff) < 0x26800000 ? 0 : x;
}

/** +0 where |x| < 2^-100. */
// @ts-ignore: decorator
@inline export function storev(x: v128): v128 {
  return v128.and(x, i32x4.ge_s(v128.and(x, i32x4.splat(SIGN)), i32x4.splat(0x0d800000)));
}
// @ts-ignore: decorator
@inline export function mulv(a: v128, b: v128): v128 {
  return storev(f32x4.mul(a, b));
}
// @ts-ignore: decorator
@inline export function stores(x: f32): f32 {
  return Mathf.abs(x) < reinterpret<f32>(0x0d800000) ? 0 : x;
}
// @ts-ignore: decorator
@inline export function muls(a: f32, b: f32): f32 {
  return stores(a * b);
}

/** x · 2^n; see scale2 in rf32.ts. */
// @ts-ignore: decorator
@inline export function scale2v(x: v128, n: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(x, 23), i32x4.splat(0xff));
  const shifted = i32x4.add(exponent, n);
  const moved = v128.or(v128.and(x, i32x4.splat(0x807fffff)), i32x4.shl(shifted, 23));
  const high = v128.or(v128.and(x, i32x4.splat(0x80000000)), i32x4.splat(0x59000000));
  const r = v128.bitselect(high, moved, i32x4.gt_s(shifted, i32x4.splat(178)));
  const zero = v128.or(i32x4.lt_s(shifted, i32x4.splat(27)), i32x4.eq(exponent, i32x4.splat(0)));
  return v128.andnot(r, zero);
}

/** e^x for lanes of at most 35; greater ones give anything. */
// @ts-ignore: decorator
@inline export function expUpTo35(x: v128): v128 {
  const n = f32x4.floor(f32x4.add(f32x4.mul(x, f32x4.splat(reinterpret<f32>(0x3fb8aa3b))), f32x4.splat(0.5)));
  const r = f32x4.sub(
    f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693115234375))),
    f32x4.mul(n, f32x4.splat(3.19461849453094e-5)),
  );
  let p = f32x4.add(f32x4.mul(f32x4.splat((1.0 / 720.0) as f32), r), f32x4.splat((1.0 / 120.0) as f32));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat((1.0 / 24.0) as f32));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat((1.0 / 6.0) as f32));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.5));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1));
  // n + 1.5·2^23 holds n in its low bits; p·2^n stays within [2^-100, 2^51) for -69 <= x <= 35.
  const shift = i32x4.shl(f32x4.add(n, f32x4.splat(12582912)), 23);
  return v128.andnot(i32x4.add(p, shift), f32x4.lt(x, f32x4.splat(-69)));
}

/** e^x; see exp in rf32.ts. */
// @ts-ignore: decorator
@inline export function expv(x: v128): v128 {
  return v128.bitselect(f32x4.splat(2251799813685248.0), expUpTo35(x), f32x4.gt(x, f32x4.splat(35)));
}

/** 1/m for 1 <= m < 2. */
// @ts-ignore: decorator
@inline export function reciprocalSignificand(m: v128): v128 {
  let y = f32x4.mul(
    f32x4.sub(f32x4.splat((48.0 / 17.0) as f32), f32x4.mul(m, f32x4.splat((16.0 / 17.0) as f32))),
    f32x4.splat(0.5),
  );
  y = f32x4.mul(y, f32x4.sub(f32x4.splat(2), f32x4.mul(m, y)));
  y = f32x4.mul(y, f32x4.sub(f32x4.splat(2), f32x4.mul(m, y)));
  return f32x4.mul(y, f32x4.sub(f32x4.splat(2), f32x4.mul(m, y)));
}

/** a / b; see div in rf32.ts. */
// @ts-ignore: decorator
@inline export function divv(a: v128, b: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(b, 23), i32x4.splat(0xff));
  const m = v128.or(v128.and(b, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000));
  const q = scale2v(mulv(a, reciprocalSignificand(m)), i32x4.sub(i32x4.splat(127), exponent));
  // The divisor's sign flips the quotient's, but 0 stays +0.
  const nonzero = i32x4.ne(q, i32x4.splat(0));
  const signed = v128.xor(q, v128.and(v128.and(b, i32x4.splat(0x80000000)), nonzero));
  return v128.bitselect(f32x4.splat(2251799813685248.0), signed, i32x4.eq(exponent, i32x4.splat(0)));
}

/** 1 / b for 1 <= b <= 2^50, where neither end of the range is near. */
// @ts-ignore: decorator
@inline export function reciprocalFrom1(b: v128): v128 {
  const m = v128.or(v128.and(b, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000));
  return i32x4.add(
    reciprocalSignificand(m),
    i32x4.sub(i32x4.splat(0x3f800000), v128.and(b, i32x4.splat(0x7f800000))),
  );
}

/** 1 / (1 + e^-x); e^x below -34. One exponential serves both. */
// @ts-ignore: decorator
@inline export function sigmoidv(x: v128): v128 {
  const low = f32x4.lt(x, f32x4.splat(-34));
  const e = expUpTo35(v128.bitselect(x, f32x4.neg(x), low));
  return v128.bitselect(e, reciprocalFrom1(f32x4.add(f32x4.splat(1), e)), low);
}

/** 1/sqrt(x), x > 0; see rsqrt in rf32.ts. */
// @ts-ignore: decorator
@inline export function rsqrtv(x: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(x, 23), i32x4.splat(0xff));
  const bad = v128.or(i32x4.lt_s(x, i32x4.splat(0)), i32x4.eq(exponent, i32x4.splat(0)));
  const odd = v128.and(i32x4.add(exponent, i32x4.splat(1)), i32x4.splat(1));
  const m = v128.or(v128.and(x, i32x4.splat(0x7fffff)), i32x4.shl(i32x4.add(odd, i32x4.splat(127)), 23));
  let y = i32x4.sub(i32x4.splat(0x5f3759df), i32x4.shr_u(m, 1));
  const half = f32x4.mul(m, f32x4.splat(0.5));
  y = f32x4.mul(y, f32x4.sub(f32x4.splat(1.5), f32x4.mul(half, f32x4.mul(y, y))));
  y = f32x4.mul(y, f32x4.sub(f32x4.splat(1.5), f32x4.mul(half, f32x4.mul(y, y))));
  y = f32x4.mul(y, f32x4.sub(f32x4.splat(1.5), f32x4.mul(half, f32x4.mul(y, y))));
  y = f32x4.mul(y, f32x4.sub(f32x4.splat(1.5), f32x4.mul(half, f32x4.mul(y, y))));
  const power = i32x4.shr_s(i32x4.sub(i32x4.sub(exponent, i32x4.splat(127)), odd), 1);
  // |power| <= 64 and 0.5 <= y <= 1: the exponent field cannot leave its range.
  const scaled = i32x4.sub(y, i32x4.shl(power, 23));
  return v128.bitselect(f32x4.splat(2251799813685248.0), scaled, bad);
}

/** sqrt(x) for x >= 0. */
// @ts-ignore: decorator
@inline export function sqrtv(x: v128): v128 {
  return v128.and(mulv(x, rsqrtv(x)), f32x4.gt(x, f32x4.splat(0)));
}

/** Natural logarithm; see log in rf32.ts. */
// @ts-ignore: decorator
@inline export function logv(x: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(x, 23), i32x4.splat(0xff));
  const bad = v128.or(i32x4.lt_s(x, i32x4.splat(0)), i32x4.eq(exponent, i32x4.splat(0)));
  const k = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(k, 23));
  const s = divv(f32x4.sub(m, f32x4.splat(1)), f32x4.add(m, f32x4.splat(1)));
  const z = mulv(s, s);
  let p = f32x4.add(mulv(f32x4.splat((2.0 / 9.0) as f32), z), f32x4.splat((2.0 / 7.0) as f32));
  p = f32x4.add(mulv(p, z), f32x4.splat((2.0 / 5.0) as f32));
  p = f32x4.add(mulv(p, z), f32x4.splat((2.0 / 3.0) as f32));
  p = f32x4.add(mulv(p, z), f32x4.splat(2));
  const e = f32x4.convert_i32x4_s(k);
  const y = f32x4.add(
    mulv(e, f32x4.splat(0.693115234375)),
    f32x4.add(mulv(p, s), mulv(e, f32x4.splat(3.19461849453094e-5))),
  );
  return v128.bitselect(f32x4.splat(-2251799813685248.0), y, bad);
}

/** One lane of the functions above. */
export function exps(x: f32): f32 {
  return f32x4.extract_lane(expv(f32x4.splat(x)), 0);
}
export function divs(a: f32, b: f32): f32 {
  return f32x4.extract_lane(divv(f32x4.splat(a), f32x4.splat(b)), 0);
}

/** The lane functions over arrays, for known-answer tests. */
export function mapExp(from: usize, to: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(to + i, expv(v128.load(from + i)));
}
export function mapLog(from: usize, to: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(to + i, logv(v128.load(from + i)));
}
export function mapRsqrt(from: usize, to: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(to + i, rsqrtv(v128.load(from + i)));
}
export function mapSqrt(from: usize, to: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(to + i, sqrtv(v128.load(from + i)));
}
export function mapSigmoid(from: usize, to: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) v128.store(to + i, sigmoidv(v128.load(from + i)));
}
export function mapDiv(a: usize, b: usize, to: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 16) {
    v128.store(to + i, divv(v128.load(a + i), v128.load(b + i)));
  }
}
