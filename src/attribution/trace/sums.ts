import { BLOCK, add } from '../../arithmetic/rf32.ts';

// The sums of RF32, as elements take them: none is flushed or judged here.

/** One block's sum as it stands: neither flushed nor judged. `terms` at most BLOCK. */
export function block(first: number, end: number, term: (t: number) => number): number {
  let sum = 0;
  for (let t = first; t < end; t++) sum = add(sum, term(t));
  return sum;
}

/** The sum of all blocks, in order, as it stands. */
export function sum(count: number, term: (t: number) => number): number {
  let total = 0;
  for (let first = 0; first < count; first += BLOCK) total = add(total, block(first, Math.min(count, first + BLOCK), term));
  return total;
}

/** Block b of `count` terms. */
export const nthBlock = (b: number, count: number, term: (t: number) => number) => block(b * BLOCK, Math.min(count, (b + 1) * BLOCK), term);
/** `count` block sums added in order. */
export const fold = (count: number, part: (b: number) => number) => {
  let total = 0;
  for (let b = 0; b < count; b++) total = add(total, part(b));
  return total;
};
/** Place of a number in a row of `columns`. */
export const cell = (flat: number, columns: number): [number, number] => [Math.floor(flat / columns), flat % columns];
