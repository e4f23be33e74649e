import { expect, test } from 'vitest';
import { randomBelow, randomUnit } from '../../arithmetic/random.ts';
import { verifyMerkleProof } from '../../protocol/merkle.ts';
import { ALL_MATRICES } from '../trace/trace-nodes.ts';
import { ALL_UNITS } from './places.ts';
import { RootsSearch, rootsReply } from './roots-search.ts';
import { OutputRoots } from './statement.ts';

const list = (count: number, seed: number) => Uint8Array.from({ length: 32 * count }, (_, i) => Math.floor(256 * randomUnit(seed, 1, i)));

test.each([1, 2, 3, 25, 256, 257, 2293])('of %d units the first false one is found, whatever is false after it, and proved with its sources', (count) => {
  const own = new OutputRoots(list(count, 7));
  for (let at = 0; at < 6; at++) {
    const false1 = at === 0 ? count - 1 : randomBelow(count, 3, count, at);
    const bytes = own.bytes.slice();
    for (const unit of [false1, ...Array.from({ length: 3 }, (_, k) => Math.min(count - 1, false1 + randomBelow(50, 4, at, k)))]) bytes[32 * unit + (at % 32)]! ^= 0x40;
    const claimed = new OutputRoots(bytes);
    const first = own.firstDifference(claimed);
    if (first === undefined) continue;
    const search = new RootsSearch(own, claimed.root);
    let rounds = 0;
    for (let places = search.next(); places.length; places = search.next()) {
      expect(++rounds).toBeLessThanOrEqual(Math.ceil(Math.log2(count) / 8));
      for (const place of places) {
        const shown = rootsReply(claimed, place)!;
        expect(shown.hashes.length).toBeLessThanOrEqual(256);
        search.add(shown);
      }
    }
    // One unit has no tree to ask about: its root is the whole.
    expect(search.unit).toBe(first);
    for (const unit of new Set([0, first >> 1, Math.max(0, first - 1), first])) expect(verifyMerkleProof(claimed.root, count, unit, claimed.leaves[unit]!, search.proof(unit))).toBe(true);
  }
});

test('what does not stand under the root is refused, and padding that differs leads to a demand that nobody can answer', () => {
  const own = new OutputRoots(list(5, 7));
  const claimed = new OutputRoots(list(5, 8));
  const search = new RootsSearch(own, claimed.root);
  const place = { answer: ALL_UNITS, index: ALL_MATRICES, leaf: 0, level: 3, depth: 3 };
  expect(() => search.add(rootsReply(own, place)!)).toThrow(RangeError);
  expect(() => search.add({ ...rootsReply(claimed, place)!, hashes: [] })).toThrow(RangeError);
  expect(rootsReply(own, { ...place, level: 4 })).toBeUndefined();
  expect(rootsReply(own, { ...place, depth: 0 })).toBeUndefined();
  expect(search.next()).toEqual([place]);
});
