/** How a time grows with a size. */
export interface Scaling {
  what: string;
  sizes: number[];
  ms: number[];
  /** Slope of log time over log size by least squares: 1 is linear, 2 square. */
  exponent: number;
  expected: number;
  /** Why that is expected. */
  because: string;
}

/** What a model's time grows by with each of its sizes, everything else the same. */
export const EXPECTED = {
  layers: { expected: 1, because: 'every layer does the same work' },
  width: { expected: 2, because: 'weights grow with the square of the width, and time with the weights' },
  'context, prefill': { expected: 1, because: 'products grow with the tokens; attention with their square, which rules only in long texts' },
  'context, decoding': { expected: 0, because: 'one token meets the same weights; its attention grows linearly, which rules only in long texts' },
  batch: { expected: 1, because: 'each row is multiplied by the same weights; at small batches reading the weights is shared, so less' },
} as const;

/** Slope of log ms over log size. Needs two different sizes; times above 0. */
export function exponentOf(sizes: readonly number[], ms: readonly number[]): number {
  if (sizes.length !== ms.length || new Set(sizes).size < 2) throw new RangeError('a slope needs times of two different sizes');
  const x = sizes.map(Math.log);
  const y = ms.map(Math.log);
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  return x.reduce((sum, value, i) => sum + (value - mx) * (y[i]! - my), 0) / x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
}

/** Times `run` at each size, in turns, after one run of each that is not counted; the least of `rounds` is taken. */
export async function measureScaling(what: keyof typeof EXPECTED, sizes: number[], run: (size: number) => Promise<void>, rounds = 3): Promise<Scaling> {
  const best = sizes.map(() => Infinity);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, size] of sizes.entries()) {
      const start = performance.now();
      await run(size);
      if (round > 0) best[i] = Math.min(best[i]!, performance.now() - start);
    }
  }
  return { what, sizes, ms: best, exponent: exponentOf(sizes, best), ...EXPECTED[what] };
}
