import { bitsOf } from '../../arithmetic/rf32.ts';

/**
 * RF32 in WGSL, function by function the same as src/arithmetic/rf32.ts.
 *
 * WGSL lets a compiler fuse a multiply and an add, and reassociate. Here every result of a float operation goes
 * through an integer XOR with `u.zero`, a uniform that is 0 but that no compiler can know to be 0: between two
 * float operations there is always an integer one. Ranges are compared on the bits, because WGSL also lets a
 * compiler assume that there is neither NaN nor infinity.
 */
export function wgslFloat(value: number): string {
  return `bitcast<f32>(0x${bitsOf(Math.fround(value)).toString(16).padStart(8, '0')}u)`;
}

const polynomial = (name: string, x: string, coefficients: number[]) =>
  [`var ${name} = ${wgslFloat(coefficients[0]!)};`, ...coefficients.slice(1).map((c) => `${name} = add(mul(${name}, ${x}), ${wgslFloat(c)});`)].join('\n  ');

export const prelude = /* wgsl */ `
fn opaque_f32(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ u.zero); }
fn flush_bits(bits: u32) -> f32 { return bitcast<f32>(select(bits, 0u, (bits & 0x7fffffffu) < 0x0d800000u)); }
fn store(x: f32) -> f32 { return flush_bits(bitcast<u32>(x)); }
fn mul(a: f32, b: f32) -> f32 { return flush_bits(bitcast<u32>(a * b) ^ u.zero); }
fn add(a: f32, b: f32) -> f32 { return opaque_f32(a + b); }
fn sub(a: f32, b: f32) -> f32 { return opaque_f32(a - b); }
fn negate(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u); }

// What a matrix product reads: no product of two such values is below 2^-100.
fn operand(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  return bitcast<f32>(select(bits, 0u, (bits & 0x7fffffffu) < 0x26800000u));
}

fn scale2(x: f32, n: i32) -> f32 {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 0xffu);
  let shifted = exponent + n;
  if (exponent == 0 || shifted < 27) { return 0.0; }
  if (shifted > 178) { return bitcast<f32>((bits & 0x80000000u) | 0x59000000u); }
  return bitcast<f32>((bits & 0x807fffffu) | (u32(shifted) << 23u));
}

fn rf_exp(x: f32) -> f32 {
  if (x < -69.0) { return 0.0; }
  if (x > 35.0) { return ${wgslFloat(2 ** 51)}; }
  let n = floor(add(mul(x, ${wgslFloat(Math.LOG2E)}), 0.5));
  let r = sub(sub(x, mul(n, ${wgslFloat(0.693115234375)})), mul(n, ${wgslFloat(3.19461849453094e-5)}));
  ${polynomial('p', 'r', [1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1])}
  return scale2(p, i32(n));
}

fn reciprocal_significand(m: f32) -> f32 {
  var y = mul(sub(${wgslFloat(48 / 17)}, mul(m, ${wgslFloat(16 / 17)})), 0.5);
  for (var step = 0; step < 3; step++) { y = mul(y, sub(2.0, mul(m, y))); }
  return y;
}

fn rf_div(a: f32, b: f32) -> f32 {
  let bits = bitcast<u32>(b);
  let exponent = (bits >> 23u) & 0xffu;
  if (exponent == 0u) { return ${wgslFloat(2 ** 51)}; }
  let m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  let q = bitcast<u32>(scale2(mul(a, reciprocal_significand(m)), 127 - i32(exponent)));
  return bitcast<f32>(select(q ^ (bits & 0x80000000u), 0u, q == 0u));
}

fn rf_rsqrt(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let exponent = i32((bits >> 23u) & 0xffu);
  if ((bits >> 31u) != 0u || exponent == 0) { return ${wgslFloat(2 ** 51)}; }
  let odd = (exponent + 1) & 1;
  let m_bits = (bits & 0x7fffffu) | (u32(127 + odd) << 23u);
  let half = mul(bitcast<f32>(m_bits), 0.5);
  var y = bitcast<f32>(0x5f3759dfu - (m_bits >> 1u));
  for (var step = 0; step < 4; step++) { y = mul(y, sub(1.5, mul(half, mul(y, y)))); }
  return scale2(y, -((exponent - 127 - odd) / 2));
}

fn rf_sqrt(x: f32) -> f32 {
  if (x > 0.0) { return mul(x, rf_rsqrt(x)); }
  return 0.0;
}

fn rf_log(x: f32) -> f32 {
  let bits = bitcast<i32>(x);
  if (bits < 0x00800000) { return ${wgslFloat(-(2 ** 51))}; }
  let e = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (e << 23u));
  let s = rf_div(sub(m, 1.0), add(m, 1.0));
  let z = mul(s, s);
  ${polynomial('p', 'z', [2 / 9, 2 / 7, 2 / 5, 2 / 3, 2])}
  return add(mul(f32(e), ${wgslFloat(0.693115234375)}), add(mul(p, s), mul(f32(e), ${wgslFloat(3.19461849453094e-5)})));
}

fn rf_sigmoid(x: f32) -> f32 {
  if (x < -34.0) { return rf_exp(x); }
  return rf_div(1.0, add(1.0, rf_exp(negate(x))));
}
`;

/**
 * One step of a matrix product, sum + a · b, for operands read through `operand`. The product is always taken apart
 * from the addition; the protected form, for devices that fail the self-test, takes the additions apart too.
 */
export function productStep(isProtected: boolean): string {
  return isProtected
    ? 'fn product_step(sum: f32, a: f32, b: f32) -> f32 { return opaque_f32(sum + opaque_f32(a * b)); }'
    : 'fn product_step(sum: f32, a: f32, b: f32) -> f32 { return sum + opaque_f32(a * b); }';
}
