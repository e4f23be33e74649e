import { describe, expect, it } from 'vitest';
import { bitsOf, div, exp, fromBits, log, rsqrt, sigmoid, sqrt } from '../arithmetic/rf32.ts';
import { randomWord } from '../arithmetic/random.ts';

/** Distance in units of the last place of the float32 nearest to the exact result. */
function ulps(got: number, exact: number): number {
  const nearest = Math.fround(exact);
  const bits = bitsOf(Math.abs(nearest));
  const ulp = fromBits(bits + 1) - fromBits(bits);
  return Math.abs(got - exact) / ulp;
}

/** A float32 of either sign with an exponent in [low, high). */
function spread(i: number, low: number, high: number): number {
  const word = randomWord(7, 1, i);
  const exponent = low + (randomWord(7, 2, i) % (high - low));
  return (word & 0x800000 ? -1 : 1) * fromBits(((exponent + 127) << 23) | (word & 0x7fffff));
}

const COUNT = 200_000;
function worst(error: (i: number) => number): number {
  let most = 0;
  for (let i = 0; i < COUNT; i++) most = Math.max(most, error(i));
  return most;
}

const between = (i: number, low: number, high: number) => Math.fround(low + (randomWord(9, 3, i) / 2 ** 32) * (high - low));

// The bounds are stated in docs/arithmetic.md. A lower bound too: an error of nothing would mean that the measure is
// broken.
const measured: [string, number, () => number][] = [
  [
    'exp on [-69, 35]',
    3,
    () =>
      worst((i) => {
        const x = between(i, -69, 34.6);
        return ulps(exp(x), Math.exp(x));
      }),
  ],
  [
    'a / b',
    3,
    () =>
      worst((i) => {
        const [a, b] = [spread(i, -40, 40), spread(i + COUNT, -40, 8)];
        return Math.abs(a / b) < 2 ** 49 ? ulps(div(a, b), a / b) : 0;
      }),
  ],
  [
    '1 / sqrt x',
    2,
    () =>
      worst((i) => {
        const x = Math.abs(spread(i, -90, 50));
        return ulps(rsqrt(x), 1 / Math.sqrt(x));
      }),
  ],
  [
    'sqrt x',
    3,
    () =>
      worst((i) => {
        const x = Math.abs(spread(i, -90, 50));
        return ulps(sqrt(x), Math.sqrt(x));
      }),
  ],
  // Near 1 the logarithm is small beside the terms it is summed from: its error there is absolute.
  [
    'log x away from 1',
    3,
    () =>
      worst((i) => {
        const x = Math.abs(spread(i, -90, 50));
        return Math.abs(x - 1) < 0.3 ? 0 : ulps(log(x), Math.log(x));
      }),
  ],
  [
    'sigmoid on [-60, 60]',
    4,
    () =>
      worst((i) => {
        const x = between(i, -60, 60);
        return ulps(sigmoid(x), 1 / (1 + Math.exp(-x)));
      }),
  ],
];

describe('accuracy of the scalar functions, in units of the last place', () => {
  it.each(measured)('%s', (name, bound, measure) => {
    const error = measure();
    console.log(`${name}: at most ${error.toFixed(2)} ulp`);
    expect(error).toBeLessThan(bound);
    expect(error).toBeGreaterThan(0.4);
  });

  it('log x near 1 is absolutely accurate', () => {
    const error = worst((i) => {
      const x = between(i, 0.7, 1.3);
      return Math.abs(log(x) - Math.log(x));
    });
    console.log(`log x near 1: absolute error at most ${error.toExponential(2)}`);
    expect(error).toBeLessThan(2 ** -23);
  });

  it('exact at the points that must be exact', () => {
    expect(exp(0)).toBe(1);
    expect(log(1)).toBe(0);
    expect(sigmoid(0)).toBe(0.5);
    for (let n = -40; n <= 40; n++) expect(div(1, 2 ** n)).toBe(2 ** -n);
    expect([div(1, 0), rsqrt(0), log(0), exp(36)]).toEqual([2 ** 51, 2 ** 51, -(2 ** 51), 2 ** 51]);
    expect([exp(-70), div(0, 3), sqrt(0)]).toEqual([0, 0, 0]);
  });
});
