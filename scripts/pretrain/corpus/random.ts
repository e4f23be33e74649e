/**
 * Counter-based random numbers: every draw is a hash of (seed, stream, counter), in 32-bit integers only, so that
 * any example can be made on its own and every machine makes the same corpus.
 */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function hash32(...parts: readonly number[]): number {
  let h = 0x9e3779b9;
  for (const part of parts) h = mix((Math.imul(h, 0x01000193) + (part | 0)) ^ 0x7f4a7c15);
  return h;
}

/** A stream of draws whose place is fixed by `key`. */
export class Draws {
  private readonly key: number;
  private counter = 0;

  constructor(...key: readonly number[]) {
    this.key = hash32(...key);
  }

  /** An integer from 0 to n - 1, without float arithmetic that could differ (the product stays below 2^53). */
  below(n: number): number {
    return Math.floor((hash32(this.key, this.counter++) * n) / 0x1_0000_0000);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** `count` different items, in drawn order. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    const out: T[] = [];
    while (out.length < count && left.length > 0) out.push(left.splice(this.below(left.length), 1)[0]!);
    return out;
  }
}

/**
 * A permutation of 0..size-1 given by index, without a table: a four-round Feistel network on the next even
 * number of bits, walked until it falls inside the range.
 */
export function permute(index: number, size: number, key: number): number {
  let half = 1;
  while (1 << (2 * half) < size) half++;
  const mask = (1 << half) - 1;
  let value = index;
  do {
    let left = value >>> half;
    let right = value & mask;
    for (let round = 0; round < 4; round++) {
      const next = left ^ (hash32(key, round, right) & mask);
      left = right;
      right = next;
    }
    value = (left << half) | right;
  } while (value >= size);
  return value;
}
