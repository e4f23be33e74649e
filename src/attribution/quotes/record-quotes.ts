import { type DatanetRecord, normalise } from '../../protocol/record.ts';
import { QUOTE_DEFAULTS, type Quote, type QuoteOptions, quotes } from './quotes.ts';
import { type QuoteIndex, buildQuoteIndex } from './quote-index.ts';
import { isWord, splitWords } from './words.ts';

/**
 * Quotes between texts. The tokens are words and marks rather than a model's: a model's pieces cut words at places that
 * mean nothing to a person, and write a word differently after a space and at the start of an answer, so that an
 * answer's first word would be found in no statement. It also serves every model with one index.
 */
export interface RecordQuoteIndex {
  index: QuoteIndex;
  /** Id of each word. */
  ids: ReadonlyMap<string, number>;
  isMark: Uint8Array;
}

/** Part of an answer that stands word for word in records; see Quote. */
export interface AnswerQuote extends Omit<Quote, 'from' | 'to'> {
  /** Characters (UTF-16) begin … end − 1 of the answer; whole words. */
  begin: number;
  end: number;
  /** How many words and marks. */
  words: number;
}

/** Words of the statement, then of each answer: what a record tells. Its questions tell nothing, and answers repeat them. */
function textsOf(record: DatanetRecord): string[] {
  return [...new Set([record.text, ...record.questions.map(({ answer }) => answer)])].filter((text) => text !== '').map(normalise);
}

/** Throws `quotes/too-much`. */
export function indexRecords(records: readonly DatanetRecord[]): RecordQuoteIndex {
  const ids = new Map<string, number>();
  const idOf = (word: string): number => {
    let id = ids.get(word);
    if (id === undefined) ids.set(word, (id = ids.size));
    return id;
  };
  const index = buildQuoteIndex(records.map((record) => textsOf(record).map((text) => Int32Array.from(splitWords(text).words, idOf))));
  return { index, ids, isMark: Uint8Array.from(ids.keys(), (word) => (isWord(word) ? 0 : 1)) };
}

/**
 * What an answer says word for word as records do, heaviest first; see `quotes`. An answer of fewer words than `minTokens`
 * is a quote where it stands whole. Throws `quotes/answer-too-long`.
 */
export function quotesOfAnswer({ index, ids, isMark }: RecordQuoteIndex, answer: string, options: Omit<QuoteOptions, 'isEdge'> = {}): AnswerQuote[] {
  const { words, starts } = splitWords(answer);
  const tokens = words.map((word) => ids.get(word.normalize('NFC')) ?? -1);
  const minTokens = Math.min(options.minTokens ?? QUOTE_DEFAULTS.minTokens, Math.max(1, words.filter(isWord).length));
  return quotes(index, tokens, { ...options, minTokens, isEdge: (id) => isMark[id] === 1 })
    .map(({ from, to, ...quote }) => ({ begin: starts[from]!, end: starts[to - 1]! + words[to - 1]!.length, words: to - from, ...quote }));
}
