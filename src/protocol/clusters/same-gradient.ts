import { OpenLedgerError } from '../../errors.ts';
import type { DatanetRecord } from '../record.ts';
import { eitherWithin, identifiersOf } from './identifiers.ts';
import { tokensOf } from './tokens.ts';
import { UnionFind } from './union-find.ts';

/** One row for each of some records, such as its gradient's sketch. */
export interface Vectors {
  /** Which records, ascending. */
  which: readonly number[];
  /** [which × width], row after row. */
  values: Float32Array;
  width: number;
  /** Least cosine of two records that count as copies, above 0. */
  cosine: number;
}

/** A record is compared with at most this many of the first that ask its question with its answer. */
const MOST_COMPARED = 16;

/**
 * Which records' vectors decide anything: those that stand for themselves in `clusters` and ask a question that another
 * such record asks too and answers the same. Few, or none, in a Datanet that nobody cheats: there no gradient is needed.
 */
export function questionSharers(records: readonly DatanetRecord[], clusters: readonly number[]): number[] {
  const asked = records.map((record, k) => (clusters[k] === k ? questionsOf(record) : []));
  const holders = new Map<string, number>();
  for (const one of asked) for (const said of one) holders.set(said, (holders.get(said) ?? 0) + 1);
  return asked.flatMap((one, k) => (one.some((said) => holders.get(said)! > 1) ? [k] : []));
}

/**
 * Clusters by wording with, further, each record joined to the earlier one that asks one of its questions, answers it the same, and
 * has the gradient most like its own, where the cosine reaches `vectors.cosine` and the numbers of one record are all the
 * other's: whatever else was reworded, it teaches the same. To that one only, so that a later record never joins two
 * earlier ones to each other. A row of zeros is nobody's copy. Float64 sums in a fixed order, so that every machine
 * finds the same. Errors: `clusters/invalid-vectors`.
 */
export function joinSameGradient(records: readonly DatanetRecord[], clusters: readonly number[], vectors: Vectors): number[] {
  const { which, values, width, cosine } = vectors;
  if (values.length !== which.length * width || !(cosine > 0 && cosine <= 1)) {
    throw invalid(`There are ${values.length} values for ${which.length} rows of ${width}, and the least cosine is ${cosine}.`);
  }
  const square = Float64Array.from(which, (_, row) => dot(values, width, row, row));
  if (square.some((one) => !Number.isFinite(one))) throw invalid('A value is not finite, or too great.');
  const sets = new UnionFind(records.length);
  clusters.forEach((representative, k) => sets.join(representative, k));
  const identifiers = which.map((k) => identifiersOf(wordsOf(records[k]!)));
  const holders = new Map<string, number[]>();
  which.forEach((k, row) => {
    let likest: number | undefined;
    let likeness = cosine;
    for (const said of questionsOf(records[k]!)) {
      const rows = holders.get(said);
      if (!rows) {
        holders.set(said, [row]);
        continue;
      }
      for (const other of rows) {
        if (other === likest || !(square[other]! > 0 && square[row]! > 0) || !eitherWithin(identifiers[other]!, identifiers[row]!)) continue;
        const found = dot(values, width, other, row) / Math.sqrt(square[other]! * square[row]!);
        if (found < likeness || (found === likeness && likest !== undefined && other > likest)) continue;
        likest = other;
        likeness = found;
      }
      if (rows.length < MOST_COMPARED) rows.push(row);
    }
    if (likest !== undefined) sets.join(which[likest]!, k);
  });
  return records.map((_, k) => sets.find(k));
}

/** A record's questions with their answers, folded, each once; those that nothing is left of are left out. */
function questionsOf({ questions }: DatanetRecord): string[] {
  const folded = questions.map(({ question, answer }) => [tokensOf(question).join(' '), tokensOf(answer).join(' ')] as const);
  return [...new Set(folded.filter(([question, answer]) => question && answer).map((said) => said.join('\n')))];
}

const wordsOf = ({ text, questions }: DatanetRecord) => [text, ...questions.flatMap(({ question, answer }) => [question, answer])].flatMap(tokensOf);

function dot(values: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let i = 0, x = a * width, y = b * width; i < width; i++, x++, y++) sum += values[x]! * values[y]!;
  return sum;
}

function invalid(why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'clusters/invalid-vectors', what: 'The records cannot be compared by their gradients.', why, next: 'Train again, or choose another base.' });
}
