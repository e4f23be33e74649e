/**
 * Where a curator takes only some records of a contribution, the chain keeps their root and count. Which ones they are
 * stands in the reason, readable by people and machines alike: "Left out: 2, 5-7. They are duplicates."
 * Whoever reads it checks the rest against the root, so a wrong list is noticed.
 */
const FORM = /^Left out: ([0-9]+(?:-[0-9]+)?(?:, [0-9]+(?:-[0-9]+)?)*)\.(?: ([\s\S]*))?$/;

/** @param leftOut places in the contribution, from 0 */
export function writePartialReason(leftOut: readonly number[], words: string): string {
  const places = [...new Set(leftOut)].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let i = 0; i < places.length;) {
    let k = i;
    while (places[k + 1] === places[k]! + 1) k++;
    ranges.push(k === i ? `${places[i]! + 1}` : `${places[i]! + 1}-${places[k]! + 1}`);
    i = k + 1;
  }
  return `Left out: ${ranges.join(', ')}.${words.trim() ? ` ${words.trim()}` : ''}`;
}

/** Undefined where the reason names no valid places among `count` records. */
export function readPartialReason(reason: string, count: number): { leftOut: Set<number>; words: string } | undefined {
  const match = FORM.exec(reason);
  if (!match) return undefined;
  const leftOut = new Set<number>();
  for (const range of match[1]!.split(', ')) {
    const [from, to = from] = range.split('-').map(Number) as [number, number | undefined];
    if (!(from >= 1 && to! >= from && to! <= count)) return undefined;
    for (let place = from; place <= to!; place++) leftOut.add(place - 1);
  }
  return { leftOut, words: match[2] ?? '' };
}
