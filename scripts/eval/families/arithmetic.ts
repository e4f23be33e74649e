import type { Draw } from './draw.ts';
import { type Family, type Kind, makeFamily } from './family.ts';
import { GAINS, LOSSES, NAMES, OBJECTS } from './words.ts';

/*
 * Word problems whose answer shows the reasoning: "Tom has 4 pens and finds 3. How many pens now?" → "4 + 3 = 7".
 * Kinds differ in the order and number of the same steps; every kind ends in one of the same questions.
 */

const plus = (a: number, b: number) => `${a} + ${b} = ${a + b}`;
const minus = (a: number, b: number) => (a >= b ? `${a} - ${b} = ${a - b}` : undefined);

const small = (draw: Draw) => draw.number(2, 9);

/** How every problem ends. */
export function end(draw: Draw, object: string): string {
  return draw.pick([`How many ${object} now?`, `How many ${object} in the end?`, `How many ${object} are there?`, `Count the ${object}.`]);
}

/** "Tom has 4 pens and finds 3. Then Tom loses 2. How many pens now?" */
function story(draw: Draw, first: number, steps: readonly [verbs: readonly string[], what: string][]): string {
  const name = draw.pick(NAMES);
  const object = draw.pick(OBJECTS);
  const told = steps.map(([verbs, what], k) => `${k === 0 ? ' and' : `. Then ${name}`} ${draw.pick(verbs)} ${what}`);
  return `${name} has ${first} ${object}${told.join('')}. ${end(draw, object)}`;
}

const twoSteps = (name: string, first: readonly string[], second: readonly string[]): Kind<number> => {
  const apply = (verbs: readonly string[], a: number, b: number): [number, string | undefined] => (verbs === GAINS ? [a + b, plus(a, b)] : [a - b, minus(a, b)]);
  return {
    name,
    given: (draw) => (first === GAINS ? [small(draw), small(draw), draw.number(2, 4)] : [draw.number(6, 9), draw.number(2, 4), 2]),
    question: (draw, [a, b, c]) => story(draw, a!, [[first, `${b}`], [second, `${c}`]]),
    answer(given) {
      if (given.length !== 3) return undefined;
      const [a, b, c] = given as [number, number, number];
      const [between, one] = apply(first, a, b);
      const [, two] = apply(second, between, c);
      return one && two && `${one} , ${two}`;
    },
  };
};

export const ARITHMETIC_KINDS: readonly Kind<number>[] = [
  {
    name: 'add',
    given: (draw) => [small(draw), small(draw)],
    question: (draw, [a, b]) => story(draw, a!, [[GAINS, `${b}`]]),
    answer: ({ length, ...given }) => (length === 2 ? plus(given[0]!, given[1]!) : undefined),
  },
  {
    name: 'subtract',
    given: (draw) => [draw.number(5, 9), draw.number(2, 5)],
    question: (draw, [a, b]) => story(draw, a!, [[LOSSES, `${b}`]]),
    answer: ({ length, ...given }) => (length === 2 ? minus(given[0]!, given[1]!) : undefined),
  },
  twoSteps('add, then subtract', GAINS, LOSSES),
  twoSteps('subtract, then add', LOSSES, GAINS),
  twoSteps('add twice', GAINS, GAINS),
  twoSteps('subtract twice', LOSSES, LOSSES),
  {
    name: 'sum of three',
    given: (draw) => [draw.number(2, 6), draw.number(2, 6), draw.number(2, 6)],
    question(draw, [a, b, c]) {
      const [one, two, three] = draw.several(NAMES, 3) as [string, string, string];
      const object = draw.pick(OBJECTS);
      return `${one} has ${a} ${object} and ${two} has ${b}. Then ${three} has ${c}. ${end(draw, object)}`;
    },
    answer: ({ length, ...given }) => (length === 3 ? `${given[0]} + ${given[1]} + ${given[2]} = ${given[0]! + given[1]! + given[2]!}` : undefined),
  },
  {
    // The smaller number is told first, so that it is not "subtract" in other words.
    name: 'difference',
    given: (draw) => [draw.number(2, 5), draw.number(6, 9)],
    question(draw, [a, b]) {
      const [one, two] = draw.several(NAMES, 2) as [string, string];
      const object = draw.pick(OBJECTS);
      return `${one} has ${a} ${object} and ${two} has ${b}. How many more ${object} are there${draw.pick([' now', ' in the end', ''])}?`;
    },
    answer: ({ length, ...given }) => (length === 2 ? minus(given[1]!, given[0]!) : undefined),
  },
  {
    name: 'double',
    given: (draw) => [small(draw)],
    question: (draw, [a]) => story(draw, a!, [[GAINS, draw.pick(['the same again', 'as many again'])]]),
    answer: ({ length, ...given }) => (length === 1 ? plus(given[0]!, given[0]!) : undefined),
  },
  {
    name: 'times',
    given: (draw) => [draw.number(2, 4), draw.number(2, 6)],
    question(draw, [a, b]) {
      const name = draw.pick(NAMES);
      const object = draw.pick(OBJECTS);
      return `${name} ${draw.pick([...GAINS, 'has'])} ${a} bags with ${b} ${object} each. ${end(draw, object)}`;
    },
    answer: ({ length, ...given }) => (length === 2 ? `${given[0]} * ${given[1]} = ${given[0]! * given[1]!}` : undefined),
  },
];

export const ARITHMETIC: Family = makeFamily('arithmetic', ARITHMETIC_KINDS);
