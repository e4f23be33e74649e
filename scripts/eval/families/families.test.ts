import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../../../src/model/tokenizer.ts';
import { baseExample } from '../base/corpus.ts';
import { buildEvalTokenizer } from '../base/tokenizer.ts';
import { Draw } from './draw.ts';
import { FAMILIES, makeSet } from './make-set.ts';
import { TELLINGS } from './transformations.ts';

/** Part of the queries whose most similar record (cosine of TF-IDF over words, question and answer) is of their class. */
function nearestIsOfClass(records: readonly string[], classOf: readonly number[], queries: readonly { text: string; class: number }[]): number {
  const words = (text: string) => text.toLowerCase().match(/[a-z]+|\d+|[^\s\w]/gu) ?? [];
  const documents = [...records, ...queries.map(({ text }) => text)].map(words);
  const holding = new Map<string, number>();
  for (const document of documents) for (const word of new Set(document)) holding.set(word, (holding.get(word) ?? 0) + 1);
  const vectors = documents.map((document) => {
    const vector = new Map<string, number>();
    for (const word of document) vector.set(word, (vector.get(word) ?? 0) + Math.log(documents.length / holding.get(word)!));
    const length = Math.hypot(...vector.values());
    return new Map([...vector].map(([word, value]) => [word, value / length]));
  });
  const cosine = (a: Map<string, number>, b: Map<string, number>) => [...a].reduce((sum, [word, value]) => sum + value * (b.get(word) ?? 0), 0);
  const hits = queries.filter((query, q) => {
    const similar = records.map((_, k) => cosine(vectors[records.length + q]!, vectors[k]!));
    return classOf[similar.indexOf(Math.max(...similar))] === query.class;
  });
  return hits.length / queries.length;
}

const { tokenizer: json, config } = buildEvalTokenizer();
const tokenizer = Tokenizer.fromJson(json, config);
/** Ids up to here are special tokens and single bytes, which only text of no known word is spelled in. */
const SPELLED = 5 + 256;

describe.each(Object.values(FAMILIES))('$name', (family) => {
  const set = makeSet(family, 1);
  const asked = set.records.map(({ questions }) => questions[0]!);

  it('is the same every time, and another with another seed', () => {
    expect(makeSet(family, 1)).toEqual(set);
    const other = makeSet(family, 2);
    expect(other.records.filter((record, k) => record.questions[0]!.question === asked[k]!.question).length).toBeLessThan(20);
  });

  it('has ten classes of twenty records and three queries each', () => {
    expect(set.records).toHaveLength(200);
    for (let kind = 0; kind < 10; kind++) {
      expect(set.classOf.filter((one) => one === kind)).toHaveLength(20);
      expect(set.queries.filter((query) => query.class === kind)).toHaveLength(3);
      expect(set.valQueries.filter((query) => query.class === kind)).toHaveLength(2);
    }
  });

  it('asks no question twice, so no query is among the records', () => {
    const questions = [...asked, ...set.queries, ...set.valQueries].map(({ question }) => question);
    expect(new Set(questions).size).toBe(250);
  });

  it('has a class that similarity of words cannot tell', () => {
    const part = nearestIsOfClass(asked.map(({ question, answer }) => `${question} ${answer}`), set.classOf, set.queries.map((query) => ({ text: `${query.question} ${query.answer}`, class: query.class })));
    expect(part).toBeLessThanOrEqual(0.6);
  });

  it('draws names, objects and letters for every class from the same pool', () => {
    // Each word that has a role in no rule occurs in several classes: no marker gives a class away.
    const kindsOf = new Map<string, Set<number>>();
    asked.forEach(({ question }, k) => {
      for (const word of question.match(/[A-Z][a-z]{2}\b|\b[a-z]\b/gu) ?? []) (kindsOf.get(word) ?? kindsOf.set(word, new Set()).get(word)!).add(set.classOf[k]!);
    });
    for (const [word, kinds] of kindsOf) expect([word, kinds.size]).toEqual([word, expect.toSatisfy((size: number) => size >= 5)]);
  });

  it('uses words only that are tokens of their own', () => {
    for (const { question, answer } of [...asked, ...set.queries, ...set.mislabelled.records.map(({ questions }) => questions[0]!)]) {
      const ids = [...tokenizer.encode(question), ...tokenizer.encode(answer)];
      expect([question, ids.filter((id) => id < SPELLED && !/^[.?,0-9]$/u.test(tokenizer.decode([id])))]).toEqual([question, []]);
    }
  });

  it('says something wrong in a fifth of the mislabelled records, and changes nothing else', () => {
    const { records, flipped } = set.mislabelled;
    expect(flipped.filter(Boolean)).toHaveLength(40);
    records.forEach(({ questions: [one] }, k) => {
      expect(one!.question).toBe(asked[k]!.question);
      expect(one!.answer !== asked[k]!.answer).toBe(flipped[k]);
    });
  });
});

describe('answers', () => {
  it('of arithmetic are right', () => {
    for (let kind = 0; kind < 10; kind++) {
      for (let i = 0; i < 50; i++) {
        const { answer } = FAMILIES.arithmetic.example(kind, new Draw(5, i));
        for (const step of answer.split(' , ')) {
          const [left, right] = step.split(' = ');
          const [first, ...rest] = left!.split(' ');
          let value = Number(first);
          for (let at = 0; at < rest.length; at += 2) {
            const operand = Number(rest[at + 1]);
            value = rest[at] === '+' ? value + operand : rest[at] === '-' ? value - operand : value * operand;
          }
          expect([answer, value]).toEqual([answer, Number(right)]);
          expect(value).toBeGreaterThanOrEqual(0);
        }
      }
    }
  });

  it('of transformations are what each kind says', () => {
    const expected = ['d c b a', 'b c d', 'a b c', 'b a c d', 'a a b c d', 'a b c d d', 'b c d a', 'd a b c', 'a d', 'a a b b c c d d'];
    const seen = new Map<number, string>();
    for (let kind = 0; kind < 10; kind++) {
      for (let i = 0; !seen.has(kind); i++) {
        const { question, answer } = FAMILIES.transformations.example(kind, new Draw(6, i));
        const letters = question.match(/\b[a-z]\b/gu)!;
        if (letters.length !== 4) continue;
        seen.set(kind, answer.split(' ').map((letter) => 'abcd'[letters.indexOf(letter)]).join(' '));
      }
    }
    expect([...seen.values()]).toEqual(expected);
  });
});

describe('the base’s corpus', () => {
  it('never tells how the classes of transformations are told', () => {
    // "untold" examples draw their words, and their answer, at random: there a telling may occur and means nothing.
    const plain = (question: string) => question.replace(/\b(the|letter|please|write|say|give|show|it)\b|:/gu, ' ').replace(/\b[a-o]\b/gu, ' ').replace(/\s+/gu, ' ').trim();
    const answers = new Map<string, Set<string>>();
    for (let i = 0; i < 30_000; i++) {
      const example = baseExample(11, i);
      if ('text' in example || !TELLINGS.includes(plain(example.question))) continue;
      const letters = example.question.replace(/: /u, '').match(/\b[a-o]\b/gu)!;
      const told = plain(example.question);
      (answers.get(told) ?? answers.set(told, new Set()).get(told)!).add(example.answer.split(' ').map((letter) => letters.indexOf(letter)).join(' '));
    }
    for (const found of answers.values()) expect(found.size).toBeGreaterThan(1);
  });
});
