import type { DatanetRecord } from '../record.ts';
import { eitherWithin, identifiersOf } from './identifiers.ts';
import { tokensOf } from './tokens.ts';
import { Vocabulary, weightOf } from './vocabulary.ts';

/**
 * Of the pairs of neighbouring words of one record, by weight, so much stands in the other: of the record of which more
 * does. And of the pairs of the later record's questions and answers, each counted once, so much stands in the
 * earlier record: who asks more says more. docs/payout.md has what set them.
 */
const WORDING = 0.7;
const ASKED = 0.7;

/** A record is compared with at most this many of the first that ask its question with its answer. */
const MOST_COMPARED = 64;

/** A record as it is compared here. */
interface Said {
  record: number;
  /** Pairs of words, of all and of questions with their answers. */
  all: Set<number>;
  asked: Set<number>;
  identifiers: Set<string>;
  /** Sum of the weights of `all`. */
  weight: number;
}

/**
 * Pairs [earlier, later] of records that are copies of each other if they also teach the same (same-gradient.ts), in the order of the
 * later ones. Both stand for themselves in `clusters`; they ask a question in the same words and answer it the same; the
 * numbers of one are all the other's; and most of their wording is the same. None in a Datanet where no two records share a
 * question with its answer; and a question that all records share makes none, since other texts have other words.
 */
export function rewordedPairs(records: readonly DatanetRecord[], clusters: readonly number[]): [number, number][] {
  const standing = [...records.keys()].filter((k) => clusters[k] === k);
  const holders = new Map<string, number>();
  const questions = new Map(standing.map((k) => [k, questionsOf(records[k]!)]));
  for (const own of questions.values()) for (const said of own) holders.set(said, (holders.get(said) ?? 0) + 1);
  const sharers = standing.filter((k) => questions.get(k)!.some((said) => holders.get(said)! > 1));
  if (!sharers.length) return [];

  const vocabulary = new Vocabulary();
  const read = new Map(sharers.map((k) => [k, saidOf(records[k]!, k, vocabulary)]));
  const having = countHaving(records, standing, read, vocabulary);
  const weight = (pair: number) => weightOf(standing.length, having.get(pair)!);
  for (const one of read.values()) for (const pair of one.all) one.weight += weight(pair);
  const found: [number, number][] = [];
  const earlier = new Map<string, Said[]>();
  for (const k of sharers) {
    const later = read.get(k)!;
    const seen = new Set<Said>();
    for (const said of questions.get(k)!) {
      if (holders.get(said) === 1) continue;
      const list = earlier.get(said) ?? [];
      for (const one of list) {
        if (seen.has(one)) continue;
        seen.add(one);
        if (eitherWithin(one.identifiers, later.identifiers) && asksNoMore(one, later) && alike(one, later, weight)) found.push([one.record, k]);
      }
      if (list.length < MOST_COMPARED) list.push(later);
      earlier.set(said, list);
    }
  }
  return found;
}

/** A record's questions with their answers, folded, each once; those of which nothing is left are left out. */
function questionsOf({ questions }: DatanetRecord): string[] {
  const folded = questions.map(({ question, answer }) => [tokensOf(question).join(' '), tokensOf(answer).join(' ')] as const);
  return [...new Set(folded.filter(([question, answer]) => question && answer).map((said) => said.join('\n')))];
}

function saidOf({ text, questions }: DatanetRecord, record: number, vocabulary: Vocabulary): Said {
  const told = tokensOf(text);
  const said = questions.map(({ question, answer }) => tokensOf(`${question}\n${answer}`));
  const asked = new Set(said.flatMap((tokens) => vocabulary.pairsOf(tokens)));
  return { record, all: new Set([...asked, ...vocabulary.pairsOf(told)]), asked, identifiers: identifiersOf([told, ...said].flat()), weight: 0 };
}

/** Of each pair of words that is looked at: how many of the records that stand for themselves have it. */
function countHaving(records: readonly DatanetRecord[], standing: readonly number[], read: ReadonlyMap<number, Said>, vocabulary: Vocabulary): Map<number, number> {
  const having = new Map<number, number>();
  for (const { all } of read.values()) for (const pair of all) having.set(pair, (having.get(pair) ?? 0) + 1);
  for (const k of standing) {
    if (read.has(k)) continue;
    for (const pair of saidOf(records[k]!, k, vocabulary).all) {
      const count = having.get(pair);
      if (count !== undefined) having.set(pair, count + 1);
    }
  }
  return having;
}

function asksNoMore(earlier: Said, later: Said): boolean {
  let shared = 0;
  for (const pair of later.asked) if (earlier.all.has(pair)) shared++;
  return shared >= ASKED * later.asked.size;
}

function alike(a: Said, b: Said, weight: (pair: number) => number): boolean {
  let shared = 0;
  for (const pair of a.all) if (b.all.has(pair)) shared += weight(pair);
  return shared > 0 && shared >= WORDING * Math.min(a.weight, b.weight);
}
