import { ASSERTION } from '../chain/place.ts';
import { type Hex, fromHex } from '../protocol/bytes.ts';
import { OpenLedgerError } from '../errors.ts';
import type { Assertion, LeavesPlace } from '../workers/engine.api.ts';
import type { DemandSeen, Dispute } from './disputes-events.ts';

interface Asserting {
  answer: number;
  place: LeavesPlace;
  assertion: Assertion;
}

/** Somebody's assertion of the very same leaves: it serves whoever would make it. */
export function sameAsserted({ demands }: Dispute, { answer, place: { index, leaf, level }, assertion }: Asserting): DemandSeen | undefined {
  return demands.find(({ place, asserted }) => place.depth === ASSERTION && place.answer === answer && place.index === index && asserted?.leaf === leaf && asserted.level === level && sameValues(asserted.values, assertion.own.values));
}

/** By bits. `hex`: float32, little-endian. */
function sameValues(values: Float32Array, hex: Hex): boolean {
  const bytes = fromHex(hex);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return bytes.length === 4 * words.length && words.every((word, k) => word === view.getUint32(4 * k, true));
}

/** Assertions of an account about a claim that were shown to be false. */
export const refutedAssertions = ({ demands }: Dispute, account: string | undefined): DemandSeen[] =>
  demands.filter(({ state, demander }) => state === 'disproved' && demander.toLowerCase() === account?.toLowerCase());

/** Nothing is asserted again: either this machine or its program computes otherwise than the referee. */
export function assertionRefuted(): OpenLedgerError {
  return new OpenLedgerError({
    code: 'dispute/assertion-refuted', what: 'What was asserted about this claim was shown to be false: the challenge ends here.',
    why: 'The referee on the chain found a value that does not follow, or the claim has the same values.', next: 'Nothing more is asserted of this claim. This machine computes otherwise than the referee: please report it.',
  });
}
