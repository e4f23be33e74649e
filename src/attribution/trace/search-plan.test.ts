import { expect, test } from 'vitest';
import { SEARCH_LIMITS, SearchPlan, roundGas, searchLimits } from './search-plan.ts';
import { ALL_MATRICES } from './trace-nodes.ts';
import { depthOf } from './tree-nodes.ts';

const REPLY = 3_600;
const within = (seconds: number, places?: number) => searchLimits({ seconds, replyTime: REPLY }, places);

test('a search has as many rounds as replies fit into the time, and one where none does', () => {
  expect([-5 * REPLY, 0, REPLY - 1, REPLY, 2 * REPLY, 100 * REPLY].map((seconds) => within(seconds).most)).toEqual([1, 1, 1, 2, 3, SEARCH_LIMITS.most]);
  expect([0, 5, 16, 500].map((places) => within(0, places).places)).toEqual([1, 5, SEARCH_LIMITS.places, SEARCH_LIMITS.places]);
  expect(within(10 * REPLY)).toEqual(SEARCH_LIMITS);
});

test('with less time more is asked for at once, at a higher price', () => {
  const counts = Array.from({ length: 40 }, (_, k) => 1 + (k % 5) * 200);
  const begin = { index: ALL_MATRICES, level: depthOf(counts.length), leaf: 0 };
  const [three, two] = [3, 2].map((rounds) => {
    const limits = within((rounds - 1) * REPLY);
    return new SearchPlan(counts, limits.places).places({ index: 4, level: depthOf(counts[4]!), leaf: 0 }, limits);
  });
  expect(roundGas(two!)).toBeGreaterThan(roundGas(three!));
  const limits = within(9 * REPLY);
  expect(new SearchPlan(counts, limits.places).places(begin, limits)).toHaveLength(1);
});
