import { ARITHMETIC_KINDS, end } from '../families/arithmetic.ts';
import { Draw } from '../families/draw.ts';
import { TELLINGS, task, told } from '../families/transformations.ts';
import { GAINS, LETTERS, LOSSES, NAMES, OBJECTS, PLACES, VERBS } from '../families/words.ts';

/**
 * General text in the families' words: sums written out, letters handled, who has what. The same computations occur
 * under other names; which words of the families ask for which of them is not told: there the base only learns that
 * some computation follows ("untold" examples draw it). An example is a plain line, or a question with its answer.
 */
export type BaseExample = { text: string } | { question: string; answer: string };

/** Streams of random numbers of the corpus. */
const STREAM = 1_000_000;

const sum = (a: number, b: number) => `${a} + ${b} = ${a + b}`;
const difference = (a: number, b: number) => `${a} - ${b} = ${a - b}`;

function sums(draw: Draw): BaseExample {
  const a = draw.number(2, 18);
  const b = draw.number(2, 9);
  const object = draw.pick(OBJECTS);
  const c = draw.number(2, Math.min(9, a));
  const one = draw.number(2, 9);
  switch (draw.below(9)) {
    case 0: return { text: sum(a, b) };
    case 1: return { text: difference(a, c) };
    case 2: {
      const x = draw.number(2, 4);
      return { text: `${x} * ${b} = ${x * b}` };
    }
    case 3: return { question: `${one} ${object} plus ${b}`, answer: sum(one, b) };
    case 4: return { question: `${a} ${object} minus ${c}`, answer: difference(a, c) };
    case 5: return { question: `${one} ${object} plus ${b} plus ${c}`, answer: `${sum(one, b)} , ${sum(one + b, c)}` };
    case 6: {
      const x = draw.number(5, 9);
      const y = draw.number(2, x - 1);
      return { question: `${x} ${object} minus ${y} plus ${b}`, answer: `${difference(x, y)} , ${sum(x - y, b)}` };
    }
    case 7: {
      const y = draw.number(2, Math.min(9, one + b));
      return { question: `${one} ${object} plus ${b} minus ${y}`, answer: `${sum(one, b)} , ${difference(one + b, y)}` };
    }
    default: {
      const x = draw.number(2, 6);
      const y = draw.number(2, 6);
      const z = draw.number(2, 6);
      return { text: `${x} + ${y} + ${z} = ${x + y + z}` };
    }
  }
}

/** Who has what, and whether it became more: reads stories, computes nothing. */
function stories(draw: Draw): BaseExample {
  const [one, two] = draw.several(NAMES, 2) as [string, string];
  const object = draw.pick(OBJECTS);
  const other = draw.pick(OBJECTS);
  const a = draw.number(2, 9);
  const b = draw.number(2, 9);
  const place = draw.pick(PLACES);
  const gains = draw.below(2) === 0;
  const verb = draw.pick(gains ? GAINS : LOSSES);
  const has = draw.pick(['has', 'starts with']);
  switch (draw.below(6)) {
    case 0: return { text: `${one} ${has} ${a} ${object}${place} and ${two} ${draw.pick([...GAINS, ...LOSSES])} ${b}.` };
    case 1: return { question: `${one} ${has} ${a} ${object}${place} and ${two} has ${b} ${other}. Who has the ${object}?`, answer: one };
    case 2: {
      const asked = draw.below(2);
      return { question: `${one} ${has} ${a} ${object}${place} and ${two} has ${b}. What has ${asked ? one : two}?`, answer: `${asked ? a : b} ${object}` };
    }
    case 3: return { question: `${one} ${verb} ${b} ${object}${place}. Is it more now?`, answer: gains ? 'more' : 'not more' };
    case 4: return { question: `${one} ${has} ${a} ${object}${place} and ${verb} ${b}. Is it more in the end?`, answer: gains ? 'more' : 'not more' };
    default: return { text: `${one} ${verb} ${draw.pick(['the same', 'as many', 'more'])} ${object} again${place}. Count bags with ${a} ${object} each.` };
  }
}

/** Operations on letters, by a colour each: the families say them in words. */
const COLOURS: [colour: string, apply: (l: string[]) => string[]][] = [
  ['red', (l) => [...l].reverse()],
  ['blue', (l) => l.slice(1)],
  ['green', (l) => l.slice(0, -1)],
  ['white', (l) => [l[1]!, l[0]!, ...l.slice(2)]],
  ['black', (l) => [l[0]!, ...l]],
  ['pink', (l) => [...l, l[l.length - 1]!]],
  ['gold', (l) => [...l.slice(1), l[0]!]],
  ['grey', (l) => [l[l.length - 1]!, ...l.slice(0, -1)]],
  ['brown', (l) => [l[0]!, l[l.length - 1]!]],
  ['orange', (l) => l.flatMap((letter) => [letter, letter])],
  ['silver', (l) => [...l]],
  ['purple', (l) => [l[1]!]],
  ['yellow', (l) => [...l.slice(0, -2), l[l.length - 1]!, l[l.length - 2]!]],
];

function letters(draw: Draw): BaseExample {
  const chosen = draw.several(LETTERS, draw.number(4, 5));
  const word = chosen.join(' ');
  const k = draw.below(chosen.length - 1);
  switch (draw.below(10)) {
    case 0: return { question: `the first letter in ${word}`, answer: chosen[0]! };
    case 1: return { question: `the last letter in ${word}`, answer: chosen[chosen.length - 1]! };
    case 2: return { question: `the letter after ${chosen[k]} in ${word}`, answer: chosen[k + 1]! };
    case 3: return { question: `the letter before ${chosen[k + 1]} in ${word}`, answer: chosen[k]! };
    default: {
      const [colour, apply] = draw.pick(COLOURS);
      return { question: task(draw, colour, chosen), answer: apply(chosen).join(' ') };
    }
  }
}

const PLACE_WORDS = ['first', 'second', 'third', 'last'] as const;

/** Operations told in the families' grammar, of other places than the families': never one of TELLINGS. */
const TOLD: [telling: string, apply: (l: string[]) => string[]][] = [];
PLACE_WORDS.forEach((one, p) => {
  const at = (l: string[], place: number) => (place === 3 ? l.length - 1 : place);
  TOLD.push([`without ${one}`, (l) => l.filter((_, i) => i !== at(l, p))]);
  TOLD.push([`${one} two times`, (l) => l.flatMap((letter, i) => (i === at(l, p) ? [letter, letter] : [letter]))]);
  PLACE_WORDS.forEach((two, q) => {
    if (p === q) return;
    const move = (l: string[], after: boolean) => {
      const rest = l.filter((_, i) => i !== at(l, p));
      rest.splice(rest.indexOf(l[at(l, q)]!) + (after ? 1 : 0), 0, l[at(l, p)]!);
      return rest;
    };
    TOLD.push([`${one} before ${two}`, (l) => move(l, false)], [`${one} after ${two}`, (l) => move(l, true)]);
    TOLD.push([`only ${one} and ${two}`, (l) => [l[at(l, p)]!, l[at(l, q)]!]]);
    TOLD.push([`${one} to ${two}`, (l) => (at(l, p) < at(l, q) ? l.slice(at(l, p), at(l, q) + 1) : l.slice(at(l, q), at(l, p) + 1).reverse())]);
  });
});
const TAUGHT = TOLD.filter(([telling]) => !TELLINGS.includes(telling));

function toldLetters(draw: Draw): BaseExample {
  const chosen = draw.several(LETTERS, draw.number(4, 5));
  const [telling, apply] = draw.pick(TAUGHT);
  return { question: task(draw, told(draw, telling), chosen), answer: apply(chosen).join(' ') };
}

/** Sentences with numbers at random, answered by a computation at random: all that the base knows of word problems. */
function untoldStory(draw: Draw): BaseExample {
  const object = draw.pick(OBJECTS);
  const numbers = Array.from({ length: draw.number(1, 3) }, () => draw.number(2, 9));
  const names = draw.several(NAMES, 3);
  const sentences = numbers.map((number, k) => {
    const name = names[draw.below(2) ? 0 : k]!;
    const verb = draw.pick(['has', 'starts with', ...GAINS, ...LOSSES]);
    const what = draw.pick([`${number}`, `${number} ${object}`, `${number} ${draw.pick(['more', 'bags', `${object} each`, `${object} again`])}`]);
    const join = k === 0 ? '' : draw.pick(['. ', '. Then ', ' and ', ' and then ', ' with ']);
    return `${join}${join.endsWith('then ') || join.endsWith('with ') ? '' : name} ${join.endsWith('with ') ? '' : verb} ${what}${draw.pick(PLACES)}`;
  });
  const more = numbers.length === 1 ? draw.pick([' the same again', ' as many again', '']) : '';
  const answers = ARITHMETIC_KINDS.map((kind) => kind.answer(numbers)).filter((answer) => answer !== undefined);
  return { question: `${sentences.join('')}${more}. ${draw.below(4) ? end(draw, object) : `How many more ${object} are there now?`}`.replace(/ +/gu, ' ').trim(), answer: draw.pick(answers) };
}

const TELLING_WORDS = ['first', 'last', 'first', 'last', 'second', 'third', 'before', 'after', 'without', 'only', 'and', 'to', 'two times', 'each letter'];

/** The families' words of telling in any order, and an operation at random: without it the base would be sure of what it never saw. */
function untoldLetters(draw: Draw): BaseExample {
  const chosen = draw.several(LETTERS, draw.number(4, 5));
  const telling = Array.from({ length: draw.number(2, 4) }, () => draw.pick(TELLING_WORDS)).join(' ');
  const [, apply] = draw.pick(COLOURS);
  return { question: task(draw, told(draw, telling), chosen), answer: apply(chosen).join(' ') };
}

/** Example `i` of the corpus of a seed. */
export function baseExample(seed: number, i: number): BaseExample {
  const draw = new Draw(seed, STREAM + i);
  const turn = draw.below(20);
  if (turn < 4) return sums(draw);
  if (turn < 6) return stories(draw);
  if (turn < 10) return untoldStory(draw);
  if (turn < 14) return letters(draw);
  return turn < 17 ? toldLetters(draw) : untoldLetters(draw);
}

/** Every word that the base must know as one token, besides letters and digits. */
export const WORDS = [
  ...NAMES, ...OBJECTS, ...GAINS, ...LOSSES, ...COLOURS.map(([colour]) => colour),
  ...'has starts with and then Then today at home school in town How many more now the end are there Count bags each same again as Who What Is it not plus minus'.split(' '),
  ...VERBS,
  ...'last letter to first without second third before after two times only please'.split(' '),
];
