/** Byte-level byte-pair encoding, trained by counting; ties fall to the pair with the smaller ids. */
export interface BpeModel {
  /** Token by id, in the visible alphabet; `first` ids are left out. */
  tokens: string[];
  merges: [string, string][];
}

/** GPT-2's visible alphabet: every byte as one printable character. */
export function byteAlphabet(): string[] {
  const visible = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  const out: string[] = [];
  let next = 256;
  for (let b = 0; b < 256; b++) out.push(String.fromCharCode(visible(b) ? b : next++));
  return out;
}

interface Word {
  ids: number[];
  count: number;
}

const PAIR = 65536;

/** `pieces`: how often each pre-token comes. Learns merges until there are `size` tokens (alphabet included). */
export function trainBpe(pieces: ReadonlyMap<string, number>, size: number): BpeModel {
  const alphabet = byteAlphabet();
  const tokens = [...alphabet];
  const merges: [string, string][] = [];
  const utf8 = new TextEncoder();
  const words: Word[] = [...pieces]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([piece, count]) => ({ ids: [...utf8.encode(piece)], count }));

  const counts = new Map<number, number>();
  const places = new Map<number, Set<number>>();
  const add = (w: number, sign: 1 | -1): void => {
    const { ids, count } = words[w]!;
    for (let i = 0; i + 1 < ids.length; i++) {
      const pair = ids[i]! * PAIR + ids[i + 1]!;
      counts.set(pair, (counts.get(pair) ?? 0) + sign * count);
      if (sign === 1) (places.get(pair) ?? places.set(pair, new Set()).get(pair)!).add(w);
    }
  };
  words.forEach((_, w) => add(w, 1));

  const known = new Set(tokens);
  while (tokens.length < size) {
    let best = -1;
    let bestCount = 0;
    for (const [pair, count] of counts) {
      if (count > bestCount || (count === bestCount && pair < best)) [best, bestCount] = [pair, count];
    }
    if (bestCount < 2) break;
    const left = Math.floor(best / PAIR);
    const right = best % PAIR;
    const merged = tokens[left]! + tokens[right]!;
    const touched = [...places.get(best)!];
    // Two merges can spell the same token; the second would give a token two ids.
    if (known.has(merged)) {
      counts.delete(best);
      continue;
    }
    const id = tokens.push(merged) - 1;
    known.add(merged);
    merges.push([tokens[left]!, tokens[right]!]);
    for (const w of touched) {
      add(w, -1);
      words[w]!.ids = mergePair(words[w]!.ids, left, right, id);
      add(w, 1);
    }
    counts.delete(best);
    places.delete(best);
  }
  return { tokens, merges };
}

function mergePair(ids: readonly number[], left: number, right: number, id: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      out.push(id);
      i++;
    } else out.push(ids[i]!);
  }
  return out;
}
