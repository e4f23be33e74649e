import { expect, test } from 'vitest';
import { inputsBytes } from '../../attribution/trace/step.ts';
import { revealedLeaf } from '../../chain/revealed-leaf.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import { revealedOf } from './shown-leaves.ts';

test('what a reply showed is read from its event, bits and tokens', () => {
  const inputs = { tokens: [5, 70_000, 2], answer: 2 };
  const sibling: Hex = `0x${'07'.repeat(32)}`;
  // A NaN with a payload: bits must come through.
  const event = { id: 7n, place: { answer: 0, index: 3, leaf: 1 }, inputs: toHex(inputsBytes(inputs)), shown: { input: 0, leaf: 1, values: '0x0000803f010080ff' as Hex, proof: [sibling] } };
  const found = revealedOf(revealedLeaf(event));
  expect(found.inputs).toEqual(inputs);
  expect([...new Uint32Array(found.shown.values.buffer)]).toEqual([0x3f800000, 0xff800001]);
  expect(found.shown).toMatchObject({ index: 3, leaf: 1, proof: [sibling] });
});
