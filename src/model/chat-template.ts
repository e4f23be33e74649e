import type { Interpreter } from '@huggingface/jinja';
import { OpenLedgerError } from '../errors.ts';

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatTemplateValues {
  messages: readonly ChatMessage[];
  /** Whether the text ends where the assistant's next answer begins. */
  addGenerationPrompt: boolean;
  bosToken: string;
  eosToken: string;
}

/** A model's own chat template, read and checked once. */
export interface ChatTemplate {
  /** The whole conversation as one text with the model's markers in it. Throws `template/refused`, `template/too-much`, `template/failed`. */
  render(values: ChatTemplateValues): string;
}

/** Longest template taken; the longest published ones have about 20,000 characters. */
export const MAX_TEMPLATE = 2 ** 17;
/** Most expressions and statements that one rendering evaluates. */
const MOST_STEPS = 300_000;
/** Longest rendering in milliseconds. */
const MOST_TIME = 400;
/** Most items of a list, and greatest whole number: templates count messages. */
const MOST_ITEMS = 10_000;
const GREATEST = 1e9;
/** Room for the template's own words in a text, besides what the messages take. */
const ROOM = 2 ** 16;

/**
 * The day that `strftime_now` names, fixed, so that the same conversation is the same tokens on every machine and on
 * every day: answers are attributed and checked later. It is the day that LLaMA 3's templates fall back to.
 */
const DAY = new Date(Date.UTC(2024, 6, 26));
const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

function failed(code: string, why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: `template/${code}`,
    what: 'The model’s chat template cannot be used.',
    why,
    next: 'Ask in another way, or choose another model.',
    cause,
  });
}

interface Node {
  type: string;
}

/** A template's text and what it does with it are a stranger's: loaded only where a model has one, and bounded. */
export async function readChatTemplate(source: string): Promise<ChatTemplate> {
  if (source.length > MAX_TEMPLATE) throw failed('too-long', `It has ${source.length} characters; ${MAX_TEMPLATE} are taken at most.`);
  const jinja = await import('@huggingface/jinja');
  let program: ReturnType<typeof jinja.parse>;
  try {
    // As transformers does: a block's line break and its indentation belong to the block.
    program = jinja.parse(jinja.tokenize(source, { trim_blocks: true, lstrip_blocks: true }));
    checkWidths(program);
  } catch (error) {
    if (error instanceof OpenLedgerError) throw error;
    throw failed('unreadable', messageOf(error), error);
  }

  type Evaluated = ReturnType<Interpreter['evaluate']>;
  class BoundedInterpreter extends jinja.Interpreter {
    private steps = 0;
    private readonly until = performance.now() + MOST_TIME;
    private readonly mostText: number;

    constructor(environment: InstanceType<typeof jinja.Environment>, mostText: number) {
      super(environment);
      this.mostText = mostText;
    }

    override evaluate(...[node, environment]: Parameters<Interpreter['evaluate']>): Evaluated {
      if (++this.steps > MOST_STEPS || performance.now() > this.until) throw failed('too-much', 'It does not come to an end.');
      const result = super.evaluate(node, environment);
      if (weight(result, this.mostText) > this.mostText) throw failed('too-much', 'It makes more text than a conversation needs.');
      return result;
    }
  }

  return {
    render({ messages, addGenerationPrompt, bosToken, eosToken }) {
      const environment = new jinja.Environment();
      const given: Record<string, unknown> = {
        true: true, false: false, none: null, True: true, False: false, None: null,
        raise_exception: (message: unknown) => {
          throw failed('refused', String(message).slice(0, 300));
        },
        range: boundedRange,
        strftime_now: (format: unknown) => formatDay(String(format)),
        // As transformers does where there are none: templates ask whether they are none, not whether they are there.
        tools: null, documents: null,
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: addGenerationPrompt,
        bos_token: bosToken,
        eos_token: eosToken,
      };
      try {
        for (const [name, value] of Object.entries(given)) environment.set(name, value);
        const length = messages.reduce((sum, { content }) => sum + content.length, 0);
        const text: unknown = new BoundedInterpreter(environment, 4 * length + ROOM).run(program).value;
        if (typeof text !== 'string') throw failed('failed', 'It makes no text.');
        return text;
      } catch (error) {
        if (error instanceof OpenLedgerError) throw error;
        throw failed('failed', messageOf(error), error);
      }
    },
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300);

/**
 * Roughly the characters that a value has as text, counted up to a little beyond `most`: what a list holds twice counts
 * twice, since it would be written twice. Numbers beyond `GREATEST` and long lists are too much by themselves.
 */
function weight(value: unknown, most: number): number {
  const waiting: unknown[] = [value];
  let sum = 0;
  while (waiting.length && sum <= most) {
    const held = (waiting.pop() as { value?: unknown } | undefined)?.value;
    sum++;
    if (typeof held === 'string') sum += held.length;
    else if (typeof held === 'number' && !(Math.abs(held) <= GREATEST)) return Infinity;
    else if (Array.isArray(held) || held instanceof Map) {
      if ((held instanceof Map ? held.size : held.length) > MOST_ITEMS) return Infinity;
      for (const item of held.values()) waiting.push(item);
      if (waiting.length > most) return Infinity;
    }
  }
  return sum;
}

/** `indent` and `tojson` repeat a width of spaces in one step, so the width has to be there to be read, and small. */
function checkWidths(program: unknown): void {
  const seen = new Set<unknown>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null || seen.has(node)) return;
    seen.add(node);
    const call = node as Partial<Node> & { callee?: { value?: unknown }; args?: unknown[] };
    const name = call.type === 'CallExpression' ? call.callee?.value : undefined;
    if (name === 'indent' || name === 'tojson') call.args?.forEach(checkArgument);
    for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) visit(child);
  };
  const checkArgument = (given: unknown): void => {
    const argument = given as Node & { value?: unknown };
    if (argument.type === 'KeywordArgumentExpression') return checkArgument(argument.value);
    if (argument.type === 'IntegerLiteral' && (argument.value as number) <= 16) return;
    // Names such as true and none; strings and tuples of separators.
    const other = argument as { value?: unknown };
    if (argument.type === 'Identifier' && ['true', 'false', 'none', 'True', 'False', 'None'].includes(String(other.value))) return;
    if (argument.type === 'StringLiteral' && String(other.value).length <= 16) return;
    if (argument.type === 'TupleLiteral' || argument.type === 'ArrayLiteral') return (other.value as unknown[]).forEach(checkArgument);
    throw failed('unreadable', 'A width of indent or tojson is not a small number.');
  };
  visit(program);
}

/** Python's range, of at most `MOST_ITEMS` items. */
function boundedRange(first: unknown, last?: unknown, by: unknown = 1): number[] {
  const [start, stop, step] = [last === undefined ? 0 : first, last === undefined ? first : last, by];
  if (![start, stop, step].every(Number.isSafeInteger) || step === 0) throw failed('failed', 'A range is not made of whole numbers.');
  const [a, b, s] = [start, stop, step] as [number, number, number];
  const count = Math.max(0, Math.ceil((b - a) / s));
  if (count > MOST_ITEMS) throw failed('too-much', 'It counts further than a conversation needs.');
  return Array.from({ length: count }, (_, i) => a + i * s);
}

function formatDay(format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const parts: Record<string, string> = {
    Y: String(DAY.getUTCFullYear()), m: two(DAY.getUTCMonth() + 1), d: two(DAY.getUTCDate()), H: '00', M: '00', S: '00', '%': '%',
    B: MONTHS[DAY.getUTCMonth()]!, b: MONTHS[DAY.getUTCMonth()]!.slice(0, 3), y: two(DAY.getUTCFullYear() % 100), A: 'Friday', a: 'Fri',
  };
  return format.slice(0, 100).replace(/%([A-Za-z%])/g, (whole, letter: string) => parts[letter] ?? whole);
}
