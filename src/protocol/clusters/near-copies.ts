import type { DatanetRecord } from '../record.ts';
import { eitherWithin, identifiersOf } from './identifiers.ts';
import { tokensOf } from './tokens.ts';
import type { UnionFind } from './union-find.ts';
import { Vocabulary, rareWeight, weightOf } from './vocabulary.ts';

/**
 * Weighted Jaccard similarities at which two records are near-copies; both must be reached. Of the words,
 * and of the pairs of neighbouring words, so that the same words in another order are another text. docs/payout.md
 * has the distributions that set them.
 */
const WORDS = 0.5;
const PAIRS = 0.3;
/** Answers up to this many words are facts by themselves; longer ones are read as text. */
const SHORT_ANSWER = 5;

/**
 * MinHash (Broder 1997) with 40 bands of 4: two records whose similarity is 0.5 meet in a band with probability 0.92,
 * at 0.6 with 0.996, at 0.1 with 0.004.
 */
const BANDS = 40;
const ROWS = 4;
/** A record is compared with at most this many of the first in its band: only wording that a whole Datanet shares crowds one. */
const MOST_COMPARED = 16;

/** Sorted ids of each record, one after another. */
interface Lists {
  ids: Uint32Array;
  /** Record k has ids[start[k]] to ids[start[k + 1] − 1]. */
  start: Uint32Array;
  /** Of each id; see vocabulary.ts. */
  weight: Uint8Array;
  /** Of each id: how many records have it. */
  having: Uint32Array;
}

interface Facts {
  identifiers: Set<string>;
  shortAnswers: Set<string>;
  /** The same number for the same set. */
  identifiersKey: number;
  shortAnswersKey: number;
}

/**
 * Joins each record to the earlier one whose wording is most like its own, where it is nearly the same and identifiers and
 * short answers say no different fact. To that one only: a later record never joins two earlier ones to each other, so
 * that nobody can make another's record a copy of a third's.
 */
export function joinNearCopies(records: readonly DatanetRecord[], sets: UnionFind): void {
  const { words, pairs, facts } = read(records);
  const likest = new Int32Array(records.length).fill(-1);
  const likeness = new Float64Array(records.length);
  const compared = new Uint32Array(records.length);
  for (let band = 0; band < BANDS; band++) {
    const buckets = new Map<number, number[]>();
    signatures(words, records.length, band).forEach((signature, k) => {
      if (words.start[k] === words.start[k + 1]) return;
      const bucket = buckets.get(signature);
      if (!bucket) {
        buckets.set(signature, [k]);
        return;
      }
      for (const other of bucket) {
        // A pair that failed in one band may be compared again in another: cheaper than remembering them all.
        if (compared[k] === other + 1 || likest[k] === other || !agree(facts[other]!, facts[k]!)) continue;
        compared[k] = other + 1;
        if (similarity(words, other, k) < WORDS) continue;
        const found = similarity(pairs, other, k);
        if (found < PAIRS || found < likeness[k]! || (found === likeness[k] && other > likest[k]!)) continue;
        if (exchangeNames(words, other, k) || !(disguised(pairs, k, other) || disguised(pairs, other, k))) continue;
        likest[k] = other;
        likeness[k] = found;
      }
      if (bucket.length < MOST_COMPARED) bucket.push(k);
    });
  }
  // In the order of commitment. What is a copy by its content is in its cluster already.
  for (let k = 0; k < records.length; k++) if (likest[k]! >= 0 && sets.find(k) === k) sets.join(likest[k]!, k);
}

function read(records: readonly DatanetRecord[]): { words: Lists; pairs: Lists; facts: Facts[] } {
  const vocabulary = new Vocabulary();
  const pairIds = new Map<number, number>();
  const wordLists: Uint32Array[] = [];
  const pairLists: Uint32Array[] = [];
  const facts: Facts[] = [];
  const keys = new Map<string, number>();
  const keyOf = (set: Set<string>) => {
    const text = [...set].sort().join('\n');
    return keys.get(text) ?? (keys.set(text, keys.size), keys.size - 1);
  };
  for (const { text, questions } of records) {
    const said = [tokensOf(text), ...questions.map(({ question, answer }) => tokensOf(`${question}\n${answer}`))];
    const words = new Set<number>();
    const pairs = new Set<number>();
    for (const tokens of said) {
      for (const token of tokens) words.add(vocabulary.idOf(token) - 1);
      for (const pair of vocabulary.pairsOf(tokens)) pairs.add(pairIds.get(pair) ?? (pairIds.set(pair, pairIds.size), pairIds.size - 1));
    }
    wordLists.push(Uint32Array.from(words).sort());
    pairLists.push(Uint32Array.from(pairs).sort());
    const answers = questions.map(({ answer }) => tokensOf(answer)).filter(({ length }) => length > 0 && length <= SHORT_ANSWER);
    const identifiers = identifiersOf(said.flat());
    const shortAnswers = new Set(answers.map((tokens) => tokens.join(' ')));
    facts.push({ identifiers, shortAnswers, identifiersKey: keyOf(identifiers), shortAnswersKey: keyOf(shortAnswers) });
  }
  return { words: pack(wordLists, vocabulary.size), pairs: pack(pairLists, pairIds.size), facts };
}

function pack(lists: readonly Uint32Array[], distinct: number): Lists {
  const start = new Uint32Array(lists.length + 1);
  lists.forEach((list, k) => (start[k + 1] = start[k]! + list.length));
  const ids = new Uint32Array(start[lists.length]!);
  const having = new Uint32Array(distinct);
  lists.forEach((list, k) => {
    ids.set(list, start[k]!);
    for (const id of list) having[id]!++;
  });
  const weight = Uint8Array.from(having, (count) => weightOf(lists.length, count));
  return { ids, start, weight, having };
}

/** Weights of what both have / of what either has. */
function similarity({ ids, start, weight }: Lists, a: number, b: number): number {
  let shared = 0;
  let all = 0;
  let i = start[a]!;
  let j = start[b]!;
  while (i < start[a + 1]! || j < start[b + 1]!) {
    const x = i < start[a + 1]! ? ids[i]! : 2 ** 32;
    const y = j < start[b + 1]! ? ids[j]! : 2 ** 32;
    all += weight[Math.min(x, y)]!;
    if (x === y) shared += weight[x]!;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return all > 0 ? shared / all : 0;
}

/**
 * Whether of the pairs of words that a has and b has not more than a third are in no other record. A Datanet's own way of
 * telling another fact makes pairs that other records have too; words put in to disguise a copy do not.
 */
function disguised({ ids, start, having }: Lists, a: number, b: number): boolean {
  const ofB = ids.subarray(start[b], start[b + 1]);
  const own = ids.subarray(start[a], start[a + 1]).filter((id) => !ofB.includes(id));
  return own.length === 0 || 3 * own.filter((id) => having[id] === 1).length > own.length;
}

/** Whether each has a rare word (in at most three records) that the other has not at all: the same said of another thing. */
function exchangeNames({ ids, start, weight }: Lists, a: number, b: number): boolean {
  const rare = rareWeight(start.length - 1);
  const ofA = ids.subarray(start[a], start[a + 1]);
  const ofB = ids.subarray(start[b], start[b + 1]);
  return ofA.some((id) => weight[id]! >= rare && !ofB.includes(id)) && ofB.some((id) => weight[id]! >= rare && !ofA.includes(id));
}

/**
 * The same identifiers, and short answers of which one record's are all the other's. Where the short answers are the
 * same, one record may have more identifiers: a number put in or taken out makes no new fact then.
 */
function agree(a: Facts, b: Facts): boolean {
  if (a.shortAnswers.size > 0 && a.shortAnswersKey === b.shortAnswersKey) return eitherWithin(a.identifiers, b.identifiers);
  return a.identifiersKey === b.identifiersKey && eitherWithin(a.shortAnswers, b.shortAnswers);
}

/** One number below 2^52 for each record: its four minima over (word, 1 … weight) in this band. */
function signatures({ ids, start, weight }: Lists, count: number, band: number): Float64Array {
  const minima = new Uint32Array(weight.length * ROWS).fill(0xffffffff);
  for (let id = 0; id < weight.length; id++) {
    for (let row = 0; row < ROWS; row++) {
      let least = 0xffffffff;
      for (let copy = 0; copy < weight[id]!; copy++) least = Math.min(least, mix(mix(id + 1, copy), band * ROWS + row));
      minima[id * ROWS + row] = least;
    }
  }
  const out = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    let high = band;
    let low = 0;
    for (let row = 0; row < ROWS; row++) {
      let least = 0xffffffff;
      for (let at = start[k]!; at < start[k + 1]!; at++) least = Math.min(least, minima[ids[at]! * ROWS + row]!);
      high = mix(high, least);
      low = mix(low, least ^ 0x5bd1e995);
    }
    out[k] = (high >>> 6) * 2 ** 26 + (low >>> 6);
  }
  return out;
}

/** A well mixed 32-bit integer of two (the finaliser of MurmurHash3). */
function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
