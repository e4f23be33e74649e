/**
 * The order of all suffixes of a text, by induced sorting (SA-IS; Nong, Zhang and Chan, "Linear Suffix Array
 * Construction by Almost Pure Induced-Sorting", DCC 2009). Time and memory are linear whatever the text says, which
 * matters because strangers write it: sorting suffixes by comparing them takes hours on one token repeated a million times.
 */

/**
 * `text`: n symbols in 0 … alphabet − 1; the last one is 0 and the only 0. Gives the n starts of its suffixes in order.
 * Memory: 4n bytes for the result, at most n + 4·alphabet + half as much again while it works.
 */
export function suffixArray(text: Int32Array, alphabet: number): Int32Array {
  const suffixes = new Int32Array(text.length);
  sortSuffixes(text, alphabet, suffixes);
  return suffixes;
}

function sortSuffixes(text: Int32Array, alphabet: number, suffixes: Int32Array): void {
  const n = text.length;
  if (n === 1) {
    suffixes[0] = 0;
    return;
  }
  // A suffix is small (S) where it comes before the one that starts after it; a leftmost small one (LMS) follows a large one.
  const small = new Uint8Array(n);
  small[n - 1] = 1;
  for (let i = n - 2; i >= 0; i--) {
    const [here, after] = [text[i]!, text[i + 1]!];
    small[i] = here < after || (here === after && small[i + 1]) ? 1 : 0;
  }
  const leftmost = (i: number): boolean => i > 0 && small[i] === 1 && small[i - 1] === 0;
  const counts = new Int32Array(alphabet);
  for (let i = 0; i < n; i++) counts[text[i]!]!++;
  const bucket = new Int32Array(alphabet);
  const toHeads = () => {
    for (let c = 0, sum = 0; c < alphabet; sum += counts[c++]!) bucket[c] = sum;
  };
  const toTails = () => {
    for (let c = 0, sum = 0; c < alphabet; c++) bucket[c] = sum += counts[c]!;
  };
  /** From the leftmost small ones in their places: the large ones in order, then all small ones. */
  const induce = () => {
    toHeads();
    for (let i = 0; i < n; i++) {
      const j = suffixes[i]! - 1;
      if (j >= 0 && !small[j]) suffixes[bucket[text[j]!]!++] = j;
    }
    toTails();
    for (let i = n - 1; i >= 0; i--) {
      const j = suffixes[i]! - 1;
      if (j >= 0 && small[j]) suffixes[--bucket[text[j]!]!] = j;
    }
  };

  // 1. The stretches between leftmost small ones, in order.
  suffixes.fill(-1);
  toTails();
  for (let i = 1; i < n; i++) if (leftmost(i)) suffixes[--bucket[text[i]!]!] = i;
  induce();
  let many = 0;
  for (let i = 0; i < n; i++) if (leftmost(suffixes[i]!)) suffixes[many++] = suffixes[i]!;

  // 2. A name for each stretch, equal ones the same; the names in text order are a text of at most half the length.
  const equal = (a: number, b: number): boolean => {
    for (let d = 0; ; d++) {
      if (text[a + d] !== text[b + d] || small[a + d] !== small[b + d]) return false;
      if (d > 0 && (leftmost(a + d) || leftmost(b + d))) return leftmost(a + d) && leftmost(b + d);
    }
  };
  suffixes.fill(-1, many);
  let names = 0;
  for (let i = 0; i < many; i++) {
    const at = suffixes[i]!;
    if (i === 0 || !equal(suffixes[i - 1]!, at)) names++;
    suffixes[many + (at >> 1)] = names - 1;
  }
  for (let i = n - 1, to = n - 1; i >= many; i--) if (suffixes[i]! >= 0) suffixes[to--] = suffixes[i]!;
  const named = suffixes.subarray(n - many);
  const order = suffixes.subarray(0, many);
  if (names < many) sortSuffixes(named, names, order);
  else for (let i = 0; i < many; i++) order[named[i]!] = i;

  // 3. Back to places of the text, and everything else from them.
  for (let i = 1, to = 0; i < n; i++) if (leftmost(i)) named[to++] = i;
  for (let i = 0; i < many; i++) order[i] = named[order[i]!]!;
  suffixes.fill(-1, many);
  toTails();
  for (let i = many - 1; i >= 0; i--) {
    const at = suffixes[i]!;
    suffixes[i] = -1;
    suffixes[--bucket[text[at]!]!] = at;
  }
  induce();
}
