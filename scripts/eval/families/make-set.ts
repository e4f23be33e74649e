import { permutation } from '../../../src/arithmetic/random.ts';
import type { DatanetRecord } from '../../../src/protocol/record.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { Draw } from './draw.ts';
import type { Example, Family } from './family.ts';
import { TRANSFORMATIONS } from './transformations.ts';

export const FAMILIES = { arithmetic: ARITHMETIC, transformations: TRANSFORMATIONS } as const satisfies Record<string, Family>;
export type FamilyName = keyof typeof FAMILIES;

export interface Query {
  question: string;
  answer: string;
  /** Index of its kind. */
  class: number;
}

export interface TaskSet {
  records: DatanetRecord[];
  /** Index of each record's kind. */
  classOf: number[];
  /** Questions that are in no record, with their right answers: as many of each kind as of every other. */
  queries: Query[];
  /** More of them, to set a constant on what is not measured later. */
  valQueries: Query[];
  /** The same records, a fifth of which say a wrong answer. */
  mislabelled: { records: DatanetRecord[]; flipped: boolean[] };
}

export interface SetSizes {
  records: number;
  queries: number;
  valQueries: number;
}

export const SIZES: SetSizes = { records: 200, queries: 30, valQueries: 20 };
const FLIPPED_PART = 0.2;

/** Streams of random numbers, apart from those of base, subsets and training. */
const STREAM = { example: 10_000, flipped: 9_000 };

/** Records and queries of a family: a pure function of the seed. Example k is of kind k mod 10; no question comes twice. */
export function makeSet(family: Family, seed: number, sizes: SetSizes = SIZES): TaskSet {
  const taken = new Set<string>();
  let at = 0;
  const examples = (count: number): Example[] =>
    Array.from({ length: count }, (_, k) => {
      for (let attempt = 0; attempt < 1000; attempt++) {
        const example = family.example(k % family.kinds.length, new Draw(seed, STREAM.example + at++));
        if (taken.has(example.question)) continue;
        taken.add(example.question);
        return example;
      }
      throw new RangeError(`${family.name}: no new question of kind ${k % family.kinds.length}`);
    });
  const asQuery = ({ question, answer, kind }: Example): Query => ({ question, answer, class: kind });
  const asRecord = (question: string, answer: string): DatanetRecord => ({ text: '', questions: [{ question, answer }] });

  const trained = examples(sizes.records);
  const queries = examples(sizes.queries).map(asQuery);
  const valQueries = examples(sizes.valQueries).map(asQuery);
  const flipped = trained.map(() => false);
  for (const k of permutation(trained.length, seed, STREAM.flipped).slice(0, Math.round(trained.length * FLIPPED_PART))) flipped[k] = true;
  return {
    records: trained.map(({ question, answer }) => asRecord(question, answer)),
    classOf: trained.map(({ kind }) => kind),
    queries,
    valQueries,
    mislabelled: { records: trained.map(({ question, answer, wrong }, k) => asRecord(question, flipped[k] ? wrong : answer)), flipped },
  };
}
