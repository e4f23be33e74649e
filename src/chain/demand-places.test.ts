import { expect, test } from 'vitest';
import { concat, fromHex, keccak256 } from '../protocol/bytes.ts';
import { asDemanded } from './demand-places.ts';
import { type Place, leafOf, samePlace } from './place.ts';

const cut: Place = { answer: 0, index: 0xffffffff, leaf: 7, level: 0, depth: 255, levels: [`0x${'03'.repeat(32)}`] };

test('a cut that somebody else has demanded under the name of ours gets another name, which is that of its levels', () => {
  const other = { ...cut, levels: [`0x${'04'.repeat(32)}`] } as const;
  const [place] = asDemanded([cut], [{ place: other }]);
  expect(place!.levels!.slice(0, 1)).toEqual(cut.levels);
  expect(place!.levels).toHaveLength(2);
  expect(samePlace(place!, other)).toBe(false);
  const hash = keccak256(concat(...place!.levels!.map(fromHex)));
  expect(place!.leaf).toBe(new DataView(hash.buffer).getUint32(28));
  // Who comes next follows.
  expect(asDemanded([cut], [{ place: other }, { place: place! }])).toEqual([place]);
});

test('what nobody has demanded, or has as it is, stays', () => {
  const leaf = leafOf(0, 3, 1);
  expect(asDemanded([leaf, cut], [])).toEqual([leaf, cut]);
  expect(asDemanded([leaf, cut], [{ place: leaf }, { place: cut }])).toEqual([leaf, cut]);
  // Of another answer of the batch.
  expect(asDemanded([cut], [{ place: { ...cut, answer: 1 } }])).toEqual([cut]);
});
