/**
 * Counter-based integer random numbers: the value is a function of (seed, stream, counter), so any part of a
 * run can be recomputed alone. The mixer is the "lowbias32" finaliser (C. Wellons, hash-prospector), applied
 * once per word.
 */
function mix(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** A 32-bit word. */
export function randomWord(seed: number, stream: number, counter: number): number {
  return mix((mix((mix((seed ^ 0x9e3779b9) >>> 0) ^ Math.imul(stream, 0x85ebca6b)) >>> 0) + Math.imul(counter, 0xc2b2ae35)) >>> 0);
}

/** A multiple of 2^-24 in [0, 1). */
export function randomUnit(seed: number, stream: number, counter: number): number {
  return (randomWord(seed, stream, counter) >>> 8) / 2 ** 24;
}

/** A whole number in [0, n). n <= 2^24. */
export function randomBelow(n: number, seed: number, stream: number, counter: number): number {
  return Math.floor(randomUnit(seed, stream, counter) * n);
}

/**
 * Approximately normal with mean 0 and variance 1: the sum of twelve uniforms less six (Irwin–Hall).
 * Exact in float64, so the same everywhere; its tails end at ±6, which suits initial weights.
 */
export function randomNormal(seed: number, stream: number, counter: number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += randomUnit(seed, stream, counter * 12 + i);
  return sum;
}

/** A permutation of 0..n-1 (Fisher–Yates). */
export function permutation(n: number, seed: number, stream: number): number[] {
  const out = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = randomBelow(i + 1, seed, stream, i);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
