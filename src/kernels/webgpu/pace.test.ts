import { describe, expect, it } from 'vitest';
import { BUDGET_MS, Pace } from './pace.ts';

/** A device that takes `msPerUnit[pipeline]` for each unit, heard of one submission at a time. */
function device(pace: Pace, msPerUnit: number[], rounds: number, units: number): void {
  let now = 0;
  for (let round = 0; round < rounds; round++) {
    const parts = msPerUnit.map((_, pipeline) => ({ pipeline, units, ms: pace.predict(pipeline, units) }));
    for (const part of round % 2 ? parts : parts.reverse()) {
      pace.submitted(now);
      now += part.units * msPerUnit[part.pipeline]!;
      pace.finished([part], now);
    }
  }
}

describe('pace', () => {
  it('expects little of a device that it does not know', () => {
    // 30 thousand million multiply-adds: 3 s at first sight.
    expect(new Pace(false).pieces(0, 3e10)).toBeGreaterThan(20);
    expect(new Pace(true).pieces(0, 3e8)).toBeGreaterThan(20);
    expect(new Pace(false).pieces(0, 1000)).toBe(1);
  });

  it('learns each program of its own, slow and fast, and cuts to the budget', () => {
    const pace = new Pace(true);
    device(pace, [1e-6, 1e-4], 30, 2e6);
    expect(pace.predict(0, 1e7)).toBeGreaterThan(5);
    expect(pace.predict(0, 1e7)).toBeLessThan(20);
    expect(pace.predict(1, 1e7)).toBeGreaterThan(500);
    expect(pace.predict(1, 1e7)).toBeLessThan(2000);
    expect(pace.pieces(1, 1e7)).toBeGreaterThan(500 / BUDGET_MS);
    expect(pace.pieces(0, 1e7)).toBe(1);
  });

  it('takes submissions heard of one after the other as one measurement', () => {
    const pace = new Pace(true);
    for (let round = 0; round < 20; round++) {
      const parts = [1, 2, 3].map(() => ({ pipeline: 0, units: 1e6, ms: pace.predict(0, 1e6) }));
      const start = round * 1000;
      // Recorded within one busy stretch; heard of 60 ms later, within a moment.
      parts.forEach((_, i) => pace.submitted(start + i));
      parts.forEach((part, i) => pace.finished([part], start + 60 + i / 10));
    }
    expect(pace.predict(0, 1e6)).toBeGreaterThan(15);
    expect(pace.predict(0, 1e6)).toBeLessThan(25);
  });

  it('is moved by one disturbed measurement, not carried away', () => {
    const pace = new Pace(true);
    device(pace, [1e-5], 20, 1e6);
    const before = pace.predict(0, 1e6);
    pace.submitted(1e6);
    pace.finished([{ pipeline: 0, units: 1e6, ms: before }], 1e6 + 60_000);
    expect(pace.predict(0, 1e6)).toBeLessThan(before * 4.5);
  });
});
