import { describe, expect, it } from 'vitest';
import { hostExp, hostLog, hostPow, hostSinCos } from './host.ts';
import { permutation, randomNormal, randomUnit, randomWord } from './random.ts';

describe('host functions', () => {
  it('agree with the engine’s own to 1e-14', () => {
    for (let x = -40; x < 40; x += 0.37) {
      expect(hostExp(x) / Math.exp(x)).toBeCloseTo(1, 13);
      const [s, c] = hostSinCos(x * 7);
      expect(s).toBeCloseTo(Math.sin(x * 7), 13);
      expect(c).toBeCloseTo(Math.cos(x * 7), 13);
    }
    for (const x of [1e-9, 0.3, 1, 1.5, 2, 10000, 1e6]) expect(hostLog(x)).toBeCloseTo(Math.log(x), 12);
    expect(hostPow(10000, 0.25)).toBeCloseTo(10, 12);
    expect(() => hostLog(0)).toThrow(RangeError);
  });
});

describe('random numbers', () => {
  it('are functions of seed, stream and counter', () => {
    // Known answers: a change here changes every recipe's bytes.
    expect([randomWord(1, 2, 3), randomWord(1, 2, 4), randomWord(1, 3, 3), randomWord(2, 2, 3)]).toEqual([2566413786,3029957756,4275968670,4241527296]);
    expect(new Set(Array.from({ length: 1000 }, (_, i) => randomWord(5, 1, i))).size).toBe(1000);
  });
  it('are spread evenly and have the moments they should', () => {
    const n = 20_000;
    const uniform = Array.from({ length: n }, (_, i) => randomUnit(1, 1, i));
    expect(uniform.reduce((a, b) => a + b, 0) / n).toBeCloseTo(0.5, 1);
    const normal = Array.from({ length: n }, (_, i) => randomNormal(1, 2, i));
    expect(normal.reduce((a, b) => a + b, 0) / n).toBeCloseTo(0, 1);
    expect(normal.reduce((a, b) => a + b * b, 0) / n).toBeCloseTo(1, 1);
  });
  it('permute', () => {
    const order = permutation(100, 3, 4);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(order).not.toEqual(permutation(100, 3, 5));
  });
});
