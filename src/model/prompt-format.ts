import { OpenLedgerError } from '../errors.ts';
import { type DatanetRecord, normaliseRecord } from '../protocol/record.ts';
import type { Sequence } from './batch.ts';
import { type ChatMessage, type ChatTemplate, readChatTemplate } from './chat-template.ts';
import type { Tokenizer } from './tokenizer.ts';

/** How a model is asked and taught: the one place that turns conversations and records into its tokens. */
export interface PromptFormat {
  /** Tokens around questions (models made for OpenLedger), the model's own chat template, or text to be continued. */
  readonly kind: 'question-answer' | 'chat' | 'plain';
  /** Ids that end an answer. */
  readonly stop: readonly number[];
  /** Texts that end an answer, where no id does. */
  readonly stopTexts: readonly string[];
  /**
   * Whether records in the prompt can help. Models made for OpenLedger learnt texts one by one and never to read one for
   * a question after it: they take records, and answer worse with them (docs/quotes-and-retrieval.md has the figures).
   */
  readonly readsRecords: boolean;
  /** A question, up to where the answer begins. Throws `template/…`, `tokenizer/cannot-encode`. */
  question(text: string, options?: QuestionOptions): number[];
  /** A conversation, up to where the next answer begins. */
  chat(messages: readonly ChatMessage[]): number[];
  /** A text as it is; the loss counts all of it. */
  statement(text: string): Sequence;
  /** A question and its answer as it would follow the prompt; the loss counts the answer and the id that ends it. */
  answered(question: string, answer: string): Sequence;
}

export interface QuestionOptions {
  system?: string | undefined;
  /**
   * Texts that stand before the question, as statements, one line each. They are strangers' words: they become tokens of
   * text only, whatever markers they spell, and cannot end their line. What they say can still mislead a model.
   */
  records?: readonly string[] | undefined;
}

export interface PromptFormatOptions {
  /** Ids that end an answer by config.json and generation_config.json. */
  eos?: readonly number[];
}

/** The format a model's files ask for. Throws `template/…` for a chat template that cannot be read. */
export async function promptFormat(tokenizer: Tokenizer, { eos = [] }: PromptFormatOptions = {}): Promise<PromptFormat> {
  if (tokenizer.special.question !== undefined) return questionAnswerFormat(tokenizer);
  const known = [...eos, ...(tokenizer.special.eos === undefined ? [] : [tokenizer.special.eos])];
  if (tokenizer.chatTemplate === undefined) return plainFormat(tokenizer, known);
  return chatFormat(tokenizer, await readChatTemplate(tokenizer.chatTemplate), known);
}

/** For models with tokens around questions. They have no place for a system message. */
export function questionAnswerFormat(tokenizer: Tokenizer): PromptFormat {
  return {
    kind: 'question-answer',
    stop: [tokenizer.special.eos!],
    stopTexts: [],
    readsRecords: false,
    question: (text, { records = [] } = {}) => [...records.flatMap((record) => tokenizer.encodeStatement(oneLine(record))), ...tokenizer.encodeQuestion(text)],
    chat(messages) {
      const [bos] = tokenizer.encodeStatement('');
      return [bos!, ...messages.flatMap(({ role, content }) => {
        if (role === 'user') return tokenizer.encodeQuestion(content).slice(1);
        return role === 'assistant' ? tokenizer.encodeAnswer(content) : [];
      })];
    },
    statement: (text) => ({ ids: tokenizer.encodeStatement(text), start: 1 }),
    answered(question, answer) {
      const ids = tokenizer.encodeQuestion(question);
      return { ids: [...ids, ...tokenizer.encodeAnswer(answer)], start: ids.length };
    },
  };
}

/** For models that only continue text. */
function plainFormat(tokenizer: Tokenizer, eos: readonly number[]): PromptFormat {
  const { before } = tokenizer.frame();
  const NAMES = { system: '', user: 'Question: ', assistant: 'Answer: ' };
  const prompt = (messages: readonly ChatMessage[]) => `${messages.map(({ role, content }) => `${NAMES[role]}${content}\n`).join('')}Answer:`;
  return {
    kind: 'plain',
    stop: [...new Set(eos)],
    stopTexts: ['\nQuestion:'],
    readsRecords: true,
    question: (text, { system, records = [] } = {}) => [...before, ...tokenizer.encode(`${records.map((record) => `Record: ${oneLine(record)}\n`).join('')}${prompt(conversation(text, system))}`)],
    chat: (messages) => [...before, ...tokenizer.encode(prompt(messages))],
    statement: (text) => whole(tokenizer, text, eos),
    answered(question, answer) {
      const asked = prompt(conversation(question));
      const ids = tokenizer.encode(asked);
      // The answer's tokens as they follow the prompt's; where a token would cover both, the answer's own.
      const both = tokenizer.encode(`${asked} ${answer}`);
      const follows = ids.every((id, i) => both[i] === id) && both.length > ids.length;
      const said = follows ? both.slice(ids.length) : tokenizer.encode(answer);
      return sequence([...before, ...ids], [...said, ...eos.slice(0, 1)]);
    },
  };
}

/** For models with a chat template: what it writes around messages becomes special tokens, what messages say never does. */
function chatFormat(tokenizer: Tokenizer, template: ChatTemplate, eos: readonly number[]): PromptFormat {
  const { bosToken, eosToken } = tokenizer;
  const encode = (messages: readonly ChatMessage[]): number[] => {
    const render = (given: readonly ChatMessage[]) => template.render({ messages: given, addGenerationPrompt: true, bosToken, eosToken });
    return messages.some(({ content }) => tokenizer.spells(content)) ? encodeDisguised(tokenizer, messages, render) : tokenizer.encodeMarked(render(messages));
  };
  const end = endOfTurn(tokenizer, template) ?? eos[0];
  return {
    kind: 'chat',
    stop: [...new Set(end === undefined ? eos : [end, ...eos])],
    stopTexts: [],
    readsRecords: true,
    // With the question, since many templates have no place for a system message.
    question: (text, { system, records = [] } = {}) => encode(conversation(records.length ? `Records:\n${records.map((record) => `- ${oneLine(record)}\n`).join('')}\nQuestion: ${text}` : text, system)),
    chat: encode,
    statement: (text) => whole(tokenizer, text, eos),
    answered: (question, answer) => sequence(encode(conversation(question)), [...tokenizer.encode(answer), ...(end === undefined ? [] : [end])]),
  };
}

const oneLine = (text: string): string => text.replace(/\s+/gu, ' ').trim();

/** A record as a prompt holds it: its statement, and those questions whose answers the statement does not hold. */
export function recordText(record: DatanetRecord): string {
  const { text, questions } = normaliseRecord(record);
  return [text, ...questions.filter(({ answer }) => !text.includes(answer)).map(({ question, answer }) => `${question} ${answer}`)].filter(Boolean).join(' ');
}

/**
 * A question with as many of the records before it, best first, as leave it within `mostTokens` (the model's context less
 * the room for its answer). `used`: how many. Without room for any, the prompt is the question's own.
 */
export function promptWithRecords(
  format: Pick<PromptFormat, 'question'>,
  question: string,
  records: readonly string[],
  { mostTokens, system }: { mostTokens: number; system?: string | undefined },
): { ids: number[]; used: number } {
  for (let used = records.length; used > 0; used--) {
    const ids = format.question(question, { system, records: records.slice(0, used) });
    if (ids.length <= mostTokens) return { ids, used };
  }
  return { ids: format.question(question, { system }), used: 0 };
}

function conversation(question: string, system?: string): ChatMessage[] {
  const asked: ChatMessage = { role: 'user', content: question };
  return system ? [{ role: 'system', content: system }, asked] : [asked];
}

/** The special token or marker that the template writes after an answer; undefined where it writes none. */
function endOfTurn(tokenizer: Tokenizer, template: ChatTemplate): number | undefined {
  const answer = 'openledger answer';
  try {
    const messages: ChatMessage[] = [{ role: 'user', content: 'question' }, { role: 'assistant', content: answer }];
    const text = template.render({ messages, addGenerationPrompt: false, bosToken: tokenizer.bosToken, eosToken: tokenizer.eosToken });
    const at = text.lastIndexOf(answer);
    return at < 0 ? undefined : tokenizer.encodeMarked(text.slice(at + answer.length)).find((id) => tokenizer.isMarker(id));
  } catch (error) {
    // A template that writes prompts only; answers then end by the config's ids.
    if (error instanceof OpenLedgerError) return undefined;
    throw error;
  }
}

/**
 * The tokens of a conversation in which somebody spells markers: each spelling is disguised, the template's text is cut
 * at the markers that are left, which are its own, and the text between is encoded as a stranger's with the spellings
 * back in place.
 */
function encodeDisguised(tokenizer: Tokenizer, messages: readonly ChatMessage[], render: (messages: readonly ChatMessage[]) => string): number[] {
  const markers = [...tokenizer.markers()].sort(([, a], [, b]) => b.length - a.length);
  if (!markers.length) return tokenizer.encode(render(messages));
  const pattern = new RegExp(markers.map(([, text]) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'gu');
  const place = new Map(markers.map(([, text], i) => [text, i]));
  const idOf = new Map(markers.map(([id, text]) => [text, id]));
  // A noncharacter of Unicode that nobody wrote.
  const all = messages.map(({ content }) => content).join('');
  const fence = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i)).find((character) => !all.includes(character));
  if (fence === undefined) throw new OpenLedgerError({ code: 'tokenizer/cannot-encode', what: 'The text cannot be turned into tokens.', why: 'It holds every noncharacter of Unicode.', next: 'Write the text with other characters.' });
  const text = render(messages.map(({ role, content }) => ({ role, content: content.replace(pattern, (found) => `${fence}${place.get(found)}${fence}`) })));
  const restore = (part: string) => part.replace(new RegExp(`${fence}(\\d+)${fence}`, 'gu'), (_, i: string) => markers[Number(i)]?.[1] ?? '').replaceAll(fence, '');

  const ids: number[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    ids.push(...tokenizer.encode(restore(text.slice(from, index))), idOf.get(found)!);
    from = index + found.length;
  }
  return [...ids, ...tokenizer.encode(restore(text.slice(from)))];
}

/** A text by itself, ended as texts are. */
function whole(tokenizer: Tokenizer, text: string, eos: readonly number[]): Sequence {
  const { before, after } = tokenizer.frame();
  const last = after.length ? after : (tokenizer.special.eos === undefined ? eos.slice(0, 1) : [tokenizer.special.eos]);
  return sequence(before, [...tokenizer.encode(text), ...last]);
}

/** Without a token before them, the first of the predicted ones is only read. */
function sequence(read: readonly number[], predicted: readonly number[]): Sequence {
  const ids = [...read, ...predicted];
  const start = Math.max(1, read.length);
  if (ids.length <= start) {
    throw new OpenLedgerError({
      code: 'record/too-short',
      what: 'A record is too short to learn from.',
      why: 'A model predicts each token from those before it, and this text has too few.',
      next: 'Write more.',
    });
  }
  return { ids, start };
}
