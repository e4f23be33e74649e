import { randomBelow } from '../../../src/arithmetic/random.ts';

/** Numbered draws from one stream: the same seed and stream give the same draws everywhere. */
export class Draw {
  private readonly seed: number;
  private readonly stream: number;
  private counter = 0;

  constructor(seed: number, stream: number) {
    this.seed = seed;
    this.stream = stream;
  }

  below(n: number): number {
    return randomBelow(n, this.seed, this.stream, this.counter++);
  }

  /** From `least` to `most`, both included. */
  number(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** Different members of a list, in random order. */
  several<T>(list: readonly T[], count: number): T[] {
    const rest = [...list];
    return Array.from({ length: count }, () => rest.splice(this.below(rest.length), 1)[0]!);
  }
}
