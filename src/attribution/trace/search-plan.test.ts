import { expect, test } from 'vitest';
import { SEARCH_LIMITS, SearchPlan, roundGas, searchLimits } from './search-plan.ts';
import { ALL_MATRICES, CUT, MOST_RANGE } from './trace-nodes.ts';
import { cutNodes, depthOf } from './tree-nodes.ts';

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
  expect(roundGas(counts, two!)).toBeGreaterThan(roundGas(counts, three!));
  const limits = within(9 * REPLY);
  expect(new SearchPlan(counts, limits.places).places(begin, limits)).toHaveLength(1);
});

/** Sizes as those of an answer of 1,024 tokens of the shipped base: 84 matrices of attention hold more than half of all leaves. */
const LONG = Array.from({ length: 2439 }, (_, k) => {
  const at = k % 116;
  if ([18, 20, 22, 53].includes(at)) return 20_460;
  if (at % 12 === 1) return 1_990;
  return at % 3 === 0 ? 950 : at % 3 === 1 ? 34 : 8;
});
const ALL = { index: ALL_MATRICES, level: depthOf(LONG.length), leaf: 0 };

test('an answer of 1,024 tokens is gone through in three rounds, for less than is left of five million gas', () => {
  const began = performance.now();
  const plan = new SearchPlan(LONG, SEARCH_LIMITS.places);
  const [cut, ...more] = plan.places(ALL, SEARCH_LIMITS);
  // 100 ms on a machine that does nothing else.
  expect(performance.now() - began).toBeLessThan(1_000);
  expect([cut!.depth, more.length]).toEqual([CUT, 0]);
  expect(plan.worst(ALL, 3)!).toBeLessThan(SEARCH_LIMITS.gas);
  expect(plan.worst(ALL, 3, false)!).toBeGreaterThan(plan.worst(ALL, 3)!);
  // Every node of the cut can be gone through in the two rounds that are left, and none costs more than was reckoned.
  const first = roundGas(LONG, [cut!]);
  for (const { level, place } of cutNodes(LONG.length, cut!.levels!)) {
    const places = plan.places({ index: ALL_MATRICES, level, leaf: place }, { rounds: 2, most: 2, gas: 0 });
    expect(first + roundGas(LONG, places)).toBeLessThanOrEqual(plan.worst(ALL, 3)!);
  }
});

test('the last round shows all leaves below a node at once, and no more than fit into a transaction', () => {
  const plan = new SearchPlan(LONG, SEARCH_LIMITS.places);
  for (let level = 0; level <= MOST_RANGE; level++) {
    expect(plan.places({ index: 18, level, leaf: 3 }, { rounds: 1, most: 1, gas: 0 })).toEqual([{ index: 18, level, leaf: 3, depth: 0 }]);
  }
  expect(plan.worst({ index: 18, level: MOST_RANGE + 1, leaf: 0 }, 1)).toBeUndefined();
  const [nodes] = plan.places({ index: 18, level: depthOf(20_460), leaf: 0 }, { rounds: 2, most: 2, gas: 0 });
  expect(nodes!.level - nodes!.depth).toBeLessThanOrEqual(MOST_RANGE);
});

test('where leaves can be asserted the last round is about one node, at the same price; with no time for it leaves of several matrices are shown', () => {
  const plan = new SearchPlan(LONG, SEARCH_LIMITS.places, true);
  expect(plan.worst(ALL, 3)!).toBeLessThan(SEARCH_LIMITS.gas);
  expect(plan.worst(ALL, 3)!).toBeGreaterThanOrEqual(new SearchPlan(LONG, SEARCH_LIMITS.places).worst(ALL, 3)!);
  // Eight matrices of a leaf each.
  const counts = new Array<number>(8).fill(1);
  const top = { index: ALL_MATRICES, level: 3, leaf: 0 };
  const small = new SearchPlan(counts, 8, true);
  expect([1, 2].map((rounds) => small.worst(top, rounds) !== undefined)).toEqual([false, true]);
  expect(new SearchPlan(counts, 8).worst(top, 1)).toBeGreaterThan(0);
  expect(small.places(top, { rounds: 3, most: 3, gas: 10 ** 7 }).some(({ depth }) => depth > 0)).toBe(true);
  expect(small.places(top, { rounds: 1, most: 1, gas: 10 ** 7 })).toEqual(counts.map((_, index) => ({ index, leaf: 0, level: 0, depth: 0 })));
});

test('who must not ask for cuts does not', () => {
  expect(new SearchPlan(LONG, 16).places(ALL, { ...SEARCH_LIMITS, cuts: false })[0]!.depth).not.toBe(CUT);
});
