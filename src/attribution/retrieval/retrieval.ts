import SearchableMap from 'minisearch/SearchableMap';
import { hostLog } from '../../arithmetic/host.ts';
import type { DatanetRecord } from '../../protocol/record.ts';
import { termsOf } from './terms.ts';

/** How records are retrieved, as receipts name it: every change of terms, formula or rounding is another method. */
export const RETRIEVAL_METHOD = 'bm25/1';

/** BM25+ (Lv and Zhai, "Lower-Bounding Term Frequency Normalization", CIKM 2011), with the library's usual values. */
const K = 1.2;
const B = 0.7;
const DELTA = 0.5;
/** Scores are whole millionths: close ones are equal, and then the lower number comes first. */
const UNIT = 1_000_000;
/** Part of the best score that a record needs: those far below share words such as “how” and “did”, not the subject. */
const LEAST_PART = 0.5;

/** A term in more than a quarter of the records (and in more than eight) says nothing about which one is meant. */
const isCommon = (many: number, records: number): boolean => many > 8 && many * 4 > records;

/** Most records that one question may have; a prompt has room for few. */
export const MOST_RETRIEVED = 16;
/** Different terms of a question that are looked up, its first ones. */
const MOST_TERMS = 64;
/** Terms of no record of which other spellings are tried, and how many spellings of each. */
const MOST_MISSPELT = 8;
const MOST_SPELLINGS = 8;

/** In which records a term stands, ascending, and how often in each. */
interface Postings {
  records: number[];
  counts: number[];
}

/** The terms of a Datanet's records. The library's radix tree holds them and finds near spellings. */
export interface RetrievalIndex {
  readonly terms: SearchableMap<Postings>;
  /** Terms of each record; 0 for those that are not held. */
  readonly lengths: Int32Array;
  readonly records: number;
  readonly meanLength: number;
}

export interface Retrieved {
  record: number;
  /** Millionths, a whole number above 0. */
  score: number;
}

/**
 * Terms of statement, questions and answers of each record. Of records with the same terms in the same order only the
 * first is held, and of each cluster only its first: a copy under another name is never retrieved beside the original.
 * `clusterOf[k]`: the cluster of record k, where records were clustered.
 */
export function buildRetrieval(records: readonly DatanetRecord[], { clusterOf }: { clusterOf?: ArrayLike<number> | undefined } = {}): RetrievalIndex {
  const terms = new Map<string, Postings>();
  const lengths = new Int32Array(records.length);
  const seen = new Set<string | number>();
  let held = 0;
  let total = 0;
  records.forEach((record, k) => {
    const own = [record.text, ...record.questions.flatMap(({ question, answer }) => [question, answer])].flatMap(termsOf);
    const key = own.join(' ');
    const cluster = clusterOf?.[k];
    if (!own.length || seen.has(key) || (cluster !== undefined && seen.has(cluster))) return;
    seen.add(key);
    if (cluster !== undefined) seen.add(cluster);
    for (const term of own) {
      let postings = terms.get(term);
      if (!postings) terms.set(term, (postings = { records: [], counts: [] }));
      const { records: places, counts } = postings;
      if (places.at(-1) === k) counts[counts.length - 1]!++;
      else {
        places.push(k);
        counts.push(1);
      }
    }
    lengths[k] = own.length;
    held++;
    total += own.length;
  });
  return { terms: SearchableMap.from([...terms]), lengths, records: held, meanLength: total / Math.max(held, 1) };
}

/**
 * The records that share the rarest terms with a question, best first, at most `most` (up to MOST_RETRIEVED). Of terms
 * that no record has, the nearest spellings count, for less. Scores use + − × ÷ and hostLog in a fixed order, not the
 * library's Math.log, so that they are the same on every machine.
 */
export function retrieve(index: RetrievalIndex, question: string, { most }: { most: number }): Retrieved[] {
  const asked = [...new Set(termsOf(question))].slice(0, MOST_TERMS);
  const sums = new Float64Array(index.lengths.length);
  let misspelt = 0;
  const add = ({ records, counts }: Postings, weight: number) => {
    const many = records.length;
    if (isCommon(many, index.records)) return;
    const inverse = weight * hostLog(1 + (index.records - many + 0.5) / (many + 0.5));
    for (let i = 0; i < many; i++) {
      const [record, count] = [records[i]!, counts[i]!];
      const saturated = (count * (K + 1)) / (count + K * (1 - B + (B * index.lengths[record]!) / index.meanLength));
      sums[record]! += inverse * (DELTA + saturated);
    }
  };
  for (const term of asked) {
    const postings = index.terms.get(term);
    if (postings) add(postings, 1);
    else if (misspelt++ < MOST_MISSPELT) for (const near of nearSpellings(index, term)) add(near.postings, 1 / (1 + near.edits));
  }
  const scores = sums.map((sum) => Math.round(sum * UNIT));
  const least = Math.max(1, scores.reduce((best, score) => Math.max(best, score), 0) * LEAST_PART);
  const scored: Retrieved[] = [];
  for (let record = 0; record < scores.length; record++) if (scores[record]! >= least) scored.push({ record, score: scores[record]! });
  scored.sort((a, b) => b.score - a.score || a.record - b.record);
  return scored.slice(0, Math.max(0, Math.min(most, MOST_RETRIEVED)));
}

/** Terms that differ in fewest letters: in one of five to nine, in two of more; shorter words have no near ones. */
function nearSpellings({ terms }: RetrievalIndex, term: string): { postings: Postings; edits: number }[] {
  const letters = [...term].length;
  if (letters < 5) return [];
  const found = [...terms.fuzzyGet(term, letters < 10 ? 1 : 2)].map(([near, [postings, edits]]) => ({ near, postings, edits }));
  const fewest = Math.min(...found.map(({ edits }) => edits));
  return found.filter(({ edits }) => edits === fewest).sort((a, b) => (a.near < b.near ? -1 : 1)).slice(0, MOST_SPELLINGS);
}
