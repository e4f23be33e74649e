import { describe, expect, it } from 'vitest';
import { randomNormal } from '../../arithmetic/random.ts';
import { chanceDeviations, squaresOf } from './noise.ts';

const normal = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => randomNormal(seed, 0, i));

describe('what scores would be by chance', () => {
  it('is, to float32’s accuracy, what float64 gives', () => {
    const [records, draws, width] = [7, 300, 600];
    const [rows, N] = [normal(records * width, 1), normal(draws * width, 2)];
    const owners = Array.from({ length: draws }, (_, i) => i % 9);
    const dot = (a: Float32Array, i: number, b: Float32Array, j: number) => {
      let sum = 0;
      for (let t = 0; t < width; t++) sum += a[i * width + t]! * b[j * width + t]!;
      return sum;
    };
    const products = Float32Array.from({ length: records * draws }, (_, at) => dot(rows, Math.floor(at / draws), N, at % draws));
    const squares = squaresOf(N, width);
    for (let i = 0; i < draws; i++) expect(Math.abs(squares[i]! / dot(N, i, N, i) - 1)).toBeLessThan(2 ** -18);
    // Records 2, … of a ledger, whose owners are counted from its first.
    const got = chanceDeviations(products, squares, owners, 2, records);
    for (let k = 0; k < records; k++) {
      const others = owners.flatMap((owner, i) => (owner === k + 2 ? [] : [dot(rows, k, N, i) ** 2 / dot(N, i, N, i)]));
      expect(Math.abs(got[k]! / Math.sqrt(others.reduce((x, y) => x + y) / others.length) - 1)).toBeLessThan(2 ** -18);
    }
  });

  it('counts neither the record’s own draws nor those of no gradient', () => {
    const squares = Float32Array.of(4, 0, 1, 16);
    const owners = [0, 1, 2, 0];
    // Of record 0 the draw of record 2 alone; of record 2 both draws of record 0.
    const products = Float32Array.of(100, 100, 3, 100, 1, 100, 100, 2, 0, 100, 100, 4);
    expect([...chanceDeviations(products, squares, owners, 0, 3)]).toEqual([3, Math.fround(Math.sqrt((0.25 + 10000 + 0.25) / 3)), Math.fround(Math.sqrt(0.5))].map(near));
    expect([...chanceDeviations(Float32Array.of(5), Float32Array.of(4), [0], 0, 1)]).toEqual([0]);
    expect([...chanceDeviations(new Float32Array(0), new Float32Array(0), [], 0, 2)]).toEqual([0, 0]);
    expect([...squaresOf(Float32Array.of(3, 4, 0, 0), 2)]).toEqual([25, 0]);
  });

  it('refuses what leaves the range', () => {
    const refused = expect.objectContaining({ code: 'rf32/out-of-range' }) as unknown;
    expect(() => squaresOf(Float32Array.of(2 ** 26), 1)).toThrow(refused);
    expect(() => squaresOf(Float32Array.of(Infinity), 1)).toThrow(refused);
    expect(() => chanceDeviations(Float32Array.of(2 ** 26), Float32Array.of(1), [1], 0, 1)).toThrow(refused);
    expect(() => chanceDeviations(Float32Array.of(NaN), Float32Array.of(1), [1], 0, 1)).toThrow(refused);
  });
});

/** RF32's roots and quotients may be a unit of the last place beside the nearest. */
const near = (value: number): unknown => expect.closeTo(value, 5);
