import type { Draw } from './draw.ts';
import { type Family, type Kind, makeFamily } from './family.ts';
import { LETTERS, VERBS } from './words.ts';

/*
 * Letters and what to do with them: "write it without the first letter : c a t s" → "a t s". All kinds are told in the
 * same few words (first, last, letter, before, after, two times), so that it is their combination that tells them apart.
 */

type Apply = (letters: readonly string[]) => string[];

/** "without first" with or without its small words: "without the first letter". */
export function told(draw: Draw, telling: string): string {
  const small = draw.below(4);
  return telling.replace(/\b(first|second|third|last)\b/gu, (place) => `${small & 1 ? 'the ' : ''}${place}${small & 2 ? ' letter' : ''}`);
}

export function task(draw: Draw, telling: string, letters: readonly string[]): string {
  const word = letters.join(' ');
  const verb = `${draw.pick(['', 'please '])}${draw.pick(VERBS)}`;
  return draw.below(2) ? `${verb} it ${telling} : ${word}` : `${verb} ${word} ${telling}`;
}

const kind = (name: string, telling: string, apply: Apply): Kind<string> => ({
  name,
  given: (draw) => draw.several(LETTERS, draw.number(4, 5)),
  question: (draw, letters) => task(draw, told(draw, telling), letters),
  answer: (letters) => apply(letters).join(' '),
});

const last = (l: readonly string[]) => l[l.length - 1]!;

const KINDS: Kind<string>[] = [
  kind('reverse', 'last to first', (l) => [...l].reverse()),
  kind('drop first', 'without first', (l) => l.slice(1)),
  kind('drop last', 'without last', (l) => l.slice(0, -1)),
  kind('swap first two', 'second before first', (l) => [l[1]!, l[0]!, ...l.slice(2)]),
  kind('repeat first', 'first two times', (l) => [l[0]!, ...l]),
  kind('repeat last', 'last two times', (l) => [...l, last(l)]),
  kind('first to the end', 'first after last', (l) => [...l.slice(1), l[0]!]),
  kind('last to the front', 'last before first', (l) => [last(l), ...l.slice(0, -1)]),
  kind('only the ends', 'only first and last', (l) => [l[0]!, last(l)]),
  kind('all two times', 'each letter two times', (l) => l.flatMap((letter) => [letter, letter])),
];

/** How the ten kinds are told: the base must not be taught them. */
export const TELLINGS: readonly string[] = ['last to first', 'without first', 'without last', 'second before first', 'first two times', 'last two times', 'first after last', 'last before first', 'only first and last', 'each letter two times'];

export const TRANSFORMATIONS: Family = makeFamily('transformations', KINDS);
