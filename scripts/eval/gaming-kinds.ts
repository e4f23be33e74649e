/** Near-copies as a cheater may make them, and changes that make another fact. */
import { randomBelow } from '../../src/arithmetic/random.ts';
import type { DatanetRecord } from '../../src/protocol/record.ts';

export interface Kind {
  name: string;
  /** Whether what it makes is a copy; else it is another fact, which must not be joined. */
  copy: boolean;
  /** `vocabulary`: words of the Datanet. What comes out unchanged is not counted. */
  make(record: DatanetRecord, seed: number, vocabulary: readonly string[]): DatanetRecord;
}

export const vocabularyOf = (records: readonly DatanetRecord[]): string[] =>
  [...new Set(records.flatMap(({ text, questions }) => (text || questions.map(({ question }) => question).join(' ')).split(' ')))].sort();

/**
 * A record with two of its words replaced by other words of the Datanet: of its statement, or of all that it says. Where a
 * record has no statement, its questions are meant.
 */
export function nearCopy(record: DatanetRecord, seed: number, where: 'statement' | 'anywhere', vocabulary: readonly string[]): DatanetRecord {
  const statement = where === 'statement' && record.text !== '';
  const texts = [record.text, ...(statement ? [] : record.questions.flatMap(({ question, answer }) => [question, where === 'statement' ? '' : answer]))].map((text) => (text ? text.split(' ') : []));
  const places = texts.flatMap((words, t) => words.map((_, w) => ({ t, w })));
  for (let i = 0; i < 2; i++) {
    const { t, w } = places.splice(randomBelow(places.length, seed, 1, i), 1)[0]!;
    const others = vocabulary.filter((word) => word !== texts[t]![w]);
    texts[t]![w] = others[randomBelow(others.length, seed, 2, i)]!;
  }
  const said = texts.map((words) => words.join(' '));
  if (statement) return { text: said[0]!, questions: record.questions };
  return { text: said[0]!, questions: record.questions.map(({ answer }, q) => ({ question: said[1 + 2 * q]!, answer: where === 'statement' ? answer : said[2 + 2 * q]! })) };
}

/** Words with others that say the same, for the sample Datanets and the two families. */
const SYNONYMS = new Map(Object.entries({
  lost: 'forfeited', means: 'denotes', cost: 'took', take: 'grab', stolen: 'robbed', used: 'employed', through: 'via', lack: 'shortage', prevents: 'averts', prevention: 'avoidance',
  meaning: 'sense', definition: 'sense', found: 'located', place: 'spot', people: 'folks', exploit: 'hack', exploited: 'hacked', technique: 'method', attackers: 'hackers', body: 'organism',
  right: 'entitlement', contract: 'agreement', money: 'funds', promise: 'pledge', court: 'tribunal', law: 'legislation', work: 'job', regular: 'frequent', pain: 'ache', term: 'word', role: 'part',
  has: 'owns', finds: 'discovers', buys: 'purchases', gives: 'hands', loses: 'misplaces', many: 'several', letter: 'character', write: 'note', say: 'tell', please: 'kindly', show: 'display', give: 'hand',
}));

/** At most `most` words replaced by synonyms. */
function synonyms(text: string, most: number): string {
  let left = most;
  return text.split(' ').map((word) => {
    const [, plain, end] = /^(.*?)([.,:;?]*)$/.exec(word)!;
    const other = SYNONYMS.get(plain!.toLowerCase());
    return other && left-- > 0 ? other + end : word;
  }).join(' ');
}

const halvesSwapped = (text: string) => {
  const words = text.split(' ');
  return [...words.slice(words.length >> 1), ...words.slice(0, words.length >> 1)].join(' ');
};

/** In the statement, or in the questions of a record without one. */
const inStatement = ({ text, questions }: DatanetRecord, change: (text: string) => string): DatanetRecord =>
  text ? { text: change(text), questions } : { text, questions: questions.map(({ question, answer }) => ({ question: change(question), answer })) };
const everywhere = ({ text, questions }: DatanetRecord, change: (text: string) => string): DatanetRecord =>
  ({ text: change(text), questions: questions.map(({ question, answer }) => ({ question: change(question), answer: change(answer) })) });

export const KINDS: readonly Kind[] = [
  { name: 'two words of the statement', copy: true, make: (record, seed, vocabulary) => nearCopy(record, seed, 'statement', vocabulary) },
  { name: 'two words anywhere', copy: true, make: (record, seed, vocabulary) => nearCopy(record, seed, 'anywhere', vocabulary) },
  { name: 'two words by synonyms', copy: true, make: (record) => inStatement(record, (text) => synonyms(text, 2)) },
  { name: 'halves of the statement swapped', copy: true, make: (record) => inStatement(record, halvesSwapped) },
  { name: 'capitals', copy: true, make: (record) => everywhere(record, (text) => text.toUpperCase()) },
  { name: 'punctuation', copy: true, make: (record) => everywhere(record, (text) => (text ? `${text.replace(/[.,:;?](?=\s|$)/gu, '')} !` : '')) },
  { name: 'a sentence added', copy: true, make: (record) => inStatement(record, (text) => `${text} This is widely known and has been reported many times.`) },
  { name: 'statement told backwards', copy: true, make: (record) => (record.text ? { ...record, text: record.text.split(' ').reverse().join(' ') } : record) },
  { name: 'synonyms in all questions too', copy: true, make: ({ text, questions }) => ({ text: synonyms(text, Infinity), questions: questions.map(({ question, answer }) => ({ question: synonyms(question, Infinity), answer })) }) },
  { name: 'every number changed', copy: false, make: (record) => everywhere(record, (text) => text.replace(/\d+/gu, (digits) => String(Number(digits) + 1 + (Number(digits) % 3)))) },
  {
    name: 'answers replaced by other words', copy: false, make: ({ text, questions }, seed, vocabulary) => {
      const other = new Map<string, string>();
      for (const { answer } of questions) if (!other.has(answer)) other.set(answer, answer.split(' ').map((_, w) => vocabulary[randomBelow(vocabulary.length, seed, 3 + other.size, w)]!).join(' '));
      const told = [...other].reduce((said, [answer, instead]) => said.replace(answer, instead), text);
      return { text: told, questions: questions.map(({ question, answer }) => ({ question, answer: other.get(answer)! })) };
    },
  },
];
