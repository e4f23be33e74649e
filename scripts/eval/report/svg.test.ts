import { describe, expect, it } from 'vitest';
import { barChart, scatter } from './svg.ts';

describe('plots', () => {
  it('bars: one rectangle each, as long as their value, labels escaped', () => {
    const text = barChart('A & B', [{ label: '<one>', value: 0.5, low: 0.4, high: 0.6 }, { label: 'two', value: 1, low: 0.9, high: 1, muted: true }], { value: 0.97, label: 'ceiling' });
    expect(text).toContain('&#60;one&#62;');
    expect(text).toContain('A &#38; B');
    expect(text).not.toContain('<one>');
    const widths = [...text.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)"/g)].map((found) => Number(found[1]));
    expect(widths).toHaveLength(2);
    expect(widths[1]! / widths[0]!).toBeCloseTo(2, 2);
  });
  it('bars below 0 begin at 0 and go left', () => {
    const text = barChart('t', [{ label: 'worse', value: -0.2, low: -0.3, high: -0.1 }]);
    expect(text).not.toMatch(/width="-/);
    expect(text).toContain('-0.20');
  });
  it('scatter: a point for each pair, inside its panel, also where nothing varies', () => {
    const text = scatter('t', [{ label: 'a', x: [1, 2, 3], y: [1, 1, 1] }], { x: 'predicted', y: 'real' });
    const points = [...text.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map((found) => found.slice(1).map(Number));
    expect(points).toHaveLength(3);
    for (const [x, y] of points) {
      expect(x).toBeGreaterThanOrEqual(40);
      expect(x).toBeLessThanOrEqual(280);
      expect(y).toBeGreaterThanOrEqual(60);
      expect(y).toBeLessThanOrEqual(300);
    }
  });
});
