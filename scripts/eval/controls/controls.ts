/** Methods that an attribution worth its cost must beat. Every score is positive where the record should have helped. */
import { hostLog } from '../../../src/arithmetic/host.ts';
import { randomNormal } from '../../../src/arithmetic/random.ts';
import type { Rows } from './gradients.ts';
import { products } from './host-matrix.ts';
import type { Scores } from './reference.ts';

/** v·g: how far a step along the record's gradient lowers the query's loss, at the end of training. */
export function gradientProduct(records: Rows, queries: Rows): Scores {
  return products(queries, records).map((row) => [...row]);
}

/** What TracIn reads at one checkpoint. */
export interface TracInCheckpoint {
  records: Rows;
  queries: Rows;
  /** Learning rate there. */
  rate: number;
  /** 1 / (√v̂ + ε) of each of the adapter's numbers: Adam's scaling of the step. */
  scaling: Float64Array;
}

/** TracIn (Pruthi et al. 2020) with Adam's scaling: Σ over checkpoints of rate · v · diag(scaling) · g. */
export function tracIn(checkpoints: readonly TracInCheckpoint[]): Scores {
  const parts = checkpoints.map(({ records, queries, rate, scaling }) => {
    const scaled: Rows = { ...queries, values: queries.values.map((value, i) => rate * value * scaling[i % queries.width]!) };
    return products(scaled, records);
  });
  return parts[0]!.map((row, q) => [...row].map((_, k) => parts.reduce((sum, part) => sum + part[q]![k]!, 0)));
}

/** Adam's scaling from its second moment `v` after `steps` steps; as src/kernels/adamw divides. */
export function adamScaling(v: ArrayLike<number>, steps: number, beta2: number, eps: number): Float64Array {
  let power = 1;
  for (let i = 0; i < steps; i++) power *= beta2;
  return Float64Array.from(v, (value) => 1 / (Math.sqrt(value / (1 - power)) + eps));
}

/** Cosine of rows; 0 where one has no length. */
export function cosine(records: Rows, queries: Rows): Scores {
  const lengths = (rows: Rows) =>
    Array.from({ length: rows.count }, (_, i) => Math.sqrt(rows.values.subarray(i * rows.width, (i + 1) * rows.width).reduce((sum, x) => sum + x * x, 0)));
  const [a, b] = [lengths(records), lengths(queries)];
  return products(queries, records).map((row, q) => [...row].map((value, k) => (a[k]! * b[q]! > 0 ? value / (a[k]! * b[q]!) : 0)));
}

const words = (text: string) => text.normalize('NFC').toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];

/** Cosine of TF-IDF vectors of words, no model at all: idf = ln((1 + n) / (1 + df)) + 1 over the records. */
export function tfidf(records: readonly string[], queries: readonly string[]): Scores {
  const lists = records.map(words);
  const found = new Map<string, number>();
  for (const list of lists) for (const word of new Set(list)) found.set(word, (found.get(word) ?? 0) + 1);
  const idf = (word: string) => hostLog((1 + records.length) / (1 + (found.get(word) ?? 0))) + 1;
  const vector = (list: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const word of list) counts.set(word, (counts.get(word) ?? 0) + 1);
    const values = new Map([...counts].map(([word, count]) => [word, count * idf(word)]));
    const length = Math.sqrt([...values.values()].reduce((sum, x) => sum + x * x, 0));
    return new Map([...values].map(([word, value]) => [word, length > 0 ? value / length : 0]));
  };
  const vectors = lists.map(vector);
  return queries.map((text) => {
    const query = [...vector(words(text))];
    return vectors.map((record) => query.reduce((sum, [word, value]) => sum + value * (record.get(word) ?? 0), 0));
  });
}

/** Noise. */
export function random(records: number, queries: number, seed: number): Scores {
  return Array.from({ length: queries }, (_, q) => Array.from({ length: records }, (_, k) => randomNormal(seed, 500 + q, k)));
}
