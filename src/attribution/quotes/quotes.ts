import { hostLog } from '../../arithmetic/host.ts';
import { OpenLedgerError } from '../../errors.ts';
import { type Span, maximalSpans } from './maximal-spans.ts';
import { type Interval, type Place, type QuoteIndex, bitsOf, find, placeOf, rankOf } from './quote-index.ts';

/** Longest answer in tokens; receipts hold at most 20,000 characters of one. */
export const MOST_ANSWER = 2 ** 15;
/** A sequence with more places than this is common beyond doubt, and is not looked at further. */
const MOST_PLACES = 20_000;

/** A sequence of the answer that stands word for word in records. Says nothing about why the answer holds it. */
export interface Quote {
  /** Tokens from … to − 1 of the answer. */
  from: number;
  to: number;
  /** In how many different records it stands; records that say the same to the token count once. */
  count: number;
  /** The first of them by number, each with its first place and how many records say the same as it. */
  records: (Place & { copies: number })[];
  /** How surprising its tokens are by themselves, in bits: Σ log2(tokens of the Datanet / count of the token). */
  bits: number;
  /** bits · (1 − log count / log(records + 1)): what a sequence that many records share has left. */
  weight: number;
}

export interface QuoteOptions {
  /** Fewest tokens. */
  minTokens?: number;
  /** Least weight in bits; log2(tokens of the Datanet) where not given: below it a place somewhere is what chance gives. */
  minWeight?: number;
  /** Most quotes, heaviest kept. */
  most?: number;
  /** Most records named per quote. */
  mostRecords?: number;
  /** Tokens that a quote neither begins nor ends with, such as punctuation. */
  isEdge?: ((id: number) => boolean) | undefined;
}

export const QUOTE_DEFAULTS = { minTokens: 3, most: 32, mostRecords: 8 } as const;

/**
 * Which sequences of an answer stand in which records, heaviest first (earlier ones first among equals): maximal ones of
 * at least `minTokens` tokens, none within another, without those that are common. The same on every machine.
 * Throws `quotes/answer-too-long`.
 */
export function quotes(index: QuoteIndex, answer: ArrayLike<number>, options: QuoteOptions = {}): Quote[] {
  const { minTokens = QUOTE_DEFAULTS.minTokens, most = QUOTE_DEFAULTS.most, mostRecords = QUOTE_DEFAULTS.mostRecords, isEdge } = options;
  if (answer.length > MOST_ANSWER) {
    throw new OpenLedgerError({
      code: 'quotes/answer-too-long',
      what: 'Quotes cannot be looked for in this answer.',
      why: `It has ${answer.length} tokens; at most ${MOST_ANSWER} are searched.`,
      next: 'Choose a part of it.',
    });
  }
  const ranks = Int32Array.from({ length: answer.length }, (_, i) => rankOf(index.ids, answer[i]!));
  const spans = maximalSpans(index, ranks).filter(({ from, to }) => to - from >= minTokens);
  const trimmed = isEdge ? trim(index, ranks, spans, (i) => isEdge(answer[i]!)) : spans;
  const minWeight = options.minWeight ?? (index.tokens > 0 ? hostLog(index.tokens) / hostLog(2) : 0);
  const whole = index.records > 0 ? hostLog(index.records + 1) : 1;
  // An answer may say one thing often: its places are looked up once.
  const known = new Map<string, Places>();
  const found: Quote[] = [];
  for (const { from, to, first, end } of trimmed) {
    if (to - from < minTokens || end - first > MOST_PLACES) continue;
    let bits = 0;
    for (let i = from; i < to; i++) bits += bitsOf(index, ranks[i]!);
    if (bits < minWeight) continue;
    const key = `${first} ${end}`;
    const places = known.get(key) ?? placesOf(index, { first, end }, mostRecords);
    known.set(key, places);
    const weight = bits * (1 - hostLog(places.count) / whole);
    if (weight >= minWeight) found.push({ from, to, ...places, bits, weight });
  }
  return found.sort((a, b) => b.weight - a.weight || a.from - b.from).slice(0, most);
}

type Places = Pick<Quote, 'count' | 'records'>;

function placesOf(index: QuoteIndex, { first, end }: Interval, most: number): Places {
  const firstPlace = new Map<number, Place>();
  // Places in order of the text: the first one of each record is kept, records come out by number.
  for (const position of index.suffixes.slice(first, end).sort()) {
    const place = placeOf(index, position);
    if (!firstPlace.has(place.record)) firstPlace.set(place.record, place);
  }
  const records = [...firstPlace.values()].slice(0, most).map((place) => ({ ...place, copies: index.copies[place.record]! }));
  return { count: firstPlace.size, records };
}

/** Spans without tokens at their ends that a quote may not have there; without those that then lie within another. */
function trim(index: QuoteIndex, ranks: Int32Array, spans: readonly Span[], isEdge: (at: number) => boolean): Span[] {
  const shorter = spans.flatMap((span): Span[] => {
    let { from, to } = span;
    while (from < to && isEdge(from)) from++;
    while (to > from && isEdge(to - 1)) to--;
    if (to - from === span.to - span.from) return [span];
    return to > from ? [{ from, to, ...find(index, ranks, from, to)! }] : [];
  });
  // Ends still never go back along the list, so that only neighbours can lie within one another.
  const kept: Span[] = [];
  for (const span of shorter) {
    if (kept.at(-1)?.from === span.from) kept.pop();
    if (kept.at(-1)?.to !== span.to) kept.push(span);
  }
  return kept;
}
