import { type Interval, type QuoteIndex, everything, find, narrow } from './quote-index.ts';

/** Tokens from … to − 1 of an answer, and the suffixes that begin with them. */
export interface Span extends Interval {
  from: number;
  to: number;
}

/**
 * The longest sequences of an answer that stand in some text: none can be made longer on either side, none lies within
 * another, and every sequence of the answer that stands anywhere lies within one of them. Ordered by where they begin.
 *
 * Two ends that only move forward. Where the span cannot take the next token, its start moves to the first place from
 * which it can, found by halving, because what stands somewhere stands there without its beginning too. A span of
 * length L costs L log(tokens of the index) steps at most log L times.
 */
export function maximalSpans(index: QuoteIndex, ranks: ArrayLike<number>): Span[] {
  const spans: Span[] = [];
  let from = 0;
  let interval = everything(index);
  for (let to = 0; to <= ranks.length; to++) {
    const longer = to < ranks.length ? narrow(index, interval, to - from, ranks[to]!) : undefined;
    if (longer) {
      interval = longer;
      continue;
    }
    if (to > from) spans.push({ from, to, ...interval });
    if (to === ranks.length) break;
    let [low, high] = [Math.min(from + 1, to + 1), to + 1];
    interval = everything(index);
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = find(index, ranks, middle, to + 1);
      if (found) [high, interval] = [middle, found];
      else low = middle + 1;
    }
    from = low;
  }
  return spans;
}
