import { blockSum, div, exp, mul, sub } from '../arithmetic/rf32.ts';
import { randomUnit } from '../arithmetic/random.ts';
import { OpenLedgerError } from '../errors.ts';

/** How the next token is chosen. */
export interface Sampling {
  /** 0 takes the likeliest token; else logits are divided by it. */
  temperature: number;
  /** Only so many of the likeliest tokens; 0 for all. */
  topK: number;
  /** Only the likeliest tokens that together reach this probability; 1 for all. */
  topP: number;
  /** Positive logits of tokens that were there already are divided by it, negative ones multiplied (Keskar et al. 2019); 1 for none. */
  repetitionPenalty: number;
  /** Whole number below 2^32. */
  seed: number;
}

export const GREEDY: Sampling = { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1, seed: 0 };

const BOUNDS: Record<keyof Sampling, { least: number; most: number; whole: boolean; words: string }> = {
  temperature: { least: 0, most: 100, whole: false, words: 'a number from 0 to 100' },
  topK: { least: 0, most: 2 ** 24, whole: true, words: 'a whole number; 0 for all tokens' },
  topP: { least: 0, most: 1, whole: false, words: 'a number above 0, at most 1' },
  repetitionPenalty: { least: 0.01, most: 100, whole: false, words: 'a number from 0.01 to 100; 1 for none' },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true, words: 'a whole number below 4294967296' },
};
/** Lower temperatures are greedy in all but name, and 1/T would leave RF32's range. */
const LEAST_TEMPERATURE = 2 ** -20;
const LEAST_TOP_P = 2 ** -24;

/** Fills in what is not said with what changes nothing. Throws `sampling/invalid` naming the option. */
export function parseSampling(given: Partial<Sampling>): Sampling {
  const sampling = { ...GREEDY, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) } as Sampling;
  for (const [name, { least, most, whole, words }] of Object.entries(BOUNDS) as [keyof Sampling, (typeof BOUNDS)[keyof Sampling]][]) {
    const value: unknown = sampling[name];
    const fits = typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value));
    const tooSmall = (name === 'temperature' && value !== 0 && (value as number) < LEAST_TEMPERATURE) || (name === 'topP' && (value as number) < LEAST_TOP_P);
    if (!fits || tooSmall) {
      throw new OpenLedgerError({
        code: 'sampling/invalid',
        what: 'The answer cannot be sampled so.',
        why: `${name} is ${String(JSON.stringify(value)).slice(0, 40)}.`,
        next: `Give ${words}.`,
      });
    }
  }
  return sampling;
}

/** Stream of the random numbers of sampling; recipes use others. */
const STREAM = 0x73616d70;

/**
 * The next token of logits [vocab]. `history` are the ids the penalty counts: prompt and answer so far. `step` counts
 * the answer's tokens from 0. In RF32 on the host and with the counter-based generator, so that the same logits, options
 * and step give the same token on every machine.
 *
 * Order as in transformers: penalty, temperature, top-k, top-p. Of equal logits the lowest id comes first, so that
 * top-k keeps exactly k. Weights are e^((l − max)/T) for the greatest logit max; below e^−69 they are 0.
 */
export function sampleToken(logits: Float32Array, history: readonly number[], options: Sampling & { step: number }): number {
  const values = penalised(logits, history, options.repetitionPenalty);
  if (options.temperature === 0 || options.topK === 1) return greatest(values);

  const max = values[greatest(values)]!;
  const inverse = div(1, Math.fround(options.temperature));
  const weight = (id: number) => exp(mul(sub(values[id]!, max), inverse));

  const { topK, topP } = options;
  const nucleus = topP < 1;
  const limited = topK > 0 && topK < values.length;
  // In increasing id, or from the likeliest down where only those are wanted.
  let ids: Uint32Array | undefined;
  let weights: Float32Array;
  if (limited) {
    ids = likeliest(values, topK);
    weights = Float32Array.from(ids, weight);
  } else {
    weights = new Float32Array(values.length);
    for (let id = 0; id < values.length; id++) weights[id] = weight(id);
  }
  let total = blockSum(weights.length, (i) => weights[i]!);
  if (nucleus) {
    const wanted = mul(total, Math.fround(topP));
    // All tokens of this weight or less are together under half of what is cut off: none of them is ever kept.
    const floor = (0.5 * (1 - topP) * total) / weights.length;
    const heap = new Descending(weights, floor);
    const kept: number[] = [];
    const keptWeights: number[] = [];
    total = 0;
    while (heap.size && (total < wanted || !kept.length)) {
      const i = heap.pop();
      kept.push(ids ? ids[i]! : i);
      keptWeights.push(weights[i]!);
      total = Math.fround(total + weights[i]!);
    }
    ids = Uint32Array.from(kept);
    weights = Float32Array.from(keptWeights);
  }

  const mark = mul(Math.fround(randomUnit(options.seed, STREAM, options.step)), total);
  let sum = 0;
  let chosen = 0;
  for (let start = 0; start < weights.length; start += 256) {
    // The blocks of blockSum, so that the last sum is the total.
    const end = Math.min(start + 256, weights.length);
    let block = 0;
    for (let i = start; i < end; i++) {
      if (weights[i] === 0) continue;
      chosen = i;
      block = Math.fround(block + weights[i]!);
      if (Math.fround(sum + block) > mark) return ids ? ids[i]! : i;
    }
    sum = Math.fround(sum + block);
  }
  return ids ? ids[chosen]! : chosen;
}

/** The logits themselves where nothing is penalised. */
function penalised(logits: Float32Array, history: readonly number[], repetitionPenalty: number): Float32Array {
  const penalty = Math.fround(repetitionPenalty);
  if (penalty === 1 || !history.length) return logits;
  const values = logits.slice();
  for (const id of new Set(history)) {
    const value = logits[id];
    if (value !== undefined) values[id] = value > 0 ? div(value, penalty) : mul(value, penalty);
  }
  return values;
}

/** The greatest value's index, the lowest among equals. */
function greatest(values: Float32Array): number {
  let best = 0;
  for (let id = 1; id < values.length; id++) if (values[id]! > values[best]!) best = id;
  return best;
}

/** The indices of the k greatest values, from the greatest down; the lowest index first among equals. */
function likeliest(values: Float32Array, k: number): Uint32Array {
  // A heap of the k best so far, the least of them at the root: one comparison for most values.
  const heap = new Uint32Array(k);
  const before = (a: number, b: number) => values[a]! < values[b]! || (values[a] === values[b] && a > b);
  const sink = (at: number, size: number) => {
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, heap[at]!)) return;
      [heap[at], heap[child]] = [heap[child]!, heap[at]!];
      at = child;
    }
  };
  for (let id = 0; id < k; id++) heap[id] = id;
  for (let at = (k >> 1) - 1; at >= 0; at--) sink(at, k);
  for (let id = k; id < values.length; id++) {
    if (!before(heap[0]!, id)) continue;
    heap[0] = id;
    sink(0, k);
  }
  return heap.sort((a, b) => (before(a, b) ? 1 : -1));
}

/** Takes indices of the values above a floor in descending order, the lowest index first among equals; made in linear time. */
class Descending {
  size: number;
  private readonly values: Float32Array;
  private readonly heap: Uint32Array;

  constructor(values: Float32Array, floor: number) {
    this.values = values;
    this.heap = new Uint32Array(values.length);
    this.size = 0;
    for (let i = 0; i < values.length; i++) if (values[i]! > floor) this.heap[this.size++] = i;
    for (let at = (this.size >> 1) - 1; at >= 0; at--) this.sink(at);
  }

  pop(): number {
    const top = this.heap[0]!;
    this.heap[0] = this.heap[--this.size]!;
    this.sink(0);
    return top;
  }

  private before(a: number, b: number): boolean {
    return this.values[a]! > this.values[b]! || (this.values[a] === this.values[b] && a < b);
  }

  private sink(at: number): void {
    const { heap } = this;
    for (let child = 2 * at + 1; child < this.size; child = 2 * at + 1) {
      if (child + 1 < this.size && this.before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.before(heap[child]!, heap[at]!)) return;
      [heap[at], heap[child]] = [heap[child]!, heap[at]!];
      at = child;
    }
  }
}
