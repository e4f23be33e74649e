import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { permutation, randomBelow } from '../../arithmetic/random.ts';
import type { DatanetRecord } from '../record.ts';
import { clusterRecords, representativesOf } from './cluster-records.ts';
import { tokensOf } from './tokens.ts';

const fact = (text: string, ...questions: [string, string][]): DatanetRecord => ({ text, questions: questions.map(([question, answer]) => ({ question, answer })) });
const SAMPLES = ['exploits', 'legal', 'health'].map((name) => ({
  name,
  records: readFileSync(`public/datanets/${name}.jsonl`, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as DatanetRecord),
}));
const alone = (count: number) => Array.from({ length: count }, (_, k) => k);

/** Two words of the text (of every question, where there is no text) are others of the Datanet's. */
function changed(record: DatanetRecord, vocabulary: readonly string[], stream: number): DatanetRecord {
  let draws = 0;
  const swap = (text: string) => {
    const words = text.split(' ');
    for (const at of permutation(words.length, 1, 1000 + stream).slice(0, 2)) words[at] = vocabulary[randomBelow(vocabulary.length, 2, stream, draws++)]!;
    return words.join(' ');
  };
  if (record.text) return { ...record, text: swap(record.text) };
  return { text: '', questions: record.questions.map(({ question, answer }) => ({ question: swap(question), answer })) };
}

test('tokens fold dress and keep what numbers mean', () => {
  expect(tokensOf('The  DAO “lost”\u200b 1.5\u00a0million—in Café №3.')).toEqual(['the', 'dao', 'lost', '1.5', 'million', 'in', 'cafe', 'no', '3']);
  expect(tokensOf('6 − 2 = 4; well-known 1 / 2')).toEqual(['6', '-', '2', '=', '4', 'well', 'known', '1', '/', '2']);
  expect(tokensOf('раураl ＰａｙＰａｌ')).toEqual(['paypal', 'paypal']);
  expect(tokensOf('東京 は')).toEqual(['東', '京', 'は']);
  expect(tokensOf('कि')).not.toEqual(tokensOf('की'));
});

test('the same content in another dress, order or in parts is a copy of what was first, across identities', () => {
  const first = fact('In 2016 The DAO lost 60 million dollars.', ['How much did The DAO lose?', '60 million dollars'], ['When?', '2016']);
  const records = [
    fact('Bradycardia is a slow heartbeat.'),
    first,
    fact('in 2016, the dao LOST 60 million dollars', ['when', '2016'], ['How much did the DAO lose', '60 million dollars!']),
    fact('', ['When?', '2016']),
    fact('', ['When?', '2017']),
    fact('', ['When was it?', '2016']),
  ];
  expect(clusterRecords(records)).toEqual([0, 1, 1, 1, 4, 5]);
  expect(representativesOf([0, 1, 1, 1, 4, 5])).toEqual([0, 1, 4, 5]);
});

test('a later record that says more than an earlier one is not its copy', () => {
  expect(clusterRecords([fact('', ['When?', '2016']), fact('The Parity Wallet lost 30 million.', ['When?', '2016'], ['Where?', 'Ethereum'])])).toEqual([0, 1]);
});

test('facts that share a template are different facts', () => {
  const records = [
    fact('X lost $1 m on Ethereum in 2021'), fact('Y lost $2 m on BSC in 2022'), fact('X lost $1 m on Ethereum in 2022'),
    fact('In the body, the tibia has this place: in the lower leg.'), fact('In the body, the fibula has this place: in the lower leg.'),
    fact('Vitamin C prevents scurvy in sailors who stay long at sea.'), fact('Vitamin D prevents scurvy in sailors who stay long at sea.'),
    fact('', ['What is 6 - 2?', '4']), fact('', ['What is 6 + 2?', '8']),
  ];
  expect(clusterRecords(records)).toEqual(alone(records.length));
});

test('a fact about another thing is another fact, even where the rest is the same', () => {
  const { records } = SAMPLES[2]!;
  const tibia = records.find(({ text }) => text.includes('tibia'))!;
  const fibula = JSON.parse(JSON.stringify(tibia).replaceAll('tibia', 'fibula')) as DatanetRecord;
  expect(clusterRecords([...records, fibula])).toEqual(alone(records.length + 1));
});

test('many word problems from few words are retellings, not copies: only what is told twice is joined', () => {
  const NAMES = 'Tom Ann Ben Eva Max Zoe Kim Leo Ida Sam Amy Jon'.split(' ');
  const THINGS = 'pens books cups maps keys rings hats balls coins stones'.split(' ');
  const GAINS = 'finds buys gets wins'.split(' ');
  const records = alone(2000).map((k) => {
    let draws = 0;
    const below = (n: number) => randomBelow(n, 12, k, draws++);
    const [name, thing, a, b] = [NAMES[below(12)]!, THINGS[below(10)]!, 2 + below(8), 2 + below(8)];
    return fact('', [`${name} has ${a} ${thing} and ${GAINS[below(4)]!} ${b}. How many ${thing} ${['now', 'in the end'][below(2)]!}?`, `${a} + ${b} = ${a + b}`]);
  });
  const told = new Map<string, number>();
  const expected = records.map(({ questions }, k) => {
    const { question } = questions[0]!;
    if (!told.has(question)) told.set(question, k);
    return told.get(question)!;
  });
  expect(clusterRecords(records)).toEqual(expected);
});

test('no two records of the sample Datanets are copies of each other', () => {
  for (const { records } of SAMPLES) {
    expect(clusterRecords(records)).toEqual(alone(records.length));
    expect(clusterRecords(records.map(({ text }) => fact(text)))).toEqual(alone(records.length));
  }
});

test('nearly all near-copies with two words changed are found, one or five of each, and no original is lost', () => {
  for (const { name, records } of SAMPLES) {
    const vocabulary = [...new Set(records.flatMap(({ text }) => text.split(' ')))];
    for (const times of [1, 5]) {
      const originals = alone(records.length).filter((k) => k % (2 * times) === 0);
      const copies = originals.flatMap((k) => Array.from({ length: times }, (_, t) => ({ k, record: changed(records[k]!, vocabulary, 10 * k + t) })));
      const clusters = clusterRecords([...records, ...copies.map(({ record }) => record)]);
      expect(clusters.slice(0, records.length), name).toEqual(alone(records.length));
      const found = copies.filter(({ k }, i) => clusters[records.length + i] === k).length;
      expect(found / copies.length, `${name}, ${times} of each`).toBeGreaterThanOrEqual(0.95);
    }
  }
});

test('closure: a chain of near-copies is one cluster, and the first committed stands for it', () => {
  const text = 'the quick brown fox jumps over the lazy dog while seven silent owls watch from an old crooked tree near a frozen river'.split(' ');
  const chain = [0, 1, 2, 3, 4].map((step) => fact(text.slice(4 * step).join(' ')));
  const other = fact('A patent is an exclusive right over a new invention.');
  expect(clusterRecords([other, ...chain])).toEqual([0, 1, 1, 1, 1, 1]);
  expect(clusterRecords([chain[0]!, other, chain[4]!])).toEqual([0, 1, 2]);
});

test('nothing, empty records, one record, only duplicates', () => {
  expect(clusterRecords([])).toEqual([]);
  expect(clusterRecords([fact('…'), fact(''), fact('one')])).toEqual([0, 1, 2]);
  expect(clusterRecords(alone(50).map(() => fact('The same fact.')))).toEqual(Array(50).fill(0));
});
