import { expect, test } from 'vitest';
import { inputsBytes } from '../../attribution/trace/step.ts';
import { type RevealedEvent, revealedPlace } from '../../chain/revealed-places.ts';
import { type Hex, toHex } from '../../protocol/bytes.ts';
import { shownPlace } from './shown-places.ts';

const inputs = { tokens: [5, 70_000, 2], answer: 2 };
const sibling: Hex = `0x${'07'.repeat(32)}`;
const event = (eventName: RevealedEvent['eventName'], place: object, shown: object) => ({ eventName, args: { id: 7n, place, inputs: toHex(inputsBytes(inputs)), shown } }) as unknown as RevealedEvent;

test('what a reply showed is read from its event, bits and tokens', () => {
  // A NaN with a payload: bits must come through.
  const place = { answer: 0, index: 3, leaf: 1, level: 0, depth: 0 };
  const found = shownPlace(revealedPlace(event('Revealed', place, { input: 0, leaf: 1, values: '0x0000803f010080ff', proof: [sibling] })));
  expect(found.inputs).toEqual(inputs);
  expect(found.piece).toMatchObject({ index: 3, leaf: 1, proof: [sibling] });
  expect([...new Uint32Array((found.piece as { values: Float32Array }).values.buffer)]).toEqual([0x3f800000, 0xff800001]);
});

test('nodes that were shown come with their place and their proof', () => {
  const place = { answer: 0, index: 9, leaf: 2, level: 5, depth: 1 };
  const found = shownPlace(revealedPlace(event('RevealedNodes', place, { leaf: 2, level: 5, depth: 1, hashes: [sibling, sibling], proof: [] })));
  expect(found).toEqual({ inputs, piece: { index: 9, leaf: 2, level: 5, depth: 1, hashes: [sibling, sibling], proof: [] } });
});
