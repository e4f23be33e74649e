import { hostLog } from '../../arithmetic/host.ts';
import { OpenLedgerError } from '../../errors.ts';
import { suffixArray } from './suffix-array.ts';

/** Most tokens of a Datanet: about 9 bytes of index each, and 23 more while it is built. */
export const MOST_TOKENS = 2 ** 26;
/** Ids are whole numbers below this, as in receipts. */
export const MOST_ID = 2 ** 24;

/** Ranks of the indexed text: what ends it, what stands between two texts; tokens come after. */
const SEPARATOR = 1;
const FIRST_TOKEN = 2;

/** Suffixes first … end − 1 in order all begin with the sequence that was looked for. */
export interface Interval {
  first: number;
  end: number;
}

/** Where a place of the indexed text is: text number `text` of record `record`, `from` tokens in. */
export interface Place {
  record: number;
  text: number;
  from: number;
}

/**
 * The tokens of all texts of a Datanet, and the order of their suffixes: every sequence that stands anywhere is the
 * beginning of some suffix, so one search finds all its places (the infini-gram idea; Liu et al., COLM 2024,
 * arXiv:2401.17377). Records that say the same to the token are held once.
 */
export interface QuoteIndex {
  /** Different records that have tokens. */
  readonly records: number;
  /** Tokens held; `tokens / counts[rank]` says how rare one is. */
  readonly tokens: number;
  /** Token ids, ascending; the rank of ids[i] is i + 2. */
  readonly ids: Int32Array;
  /** What a token says by itself, in bits: log2(tokens / its count), by place in `ids`. Same bits on every machine. */
  readonly bits: Float64Array;
  readonly text: Int32Array;
  readonly suffixes: Int32Array;
  /** First place of each text, ascending, and whose it is. */
  readonly starts: Int32Array;
  readonly recordOf: Int32Array;
  readonly numberOf: Int32Array;
  /** How many records say the same as this one to the token, itself included; 0 for those held under an earlier one. */
  readonly copies: Int32Array;
}

/**
 * `lists[record][text]`: token ids of each text of each record. Throws `quotes/bad-token`, `quotes/too-much`.
 * One million tokens take about half a second; meant for a worker.
 */
export function buildQuoteIndex(lists: readonly (readonly ArrayLike<number>[])[]): QuoteIndex {
  const copies = new Int32Array(lists.length);
  const firstOf = new Map<string, number>();
  let tokens = 0;
  let texts = 0;
  lists.forEach((record, k) => {
    const length = record.reduce((sum, { length }) => sum + length, 0);
    if (!length) return;
    for (const ids of record) checkIds(ids, k);
    const key = record.map((ids) => Array.prototype.join.call(ids, ' ')).join('\n');
    const first = firstOf.get(key);
    copies[first ?? k]!++;
    if (first !== undefined) return;
    firstOf.set(key, k);
    tokens += length;
    texts += record.length;
    if (tokens > MOST_TOKENS) {
      throw new OpenLedgerError({
        code: 'quotes/too-much',
        what: 'Quotes cannot be looked for in this Datanet.',
        why: `It has more than ${MOST_TOKENS} tokens.`,
        next: 'Look for quotes in a part of it.',
      });
    }
  });

  const all = new Int32Array(tokens);
  const starts = new Int32Array(texts);
  const recordOf = new Int32Array(texts);
  const numberOf = new Int32Array(texts);
  // Every text ends in a separator, which no answer holds: nothing is found across two texts.
  const text = new Int32Array(tokens + texts + 1);
  let at = 0;
  let seen = 0;
  let which = 0;
  lists.forEach((record, k) => {
    if (!copies[k]) return;
    record.forEach((ids, number) => {
      starts[which] = at;
      recordOf[which] = k;
      numberOf[which++] = number;
      all.set(ids, seen);
      text.set(ids, at);
      seen += ids.length;
      at += ids.length;
      text[at++] = -1;
    });
  });

  const sorted = all.sort();
  let kinds = 0;
  const ids = new Int32Array(tokens);
  const counts = new Float64Array(tokens);
  for (const id of sorted) {
    if (!kinds || ids[kinds - 1] !== id) ids[kinds++] = id;
    counts[kinds - 1]!++;
  }
  const known = ids.slice(0, kinds);
  const bits = counts.slice(0, kinds).map((count) => hostLog(tokens / count) / hostLog(2));
  for (let i = 0; i < at; i++) text[i] = text[i]! < 0 ? SEPARATOR : rankOf(known, text[i]!);
  return {
    records: firstOf.size, tokens, ids: known, bits, text, starts, recordOf, numberOf, copies,
    suffixes: suffixArray(text, kinds + FIRST_TOKEN),
  };
}

function checkIds(ids: ArrayLike<number>, record: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    if (Number.isInteger(id) && id >= 0 && id < MOST_ID) continue;
    throw new OpenLedgerError({
      code: 'quotes/bad-token',
      what: 'Quotes cannot be looked for in this Datanet.',
      why: `Record ${record + 1} has a token that is no whole number from 0 to ${MOST_ID - 1}: ${String(id)}.`,
      next: 'Make its tokens again from its text.',
    });
  }
}

/** A token's symbol in the indexed text; −1 where no record has it. */
export function rankOf(ids: Int32Array, id: number): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return ids[low] === id ? low + FIRST_TOKEN : -1;
}

/** What a token of this rank says by itself, in bits. */
export function bitsOf(index: QuoteIndex, rank: number): number {
  return index.bits[rank - FIRST_TOKEN]!;
}

export function everything(index: QuoteIndex): Interval {
  return { first: 0, end: index.suffixes.length };
}

/** Of suffixes that agree in their first `depth` tokens, those that go on with this one; undefined where none does. */
export function narrow({ text, suffixes }: QuoteIndex, { first, end }: Interval, depth: number, rank: number): Interval | undefined {
  if (rank < FIRST_TOKEN) return undefined;
  /** The first of them that goes on with `least` or more. */
  const bound = (low: number, least: number): number => {
    let high = end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (text[suffixes[middle]! + depth]! < least) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const low = bound(first, rank);
  const high = bound(low, rank + 1);
  return low < high ? { first: low, end: high } : undefined;
}

/** Where the sequence of ranks from … to − 1 stands; undefined where it stands nowhere. */
export function find(index: QuoteIndex, ranks: ArrayLike<number>, from: number, to: number): Interval | undefined {
  let interval: Interval | undefined = everything(index);
  for (let i = from; i < to && interval; i++) interval = narrow(index, interval, i - from, ranks[i]!);
  return interval;
}

export function placeOf({ starts, recordOf, numberOf }: QuoteIndex, position: number): Place {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= position) low = middle;
    else high = middle - 1;
  }
  return { record: recordOf[low]!, text: numberOf[low]!, from: position - starts[low]! };
}
