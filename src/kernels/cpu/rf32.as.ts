// RF32 in AssemblyScript, four lanes at a time: the same steps as src/arithmetic/rf32.ts.

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
  const moved = v128.or(v128.and(x, i32x4.splat(0x807fffff)), i32x4.shl(v128.and(shifted, i32x4.splat(0xff)), 23));
  const high = v128.or(v128.and(x, i32x4.splat(0x80000000)), i32x4.splat(0x59000000));
  const r = v128.bitselect(high, moved, i32x4.gt_s(shifted, i32x4.splat(178)));
  const zero = v128.or(i32x4.lt_s(shifted, i32x4.splat(27)), i32x4.eq(exponent, i32x4.splat(0)));
  return v128.andnot(r, zero);
}

/** e^x; see exp in rf32.ts. */
export function expv(x: v128): v128 {
  const low = f32x4.lt(x, f32x4.splat(-69));
  const high = f32x4.gt(x, f32x4.splat(35));
  // Lanes outside are computed on 0 and replaced.
  const safe = v128.andnot(x, v128.or(low, high));
  const n = f32x4.floor(f32x4.add(mulv(safe, f32x4.splat(reinterpret<f32>(0x3fb8aa3b))), f32x4.splat(0.5)));
  const r = f32x4.sub(
    f32x4.sub(safe, mulv(n, f32x4.splat(0.693115234375))),
    mulv(n, f32x4.splat(3.19461849453094e-5)),
  );
  let p = f32x4.splat((1.0 / 720.0) as f32);
  p = f32x4.add(mulv(p, r), f32x4.splat((1.0 / 120.0) as f32));
  p = f32x4.add(mulv(p, r), f32x4.splat((1.0 / 24.0) as f32));
  p = f32x4.add(mulv(p, r), f32x4.splat((1.0 / 6.0) as f32));
  p = f32x4.add(mulv(p, r), f32x4.splat(0.5));
  p = f32x4.add(mulv(p, r), f32x4.splat(1));
  p = f32x4.add(mulv(p, r), f32x4.splat(1));
  const y = scale2v(p, i32x4.trunc_sat_f32x4_s(n));
  return v128.andnot(v128.bitselect(f32x4.splat(2251799813685248.0), y, high), low);
}

/** a / b; see div in rf32.ts. */
export function divv(a: v128, b: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(b, 23), i32x4.splat(0xff));
  const m = v128.or(v128.and(b, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000));
  let y = mulv(
    f32x4.sub(f32x4.splat((48.0 / 17.0) as f32), mulv(m, f32x4.splat((16.0 / 17.0) as f32))),
    f32x4.splat(0.5),
  );
  for (let i = 0; i < 3; i++) y = mulv(y, f32x4.sub(f32x4.splat(2), mulv(m, y)));
  const q = scale2v(mulv(a, y), i32x4.sub(i32x4.splat(127), exponent));
  // The divisor's sign flips the quotient's, but 0 stays +0.
  const nonzero = i32x4.ne(q, i32x4.splat(0));
  const signed = v128.xor(q, v128.and(v128.and(b, i32x4.splat(0x80000000)), nonzero));
  return v128.bitselect(f32x4.splat(2251799813685248.0), signed, i32x4.eq(exponent, i32x4.splat(0)));
}

/** 1/sqrt(x), x > 0; see rsqrt in rf32.ts. */
export function rsqrtv(x: v128): v128 {
  const exponent = v128.and(i32x4.shr_u(x, 23), i32x4.splat(0xff));
  const bad = v128.or(i32x4.lt_s(x, i32x4.splat(0)), i32x4.eq(exponent, i32x4.splat(0)));
  const odd = v128.and(i32x4.add(exponent, i32x4.splat(1)), i32x4.splat(1));
  const m = v128.or(
    v128.and(x, i32x4.splat(0x7fffff)),
    i32x4.shl(i32x4.add(odd, i32x4.splat(127)), 23),
  );
  let y = i32x4.sub(i32x4.splat(0x5f3759df), i32x4.shr_u(m, 1));
  const half = mulv(m, f32x4.splat(0.5));
  for (let i = 0; i < 4; i++) y = mulv(y, f32x4.sub(f32x4.splat(1.5), mulv(half, mulv(y, y))));
  const power = i32x4.shr_s(i32x4.sub(i32x4.sub(exponent, i32x4.splat(127)), odd), 1);
  return v128.bitselect(f32x4.splat(2251799813685248.0), scale2v(y, i32x4.neg(power)), bad);
}

/** One lane of the functions above. */
export function exps(x: f32): f32 {
  return f32x4.extract_lane(expv(f32x4.splat(x)), 0);
}
export function divs(a: f32, b: f32): f32 {
  return f32x4.extract_lane(divv(f32x4.splat(a), f32x4.splat(b)), 0);
}
export function rsqrts(x: f32): f32 {
  return f32x4.extract_lane(rsqrtv(f32x4.splat(x)), 0);
}

/** Natural logarithm; see log in rf32.ts. */
export function logs(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  if (bits < 0 || ((bits >>> 23) & 0xff) == 0) return -2251799813685248.0;
  const e = (bits - 0x3f3504f3) >> 23;
  const m = reinterpret<f32>(bits - (e << 23));
  const s = divs(m - 1, m + 1);
  const z = muls(s, s);
  let p: f32 = (2.0 / 9.0) as f32;
  p = muls(p, z) + ((2.0 / 7.0) as f32);
  p = muls(p, z) + ((2.0 / 5.0) as f32);
  p = muls(p, z) + ((2.0 / 3.0) as f32);
  p = muls(p, z) + 2;
  return muls(<f32>e, 0.693115234375) + (muls(p, s) + muls(<f32>e, 3.19461849453094e-5));
}
