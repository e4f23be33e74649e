/**
 * Functions the host computes once (tables, schedules) in float64 with + - * / and Math.sqrt only, which
 * IEEE 754 fixes to the bit. Math.sin, Math.cos, Math.exp, Math.log and Math.pow differ between engines.
 */
const LN2_HI = 0.693147180369123816490;
const LN2_LO = 1.90821492927058770002e-10;
const PI_HALF_HI = 1.57079632673412561417;
const PI_HALF_LO = 6.07710050650619224932e-11;

/** x · 2^n exactly, |n| < 1000. */
function timesPowerOf2(x: number, n: number): number {
  let factor = 1;
  for (let i = Math.abs(n); i > 0; i--) factor *= 2;
  return n < 0 ? x / factor : x * factor;
}

export function hostExp(x: number): number {
  const n = Math.round(x / (LN2_HI + LN2_LO));
  const r = x - n * LN2_HI - n * LN2_LO;
  let sum = 1;
  for (let k = 18; k >= 1; k--) sum = 1 + (r / k) * sum;
  return timesPowerOf2(sum, n);
}

export function hostLog(x: number): number {
  if (!(x > 0) || x === Infinity) throw new RangeError(`logarithm of ${x}`);
  let e = 0;
  let m = x;
  while (m > 1.4142135623730951) { m /= 2; e++; }
  while (m < 0.7071067811865476) { m *= 2; e--; }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum = 0;
  for (let k = 25; k >= 1; k -= 2) sum = 1 / k + z * sum;
  return e * LN2_HI + (e * LN2_LO + 2 * s * sum);
}

export function hostPow(base: number, exponent: number): number {
  return hostExp(exponent * hostLog(base));
}

/** [sin x, cos x] for |x| < 2^30. */
export function hostSinCos(x: number): [number, number] {
  const n = Math.round(x / (PI_HALF_HI + PI_HALF_LO));
  const r = x - n * PI_HALF_HI - n * PI_HALF_LO;
  const z = r * r;
  let s = 1;
  let c = 1;
  for (let k = 21; k >= 3; k -= 2) s = 1 - (z / (k * (k - 1))) * s;
  for (let k = 20; k >= 2; k -= 2) c = 1 - (z / (k * (k - 1))) * c;
  s *= r;
  switch (((n % 4) + 4) % 4) {
    case 0: return [s, c];
    case 1: return [c, -s];
    case 2: return [-s, -c];
    default: return [-c, s];
  }
}
