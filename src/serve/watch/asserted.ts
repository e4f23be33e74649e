import type { Assertion } from '../../chain/assert-leaves.ts';
import { type AssertedLeaves, floats } from '../../chain/revealed-places.ts';
import { fromHex } from '../../protocol/bytes.ts';
import type { SeenDemand } from './demands.ts';

/** What an assertion says, as its event does. */
export const assertedBy = ({ own: { leaf, level, values } }: Assertion): AssertedLeaves => ({ leaf, level, values: floats(fromHex(values)) });

/** Whether a demand says the same of the same leaves, bit by bit. */
export function isAsserted(assertion: Assertion, { asserted }: Pick<SeenDemand, 'asserted'>): boolean {
  const { leaf, level, values } = assertedBy(assertion);
  if (asserted?.leaf !== leaf || asserted.level !== level || asserted.values.length !== values.length) return false;
  const [a, b] = [values, asserted.values].map((all) => new Uint32Array(all.buffer, all.byteOffset, all.length));
  return a!.every((bits, k) => bits === b![k]);
}
