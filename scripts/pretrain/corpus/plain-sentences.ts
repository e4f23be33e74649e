import type { Draws } from './random.ts';
import { capital, personName, placeName } from './names.ts';
import {
  ADJECTIVES, BODY_PARTS, COLOURS, COUNTRIES, FIRST_NAMES, FOODS, HOBBIES, JOBS, MATERIALS, MONTHS, OBJECTS, PERSONS, STUDIES, VERBS, WEEKDAYS,
} from './words.ts';
import { scraps } from './phrases.ts';
import { gerund, participle, thirdPerson, withArticle } from './verb-forms.ts';

export type Example = { kind: 'statement'; text: string } | { kind: 'qa'; question: string; answer: string };

const WORDS_OF_KIND: readonly (readonly [string, readonly string[]])[] = [
  ['a colour', COLOURS],
  ['a material', MATERIALS],
  ['a country', COUNTRIES],
  ['a month', MONTHS],
  ['a day of the week', WEEKDAYS],
  ['a job', JOBS],
  ['a food', FOODS],
  ['a part of the body', BODY_PARTS],
  ['a hobby', HOBBIES],
  ['a field of study', STUDIES],
  ['a first name', FIRST_NAMES],
];

const KIND_QUESTIONS = ['What kind of thing is {w}?', 'What is {w}?', 'What sort of word is {w}?', 'What do we call {w}?'] as const;

const SENTENCES: readonly ((d: Draws) => string)[] = [
  (d) => `The ${d.pick(PERSONS)} ${thirdPerson(d.pick(VERBS))} the ${d.pick(ADJECTIVES)} ${d.pick(OBJECTS)}.`,
  (d) => `On ${d.pick(WEEKDAYS)} ${d.pick(FIRST_NAMES)} and ${d.pick(FIRST_NAMES)} ate ${d.pick(FOODS)} with ${d.pick(FOODS)}.`,
  (d) => `${d.pick(FIRST_NAMES)} has ${withArticle(`${d.pick(COLOURS)} ${d.pick(OBJECTS)}`)} made of ${d.pick(MATERIALS)}.`,
  (d) => `In ${d.pick(MONTHS)} the ${d.pick(OBJECTS)} in ${d.pick(COUNTRIES)} is ${d.pick(ADJECTIVES)}.`,
  (d) => `${capital(withArticle(d.pick(PERSONS)))} can ${d.pick(VERBS)} ${withArticle(d.pick(OBJECTS))} without ${gerund(d.pick(VERBS))} it.`,
  (d) => `The ${d.pick(OBJECTS)} was ${participle(d.pick(VERBS))} by the ${d.pick(PERSONS)} near ${placeName(d)}.`,
  (d) => `${personName(d)} travelled from ${placeName(d)} to ${placeName(d)} by ${d.pick(['train', 'boat', 'bus', 'car', 'bicycle'])}.`,
  (d) => `There are ${2 + d.below(98)} ${d.pick(OBJECTS)}s in the ${d.pick(ADJECTIVES)} ${d.pick(OBJECTS)}.`,
  (d) => `When you ${d.pick(VERBS)} the ${d.pick(OBJECTS)}, the ${d.pick(BODY_PARTS)} may ${d.pick(VERBS)}.`,
  (d) => `To ${d.pick(VERBS)} is not to ${d.pick(VERBS)}, but it is ${d.pick(ADJECTIVES)}.`,
];

const COPY_QUESTIONS = ['Repeat: {w}', 'Say this again: {w}', 'Copy {w}', 'Write down {w}'] as const;
const normalised = (text: string) => text.replace(/\s+/gu, ' ').trim();

/** Sentences and small true questions about words, numbers and the calendar; they do not recur. */
export function plainExample(d: Draws): Example {
  switch (d.below(12)) {
    case 0: {
      const [kind, words] = d.pick(WORDS_OF_KIND);
      const w = d.pick(words);
      return d.chance(40) ? { kind: 'statement', text: capital(`${w} is ${kind}.`) } : { kind: 'qa', question: d.pick(KIND_QUESTIONS).replace('{w}', w), answer: kind };
    }
    case 1: {
      const x = d.below(12);
      const y = d.below(12);
      return { kind: 'qa', question: d.pick([`What is ${x} plus ${y}?`, `How much is ${x} plus ${y}?`]), answer: `${x + y}` };
    }
    case 2: {
      const m = d.below(12);
      return { kind: 'qa', question: `Which month comes after ${MONTHS[m]}?`, answer: MONTHS[(m + 1) % 12]! };
    }
    case 3:
    case 4:
    case 5:
    case 6:
    case 7: {
      const answer = normalised(scraps(d));
      return { kind: 'qa', question: d.pick(COPY_QUESTIONS).replace('{w}', () => answer), answer };
    }
    default:
      return { kind: 'statement', text: d.pick(SENTENCES)(d) };
  }
}
