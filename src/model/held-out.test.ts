import { expect, it } from 'vitest';
import { splitHeldOut } from './held-out.ts';

const records = Array.from({ length: 20 }, (_, k) => k);

it('sets the share aside that was asked for, by the seed alone, in order', () => {
  const { trained, heldOut } = splitHeldOut(records, 0.2, 7);
  expect(heldOut).toHaveLength(4);
  expect([...trained, ...heldOut].sort((a, b) => a - b)).toEqual(records);
  expect(trained).toEqual([...trained].sort((a, b) => a - b));
  expect(splitHeldOut(records, 0.2, 7).heldOut).toEqual(heldOut);
  expect(splitHeldOut(records, 0.2, 8).heldOut).not.toEqual(heldOut);
});

it('holds out at least one and leaves at least one', () => {
  expect(splitHeldOut(records, 0, 1)).toEqual({ trained: records, heldOut: [] });
  expect(splitHeldOut(records, 0.001, 1).heldOut).toHaveLength(1);
  expect(splitHeldOut([1, 2], 0.5, 1)).toMatchObject({ trained: [expect.any(Number)], heldOut: [expect.any(Number)] });
});

it.each([-0.1, 0.6, NaN])('refuses a share of %f', (fraction) => {
  expect(() => splitHeldOut(records, fraction, 1)).toThrow('share from 0 to 0.5');
});
it('refuses to hold out the only record', () => expect(() => splitHeldOut([1], 0.5, 1)).toThrow('nothing left'));
