import { OpenLedgerError } from '../errors.ts';

/**
 * Regular expressions of adapter configs (Python's `re`, as PEFT uses it on module names), matched without
 * backtracking: every node maps the set of places where it may begin to the set where it may end. Patterns are
 * hostile input, and JavaScript's own RegExp needs exponential time for some of a few characters.
 */
export interface ModulePattern {
  /** Python's `re.fullmatch`. Spends `budget`; throws `adapter/unsupported` when it is used up. */
  matches(name: string, budget: Budget): boolean;
}

/** Steps left, shared by all matching of one adapter. */
export interface Budget {
  steps: number;
}

/** 80 layers of seven targets with 80 patterns for their ranks spend 6 million; all of them take about a second. */
export const patternBudget = (): Budget => ({ steps: 30_000_000 });

const MAX_LENGTH = 2000;
const MAX_REPEAT = 1000;
const MAX_DEPTH = 64;

interface Walk {
  text: string;
  budget: Budget;
}
type Places = Set<number>;
type Node = (walk: Walk, from: Places) => Places;

function unsupported(pattern: string, why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'adapter/unsupported',
    what: `This adapter cannot be used: a pattern in adapter_config.json, ${JSON.stringify(pattern.slice(0, 80))}, cannot be followed.`,
    why,
    next: 'Choose another adapter, or list the modules by their names.',
  });
}

/** Throws `adapter/unsupported` for what is no regular expression, and for back references and look-behind. */
export function modulePattern(pattern: string): ModulePattern {
  if (pattern.length > MAX_LENGTH) throw unsupported(pattern, `It has ${pattern.length} characters; at most ${MAX_LENGTH} are read.`);
  const node = new Parser(pattern).parse();
  return {
    matches: (name, budget) => {
      const ends = node({ text: name, budget }, new Set([0]));
      if (budget.steps < 0) throw unsupported(pattern, 'It takes too many steps to match.');
      return ends.has(name.length);
    },
  };
}

const none: Places = new Set();

function where(test: (text: string, at: number) => boolean): Node {
  return ({ text, budget }, from) => {
    budget.steps -= from.size;
    if (budget.steps < 0) return none;
    return new Set([...from].filter((at) => test(text, at)));
  };
}

function character(test: (char: string) => boolean): Node {
  return ({ text, budget }, from) => {
    budget.steps -= from.size;
    const to: Places = new Set();
    if (budget.steps >= 0) for (const at of from) if (at < text.length && test(text[at]!)) to.add(at + 1);
    return to;
  };
}

/** Everything spends, also what only combines: a pattern of empty groups must end too. */
const spend = (walk: Walk, steps: number): boolean => (walk.budget.steps -= steps) >= 0;

const sequence = (parts: Node[]): Node => (walk, from) => {
  for (const part of parts) if (!spend(walk, 1) || (from = part(walk, from)).size === 0) break;
  return from;
};

const either = (choices: Node[]): Node => (walk, from) => {
  const to: Places = new Set();
  for (const choice of choices) if (spend(walk, 1 + from.size)) for (const at of choice(walk, from)) to.add(at);
  return to;
};

function repeated(part: Node, least: number, most: number): Node {
  return (walk, from) => {
    for (let i = 0; i < least && from.size > 0 && spend(walk, 1); i++) from = part(walk, from);
    const reached = new Set(from);
    // Only places not seen before can lead to new ones.
    for (let i = least, fresh = from; i < most && fresh.size > 0 && spend(walk, 1 + fresh.size); i++) {
      fresh = new Set([...part(walk, fresh)].filter((at) => !reached.has(at)));
      for (const at of fresh) reached.add(at);
    }
    return reached;
  };
}

const lookAhead = (part: Node, wanted: boolean): Node => (walk, from) =>
  new Set([...from].filter((at) => spend(walk, 1) && part(walk, new Set([at])).size > 0 === wanted));

const isWord = (char: string | undefined) => char !== undefined && /[\p{L}\p{N}_]/u.test(char);
const atWordEdge = (text: string, at: number) => isWord(text[at - 1]) !== isWord(text[at]);

/** Classes that stand for several characters. */
const CLASSES: Record<string, (char: string) => boolean> = {
  d: (char) => /\p{Nd}/u.test(char),
  w: (char) => isWord(char),
  s: (char) => /\s/.test(char),
  D: (char) => !/\p{Nd}/u.test(char),
  W: (char) => !isWord(char),
  S: (char) => !/\s/.test(char),
};
const CONTROLS: Record<string, string> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' };

/** Recursive descent over the pattern. */
class Parser {
  private readonly pattern: string;
  private at = 0;
  private depth = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  parse(): Node {
    const node = this.alternatives();
    if (this.at < this.pattern.length) throw this.wrong('a parenthesis closes nothing');
    return node;
  }

  private alternatives(): Node {
    if (++this.depth > MAX_DEPTH) throw this.wrong(`parentheses are nested more than ${MAX_DEPTH} deep`);
    const choices = [this.sequence()];
    while (this.take('|')) choices.push(this.sequence());
    this.depth--;
    return choices.length === 1 ? choices[0]! : either(choices);
  }

  private sequence(): Node {
    const parts: Node[] = [];
    while (this.at < this.pattern.length && this.peek() !== '|' && this.peek() !== ')') parts.push(this.quantified());
    return parts.length === 1 ? parts[0]! : sequence(parts);
  }

  private quantified(): Node {
    const part = this.atom();
    const bounds = this.quantifier();
    if (!bounds) return part;
    if (this.take('+')) throw this.wrong('possessive quantifiers are not supported');
    this.take('?'); // lazy or not, a full match finds the same
    if (this.quantifier()) throw this.wrong('a quantifier follows a quantifier');
    return repeated(part, ...bounds);
  }

  private quantifier(): [number, number] | undefined {
    if (this.take('*')) return [0, Infinity];
    if (this.take('+')) return [1, Infinity];
    if (this.take('?')) return [0, 1];
    const counted = /^\{(\d{0,4})(,?)(\d{0,4})\}/.exec(this.pattern.slice(this.at, this.at + 12));
    if (!counted || (!counted[1] && !counted[2])) return undefined;
    this.at += counted[0].length;
    const least = Number(counted[1] || 0);
    const most = counted[2] ? (counted[3] ? Number(counted[3]) : Infinity) : least;
    if (least > most || least > MAX_REPEAT || (most > MAX_REPEAT && most !== Infinity)) throw this.wrong(`a repetition ${counted[0]} is not supported`);
    return [least, most];
  }

  private atom(): Node {
    const char = this.pattern[this.at++]!;
    switch (char) {
      case '.': return character((c) => c !== '\n');
      case '^': return where((_, at) => at === 0);
      case '$': return where((text, at) => at === text.length);
      case '[': return character(this.set());
      case '(': return this.group();
      case '\\': return this.escape();
      case '*': case '+': case '?': throw this.wrong('a quantifier has nothing to repeat');
      default: return character((c) => c === char);
    }
  }

  private group(): Node {
    let look: boolean | undefined;
    if (this.take('?')) {
      if (this.take('=')) look = true;
      else if (this.take('!')) look = false;
      else if (this.take('P<')) {
        const name = /^\w+>/.exec(this.pattern.slice(this.at));
        if (!name) throw this.wrong('a group has no proper name');
        this.at += name[0].length;
      } else if (!this.take(':')) throw this.wrong(`"(?${this.pattern.slice(this.at, this.at + 2)}" is not supported`);
    }
    const inner = this.alternatives();
    if (!this.take(')')) throw this.wrong('a parenthesis is not closed');
    return look === undefined ? inner : lookAhead(inner, look);
  }

  private escape(): Node {
    const char = this.pattern[this.at++];
    if (char === undefined) throw this.wrong('it ends with a backslash');
    if (char === 'b') return where(atWordEdge);
    if (char === 'B') return where((text, at) => !atWordEdge(text, at));
    if (char === 'A') return where((_, at) => at === 0);
    if (char === 'Z') return where((text, at) => at === text.length);
    if (Object.hasOwn(CLASSES, char)) return character(CLASSES[char]!);
    const plain = this.plainEscape(char);
    return character((c) => c === plain);
  }

  private plainEscape(char: string): string {
    if (Object.hasOwn(CONTROLS, char)) return CONTROLS[char]!;
    if (/[0-9a-zA-Z]/.test(char)) throw this.wrong(`"\\${char}" is not supported`);
    return char;
  }

  /** After `[`: a test for one character. */
  private set(): (char: string) => boolean {
    const negative = this.take('^');
    const tests: ((char: string) => boolean)[] = [];
    for (let first = true; ; first = false) {
      const char = this.pattern[this.at++];
      if (char === undefined) throw this.wrong('a bracket is not closed');
      if (char === ']' && !first) break;
      let low = char;
      if (char === '\\') {
        const escaped = this.pattern[this.at++] ?? '';
        if (Object.hasOwn(CLASSES, escaped)) {
          tests.push(CLASSES[escaped]!);
          continue;
        }
        low = this.plainEscape(escaped);
      }
      if (this.peek() === '-' && this.pattern[this.at + 1] !== ']' && this.at + 1 < this.pattern.length) {
        this.at++;
        let high = this.pattern[this.at++]!;
        if (high === '\\') high = this.plainEscape(this.pattern[this.at++] ?? '');
        if (high < low) throw this.wrong(`the range ${low}-${high} is empty`);
        tests.push((c) => c >= low && c <= high);
      } else tests.push((c) => c === low);
    }
    return (char) => tests.some((test) => test(char)) !== negative;
  }

  private peek(): string | undefined {
    return this.pattern[this.at];
  }

  private take(text: string): boolean {
    if (!this.pattern.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private wrong(why: string): OpenLedgerError {
    return unsupported(this.pattern, `At character ${this.at}: ${why}.`);
  }
}
