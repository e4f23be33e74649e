import { randomWord } from '../../arithmetic/random.ts';
import { NEGATIVE } from './operation.ts';

export interface SketchPlan {
  /** [d+1]: bucket j holds members starts[j]..starts[j+1]. */
  starts: Uint32Array;
  /** [P]: positions, increasing within a bucket; bit 31 set where the value is subtracted. */
  members: Uint32Array;
}

/** What the counter-based generator's 24 bits can choose from. */
const MOST_BUCKETS = 2 ** 24;

/**
 * Which of d buckets each of P positions belongs to, and its sign: the upper 24 bits of word (seed, stream, position) times
 * d / 2^24, and its lowest bit. Integers only, so the plan is the same everywhere and need not be stored: a recipe's seed
 * and a tensor's number (`stream`) say it all. Throws RangeError for sizes that cannot be.
 */
export function sketchPlan(seed: number, stream: number, P: number, d: number): SketchPlan {
  if (!(Number.isInteger(P) && P >= 0 && P < NEGATIVE)) throw new RangeError(`sketchPlan: ${P} positions`);
  if (!(Number.isInteger(d) && d >= 1 && d <= MOST_BUCKETS)) throw new RangeError(`sketchPlan: ${d} buckets`);
  // A counting sort: it keeps the order of positions within a bucket.
  const words = new Uint32Array(P);
  const next = new Uint32Array(d + 1);
  const bucketOf = (word: number) => Math.floor(((word >>> 8) * d) / MOST_BUCKETS);
  for (let p = 0; p < P; p++) {
    words[p] = randomWord(seed, stream, p);
    next[bucketOf(words[p]!) + 1]!++;
  }
  for (let j = 0; j < d; j++) next[j + 1]! += next[j]!;
  const starts = next.slice();
  const members = new Uint32Array(P);
  for (let p = 0; p < P; p++) members[next[bucketOf(words[p]!)]!++] = words[p]! & 1 ? p + NEGATIVE : p;
  return { starts, members };
}
