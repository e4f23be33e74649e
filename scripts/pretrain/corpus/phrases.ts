import { COMMON_WORDS } from './common-words.ts';
import type { Draws } from './random.ts';
import {
  ABSTRACT_NOUNS, ADJECTIVES, BODY_PARTS, FOODS, HABITS, ILLNESS_NOUNS, NUTRIENTS, OBJECTS, PERSONS, TECH_WORDS, VERBS,
} from './words.ts';
import { gerund, participle, thirdPerson, withArticle } from './verb-forms.ts';

/** Values of several words, composed from a small grammar over the whole word stock. */
type Phrase = (d: Draws) => string;

const common = new Set(COMMON_WORDS);
const commonOf = new Map<readonly string[], readonly string[]>();

/** A word of the list; half the time one of its common words, as in real definitions. */
function word(d: Draws, words: readonly string[]): string {
  let few = commonOf.get(words);
  if (!few) commonOf.set(words, (few = words.filter((w) => common.has(w))));
  return d.pick(few.length > 8 && d.chance(50) ? few : words);
}

const noun: Phrase = (d) => word(d, d.chance(80) ? ABSTRACT_NOUNS : OBJECTS);
const a: Phrase = (d) => withArticle(d.chance(45) ? `${word(d, ADJECTIVES)} ${noun(d)}` : noun(d));
const someone: Phrase = (d) => (d.chance(30) ? d.pick(['another', 'the other', 'one']) + ` ${word(d, PERSONS)}` : withArticle(word(d, PERSONS)));
const thing: Phrase = (d) => (d.chance(50) ? noun(d) : a(d));
const does: Phrase = (d) => thirdPerson(word(d, VERBS));
const doing: Phrase = (d) => gerund(word(d, VERBS));
const done: Phrase = (d) => participle(word(d, VERBS));
const preposition: Phrase = (d) =>
  d.pick(['without', 'for', 'before', 'after', 'against', 'by', 'in', 'on', 'with', 'under', 'from', 'between', 'about', 'through', 'during', 'over', 'upon']);

const MEANINGS: readonly Phrase[] = [
  (d) => `${a(d)} that ${does(d)} ${thing(d)}`,
  (d) => `the ${doing(d)} of ${thing(d)} by ${someone(d)}`,
  (d) => `${doing(d)} ${thing(d)} ${preposition(d)} ${thing(d)}`,
  (d) => `${a(d)} ${done(d)} ${preposition(d)} ${someone(d)}`,
  (d) => `${withArticle(word(d, PERSONS))} who ${does(d)} ${thing(d)} for ${someone(d)}`,
  (d) => `the right to ${word(d, VERBS)} ${thing(d)}`,
  (d) => `a duty not to ${word(d, VERBS)} ${thing(d)}`,
  (d) => `${noun(d)} ${done(d)} to ${someone(d)} ${preposition(d)} ${noun(d)}`,
  (d) => `a court order to ${word(d, VERBS)} ${thing(d)}`,
  (d) => `${noun(d)} that ${someone(d)} ${does(d)} ${preposition(d)} ${noun(d)}`,
  (d) => `the power of ${someone(d)} to ${word(d, VERBS)} ${thing(d)}`,
  (d) => `${a(d)} made to ${word(d, VERBS)} or ${word(d, VERBS)} ${noun(d)}`,
  (d) => `${a(d)} ${preposition(d)} which ${someone(d)} must ${word(d, VERBS)}`,
  (d) => `a bar on ${doing(d)} what one has ${done(d)}`,
  (d) => `something ${done(d)} only when ${thing(d)} is ${done(d)}`,
  (d) => `${d.pick(['failure', 'refusal', 'promise', 'agreement', 'request', 'permission', 'intent'])} to ${word(d, VERBS)} ${thing(d)} ${preposition(d)} ${noun(d)}`,
];

export const legalMeaning: Phrase = (d) => d.pick(MEANINGS)(d);

const organ: Phrase = (d) => (d.chance(70) ? `the ${word(d, BODY_PARTS)}` : word(d, BODY_PARTS));
const substance: Phrase = (d) => word(d, d.chance(60) ? NUTRIENTS : FOODS);

const HEALTH_MEANINGS: readonly Phrase[] = [
  (d) => `${withArticle(word(d, ILLNESS_NOUNS))} of ${organ(d)}`,
  (d) => `${word(d, ADJECTIVES)} ${word(d, ILLNESS_NOUNS)} in ${organ(d)}`,
  (d) => `too ${d.pick(['much', 'little'])} ${substance(d)} in ${organ(d)}`,
  (d) => `a ${d.pick(['medical word', 'doctor', 'word', 'test', 'tool', 'device', 'name', 'specialist', 'study', 'measure'])} for ${organ(d)}`,
  (d) => `the ${word(d, ADJECTIVES)} part of ${organ(d)}`,
  (d) => `a ${d.pick(['disease', 'condition', 'substance', 'process', 'gland', 'muscle', 'disorder', 'state'])} that ${does(d)} ${organ(d)}`,
  (d) => `the ${doing(d)} of ${substance(d)} by ${organ(d)}`,
  (d) => `${organ(d)} ${done(d)} by ${word(d, ILLNESS_NOUNS)}`,
  (d) => `${d.pick(['difficulty', 'trouble', 'pain when', 'fear of', 'loss of', 'inability in'])} ${doing(d)}`,
];
export const healthMeaning: Phrase = (d) => d.pick(HEALTH_MEANINGS)(d);

const CAUSES: readonly Phrase[] = [
  (d) => `a lack of ${substance(d)}`,
  (d) => `too ${d.pick(['much', 'little'])} ${substance(d)}`,
  (d) => `${withArticle(d.pick(['virus', 'bacterium', 'parasite', 'fungus', 'mite', 'worm', 'toxin', 'blockage', 'tumour']))} in ${organ(d)}`,
  (d) => `${word(d, ADJECTIVES)} ${word(d, ILLNESS_NOUNS)} in ${organ(d)}`,
  (d) => `${withArticle(d.pick(['bite', 'sting', 'virus', 'parasite', 'infection', 'germ']))} ${d.pick(['spread', 'carried', 'caused', 'passed on'])} by ${d.pick(['ticks', 'mosquitoes', 'fleas', 'flies', 'dogs', 'birds', 'water', 'coughs', 'air', 'food', 'blood', 'bacteria', 'touch'])}`,
  (d) => `${doing(d)} ${substance(d)} ${d.pick(['too fast', 'too often', 'for years', 'at night', 'in the cold'])}`,
  (d) => `damage to ${organ(d)}`,
  (d) => `${word(d, ILLNESS_NOUNS)} and ${word(d, ILLNESS_NOUNS)}`,
  (d) => `the immune system attacking ${organ(d)}`,
];
export const healthCause: Phrase = (d) => d.pick(CAUSES)(d);

const ROLES: readonly Phrase[] = [
  (d) => `${does(d)} ${substance(d)} ${d.pick(['in', 'from', 'to', 'around', 'through', 'into', 'out of'])} ${organ(d)}`,
  (d) => `${does(d)} ${organ(d)} and ${does(d)} ${substance(d)}`,
  (d) => `helps ${organ(d)} to ${word(d, VERBS)} ${substance(d)}`,
  (d) => `${does(d)} ${organ(d)}`,
  (d) => `keeps ${organ(d)} ${word(d, ADJECTIVES)}`,
  (d) => `connects ${organ(d)} to ${organ(d)}`,
  (d) => `protects ${organ(d)} from ${word(d, ILLNESS_NOUNS)}`,
];
export const healthRole: Phrase = (d) => d.pick(ROLES)(d);

const WHERE = ['in', 'behind', 'below', 'above', 'under', 'inside', 'near', 'at the back of', 'at the base of', 'at the front of', 'on top of', 'on'] as const;
export const healthPlace: Phrase = (d) => {
  switch (d.below(4)) {
    case 0:
      return `between ${organ(d)} and ${organ(d)}`;
    case 1:
      return `${d.pick(WHERE)} the ${d.pick(['upper', 'lower', 'inner', 'outer', 'left', 'right', 'middle'])} ${word(d, BODY_PARTS)}`;
    default:
      return `${d.pick(WHERE)} ${organ(d)}`;
  }
};

export const healthSource: Phrase = (d) => {
  switch (d.below(6)) {
    case 0:
      return `${word(d, FOODS)} and ${word(d, FOODS)}`;
    case 1:
      return `${word(d, ADJECTIVES)} ${word(d, FOODS)}`;
    case 2:
      return `${word(d, FOODS)}, ${word(d, FOODS)} and ${word(d, FOODS)}`;
    case 3:
      return `${d.pick(['sunlight on', 'cells in', 'glands in', 'germs in', 'heat in'])} ${organ(d)}`;
    default:
      return `${word(d, FOODS)} and ${word(d, ADJECTIVES)} ${word(d, FOODS)}`;
  }
};

export const healthPrevention: Phrase = (d) => {
  switch (d.below(4)) {
    case 0:
      return `${d.pick(HABITS)} and ${d.pick(HABITS)}`;
    case 1:
      return `${doing(d)} ${substance(d)} ${d.pick(['every day', 'less often', 'before sleep', 'after meals', 'in summer', 'outdoors', 'at work'])}`;
    case 2:
      return `${doing(d)} ${organ(d)} ${d.pick(['clean', 'dry', 'warm', 'often', 'daily', 'with soap', 'with care'])}`;
    default:
      return d.pick(HABITS);
  }
};

const tech: Phrase = (d) => word(d, TECH_WORDS);
const TECHNIQUES: readonly Phrase[] = [
  (d) => `${tech(d)} ${d.pick(['manipulation', 'bug', 'error', 'attack', 'overflow', 'takeover', 'hijack', 'flaw', 'leak', 'theft', 'failure', 'exploit'])}`,
  (d) => `${d.pick(['flash loan', 'price', 'private', 'front end', 'infinite', 'missing', 'forged', 'broken', 'weak', 'stolen'])} ${tech(d)} ${tech(d)}`,
  (d) => `${d.pick(['compromised', 'leaked', 'stolen', 'forged', 'missing', 'unprotected', 'unchecked', 'faulty', 'flawed', 'wrong', 'fake', 'hidden'])} ${tech(d)} ${tech(d)}`,
  (d) => `${d.pick(['compromised', 'leaked', 'stolen', 'forged', 'missing', 'unprotected', 'unchecked', 'faulty', 'flawed', 'wrong', 'fake'])} ${tech(d)}`,
  (d) => `${tech(d)} ${tech(d)} ${tech(d)}`,
  (d) => `${word(d, ADJECTIVES)} ${tech(d)} ${d.pick(['in', 'of', 'on', 'through', 'by'])} ${tech(d)}`,
  () => 'reentrancy',
];
export const technique: Phrase = (d) => d.pick(TECHNIQUES)(d);

export const goal: Phrase = (d) => `to ${word(d, VERBS)} ${thing(d)} ${preposition(d)} ${someone(d)}`;
export const topic: Phrase = (d) => `${someone(d)} who ${does(d)} ${thing(d)}`;
export const fame: Phrase = (d) => `its ${word(d, ADJECTIVES)} ${word(d, OBJECTS)}`;

/** Any words in any order: what makes the base able to say words in combinations that no grammar gave it. */
const ALL_WORDS = [
  ...new Set([
    ...ABSTRACT_NOUNS, ...ADJECTIVES, ...BODY_PARTS, ...FOODS, ...ILLNESS_NOUNS, ...NUTRIENTS, ...OBJECTS, ...PERSONS, ...TECH_WORDS,
    ...VERBS, ...VERBS.map(thirdPerson), ...VERBS.map(gerund), ...VERBS.map(participle),
  ]),
];
const anyWord = (d: Draws) => (d.chance(60) ? d.pick(COMMON_WORDS) : word(d, ALL_WORDS));
export const motto: Phrase = (d) => Array.from({ length: 2 + d.below(5) }, () => anyWord(d)).join(' ');

/** Ranges of characters that people write with, besides printable ASCII. */
const SCRIPTS: readonly (readonly [number, number])[] = [
  [0xc0, 0x17f], [0x391, 0x3c9], [0x410, 0x44f], [0x5d0, 0x5ea], [0x621, 0x64a], [0x905, 0x939], [0x3041, 0x3096], [0x4e00, 0x9fa5], [0xac00, 0xd7a3], [0x1f300, 0x1f64f],
];

/** Words, spellings or characters without meaning, for copying: every token of the vocabulary is read and written. */
export const scraps: Phrase = (d) => {
  const kind = d.below(10);
  if (kind < 6) {
    const words = Array.from({ length: 1 + d.below(6) }, () => anyWord(d));
    const mark = d.pick(['', '', '', '.', ', ', '’s', "'s", '!', ' (', ' - ']);
    return mark ? words.map((w, i) => (i === 0 ? `${w}${mark}` : w)).join(' ') : words.join(' ');
  }
  if (kind < 8) return Array.from({ length: 2 + d.below(8) }, () => String.fromCharCode(33 + d.below(94))).join('');
  const [from, to] = d.pick(SCRIPTS);
  return Array.from({ length: 1 + d.below(4) }, () => String.fromCodePoint(from + d.below(to - from + 1))).join('');
};
