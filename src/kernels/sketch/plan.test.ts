import { describe, expect, it } from 'vitest';
import { NEGATIVE } from './operation.ts';
import { sketchPlan } from './plan.ts';

describe('sketchPlan', () => {
  it('puts every position into one bucket, in increasing order', () => {
    const { starts, members } = sketchPlan(5, 2, 10_000, 37);
    expect([starts.length, starts[0], starts[37]]).toEqual([38, 0, 10_000]);
    const positions = [...members].map((member) => member % NEGATIVE);
    expect(new Set(positions).size).toBe(10_000);
    for (let j = 0; j < 37; j++) {
      const own = positions.slice(starts[j]!, starts[j + 1]!);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
      expect(own.length).toBeGreaterThan(200); // 270 expected, standard deviation 16
      expect(own.length).toBeLessThan(340);
    }
    const minus = [...members].filter((member) => member >= NEGATIVE).length;
    expect(Math.abs(minus - 5000)).toBeLessThan(250); // standard deviation 50
  });

  it('is a function of seed and stream', () => {
    expect(sketchPlan(5, 2, 300, 16)).toEqual(sketchPlan(5, 2, 300, 16));
    expect(sketchPlan(5, 3, 300, 16)).not.toEqual(sketchPlan(5, 2, 300, 16));
    expect(sketchPlan(6, 2, 300, 16)).not.toEqual(sketchPlan(5, 2, 300, 16));
    // A recipe names a seed: what it stands for may never change.
    expect([...sketchPlan(1, 0, 8, 4).members].map((member) => (member >= NEGATIVE ? NEGATIVE - member : member))).toMatchInlineSnapshot(`
      [
        1,
        6,
        -4,
        7,
        0,
        -2,
        -5,
        3,
      ]
    `);
  });

  it('takes little time for a million positions, none for none', () => {
    const start = process.cpuUsage().user;
    sketchPlan(1, 0, 1_000_000, 4096);
    expect((process.cpuUsage().user - start) / 1000).toBeLessThan(500);
    expect(sketchPlan(1, 0, 0, 3)).toEqual({ starts: new Uint32Array(4), members: new Uint32Array(0) });
    for (const [P, d] of [[-1, 4], [1.5, 4], [8, 0], [8, 2 ** 25], [2 ** 31, 4], [NaN, 4]]) expect(() => sketchPlan(1, 0, P!, d!)).toThrow(RangeError);
  });

  it('keeps inner products on average', () => {
    const p = 400;
    const a = Array.from({ length: p }, (_, i) => Math.sin(i));
    const b = Array.from({ length: p }, (_, i) => Math.sin(i + 1));
    const exact = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    let mean = 0;
    const seeds = 400;
    for (let seed = 0; seed < seeds; seed++) {
      const { starts, members } = sketchPlan(seed, 0, p, 64);
      for (let j = 0; j < 64; j++) {
        const sums = [0, 0];
        for (const member of members.subarray(starts[j], starts[j + 1])) {
          const sign = member >= NEGATIVE ? -1 : 1;
          sums[0]! += sign * a[member % NEGATIVE]!;
          sums[1]! += sign * b[member % NEGATIVE]!;
        }
        mean += (sums[0]! * sums[1]!) / seeds;
      }
    }
    // One sketch's standard deviation is about |a||b|/sqrt(64) = 25; of the mean of 400, 1.25.
    expect(Math.abs(mean - exact)).toBeLessThan(5);
  });
});
