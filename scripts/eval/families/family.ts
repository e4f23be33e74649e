import type { Draw } from './draw.ts';

/** One class of a family: what is given, how it is asked, what the right answer is. */
export interface Kind<T> {
  name: string;
  given(draw: Draw): T[];
  question(draw: Draw, given: readonly T[]): string;
  /** Undefined where the rule cannot be applied to what is given. */
  answer(given: readonly T[]): string | undefined;
}

export interface Example {
  question: string;
  answer: string;
  /** Index of its kind. */
  kind: number;
  /** An answer that the rule of another kind, or other given values, would have: what a mislabelled record says. */
  wrong: string;
}

/** A task family: ten kinds of questions that share their words. */
export interface Family {
  name: string;
  kinds: readonly string[];
  example(kind: number, draw: Draw): Example;
}

export function makeFamily<T>(name: string, kinds: readonly Kind<T>[]): Family {
  return {
    name,
    kinds: kinds.map((kind) => kind.name),
    example(kind, draw) {
      const rule = kinds[kind]!;
      const given = rule.given(draw);
      const question = rule.question(draw, given);
      const answer = rule.answer(given)!;
      return { question, answer, kind, wrong: wrongAnswer(kinds, rule, given, answer, draw) };
    },
  };
}

/** By another kind's rule, where one applies to what is given and says something else; by other values of its own kind otherwise. */
function wrongAnswer<T>(kinds: readonly Kind<T>[], own: Kind<T>, given: readonly T[], right: string, draw: Draw): string {
  const others = [...new Set(kinds.map((kind) => kind.answer(given)))].filter((answer) => answer !== undefined && answer !== right) as string[];
  if (others.length) return draw.pick(others);
  for (;;) {
    const answer = own.answer(own.given(draw))!;
    if (answer !== right) return answer;
  }
}
