import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { DatanetRecord } from '../record.ts';
import { clusterRecords } from './cluster-records.ts';
import { rewordedPairs } from './reworded.ts';

const fact = (text: string, ...questions: [string, string][]): DatanetRecord => ({ text, questions: questions.map(([question, answer]) => ({ question, answer })) });
const alone = (count: number) => Array.from({ length: count }, (_, k) => k);
const pairs = (records: readonly DatanetRecord[]) => rewordedPairs(records, alone(records.length));
const SAMPLES = ['exploits', 'legal', 'health'].map((name) => readFileSync(`public/datanets/${name}.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as DatanetRecord));
const padded = (record: DatanetRecord): DatanetRecord => ({ ...record, text: `${record.text} This is widely known and has been reported many times.` });

test('a record padded with a sentence is one that may be a copy, though its words alone do not show it', () => {
  for (const records of SAMPLES) {
    const all = [...records, ...records.slice(0, 20).map(padded)];
    expect(clusterRecords([...records, padded(records[0]!)])).toEqual(alone(records.length + 1));
    expect(pairs(all)).toEqual(alone(20).map((k) => [k, records.length + k]));
  }
});

test('no two records of a sample Datanet are such a pair, so that no gradient is taken there', () => {
  for (const records of SAMPLES) expect(pairs(records)).toEqual([]);
});

test('a question that all records share makes no pair: their texts, and what else they are asked, differ', () => {
  const generic = { question: 'Is this a fact?', answer: 'yes' };
  for (const records of SAMPLES) {
    expect(pairs(records.map(({ text, questions }) => ({ text, questions: [...questions, generic] })))).toEqual([]);
    expect(pairs(records.map(({ text }) => ({ text, questions: [generic] })))).toEqual([]);
    expect(pairs(records.map(({ questions }) => ({ text: '', questions: [questions[0]!, generic] })))).toEqual([]);
  }
});

test('without a question that both ask and answer the same there is no pair, whatever else they share', () => {
  const text = 'Aspirin is a medicine against pain and fever that many people take.';
  expect(pairs([
    fact(text, ['Is aspirin safe for children?', 'no']), fact(text, ['Is aspirin safe for dogs?', 'no']), fact(text, ['Is aspirin safe for dogs?', 'yes']),
    fact(text), fact(text, ['?', '!']), fact(text, ['…', '—']),
  ])).toEqual([]);
});

test('other numbers are another fact; more of them are not', () => {
  const loss = (told: string, asked: string) => fact(`In June 2016 The DAO on Ethereum lost ${told} million dollars.`, ['How much did The DAO lose?', `${asked} million`], ['On which chain was The DAO?', 'Ethereum']);
  const records = [loss('60', '60'), loss('70', '70'), loss('75', '60')];
  expect(pairs(records)).toEqual([[0, 2]]);
});

test('who asks more says more', () => {
  const short = fact('The DAO lost 60 million.', ['When was The DAO exploited?', 'in June']);
  const long = fact('The DAO lost 60 million.', ['When was The DAO exploited?', 'in June'], ['On which chain did it live?', 'Ethereum'], ['Through what flaw?', 'reentrancy']);
  expect(pairs([short, long])).toEqual([]);
  expect(pairs([long, short])).toEqual([[0, 1]]);
});

test('what is a copy already is not compared again', () => {
  const records = [SAMPLES[2]![0]!, SAMPLES[2]![0]!, padded(SAMPLES[2]![0]!)];
  expect(rewordedPairs(records, [0, 0, 2])).toEqual([[0, 2]]);
});

test('a question that many share is compared with the first of them only', () => {
  const generic: [string, string] = ['Who are you?', 'an assistant'];
  const words = alone(400).map((k) => [...String(1000 + k)].map((digit) => 'klmnopqrst'[Number(digit)]).join(''));
  const records = alone(80).map((k) => fact(words.slice(5 * k, 5 * k + 5).join(' '), generic));
  const copyOf = (k: number) => fact(`${records[k]!.text} besides`, generic);
  expect(pairs([...records, copyOf(3)])).toEqual([[3, 80]]);
  expect(pairs([...records, copyOf(70)])).toEqual([]);
});

test('nothing, and empty records', () => {
  expect(pairs([])).toEqual([]);
  expect(pairs([fact(''), fact('…'), fact('', ['', ''], ['a', ''])])).toEqual([]);
});
