import type { Hex } from './bytes.ts';
import { type DatanetRecord, RECORD_LIMITS, normaliseRecord, recordHash } from './record.ts';

/** Something that keeps a record from being submitted, in words for its writer. */
export interface RecordProblem {
  code: string;
  message: string;
}

/** How many tokens each text has for the model that will learn it. */
export type CountTokens = (texts: string[]) => Promise<number[]>;

export interface RecordCheckOptions {
  /** recordHash of what the Datanet holds already. */
  accepted: ReadonlySet<Hex>;
  countTokens?: CountTokens | undefined;
  /** Tokens the model reads at once; needed with `countTokens`. */
  context?: number | undefined;
}

/** Invisible characters that change how a text is shown or read: control codes, half surrogates, direction overrides. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u;
/** Tokens that frame a statement (begin, end) and a question with its answer (begin, question, answer, end). */
const STATEMENT_FRAME = 2;
const QUESTION_FRAME = 4;

const length = (text: string) => [...text].length;

/** What can be said of one record by itself, without its neighbours and without a model. */
export function problemsOfRecord(written: DatanetRecord): RecordProblem[] {
  const { text, questions } = normaliseRecord(written);
  const problems: RecordProblem[] = [];
  const add = (code: string, message: string) => problems.push({ code, message });
  if (!text && questions.length === 0) add('record/empty', 'It is empty: write a statement, or a question with its answer.');
  const limit = (what: string, value: string, most: number) => {
    const has = length(value);
    if (has > most) add('record/too-long', `${what} has ${has} characters; at most ${most} are allowed.`);
    if (UNPRINTABLE.test(value)) add('record/unprintable', `${what} holds invisible control characters.`);
  };
  limit('The statement', text, RECORD_LIMITS.text);
  if (questions.length > RECORD_LIMITS.questions) {
    add('record/too-many-questions', `It has ${questions.length} questions; at most ${RECORD_LIMITS.questions} are allowed.`);
  }
  questions.slice(0, RECORD_LIMITS.questions).forEach(({ question, answer }, k) => {
    const which = questions.length > 1 ? ` ${k + 1}` : '';
    if (!question) add('record/no-question', answer ? `Answer${which} has no question.` : `Question${which} is empty.`);
    else if (!answer) add('record/no-answer', `Question${which} has no answer.`);
    limit(`Question${which}`, question, RECORD_LIMITS.question);
    limit(`Answer${which}`, answer, RECORD_LIMITS.answer);
  });
  return problems;
}

/** Finds records that a Datanet has already, or that stand twice in one batch. */
export class DuplicateFinder {
  readonly #accepted: ReadonlySet<Hex>;
  readonly #lines = new Map<Hex, number>();

  constructor(accepted: ReadonlySet<Hex>) {
    this.#accepted = accepted;
  }

  /** Also remembers the record as standing on this line. */
  problemOf(record: DatanetRecord, line: number): RecordProblem | undefined {
    const hash = recordHash(record);
    if (this.#accepted.has(hash)) {
      return { code: 'record/duplicate-accepted', message: 'This Datanet has exactly this record already.' };
    }
    const earlier = this.#lines.get(hash);
    if (earlier !== undefined) {
      return { code: 'record/duplicate-line', message: `It is exactly the same as line ${earlier}.` };
    }
    this.#lines.set(hash, line);
    return undefined;
  }
}

/** Problems of length as the model counts it, for many records in one call: entry k belongs to record k. */
export async function tokenProblems(records: readonly DatanetRecord[], countTokens: CountTokens, context: number): Promise<(RecordProblem | undefined)[]> {
  const clean = records.map(normaliseRecord);
  const texts = clean.flatMap(({ text, questions }) => [text, ...questions.flatMap((q) => [q.question, q.answer])]);
  const counts = await countTokens(texts);
  let at = 0;
  return clean.map(({ questions }) => {
    let longest = counts[at++]! + STATEMENT_FRAME;
    for (let k = 0; k < questions.length; k++) longest = Math.max(longest, counts[at++]! + counts[at++]! + QUESTION_FRAME);
    if (longest <= context) return undefined;
    const message = `A part has ${longest} tokens; the model reads ${context} at once. Shorten or split it.`;
    return { code: 'record/too-many-tokens', message };
  });
}
