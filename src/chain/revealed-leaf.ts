import { type Hex, fromHex } from '../protocol/bytes.ts';
import type { EventFeed } from './events.ts';
import type { Place } from './demand-leaf.ts';

export type RevealedArgs = Extract<ReturnType<EventFeed['disputes']>[number], { eventName: 'Revealed' }>['args'];

/** A leaf that was shown on chain, and the tokens that had to be shown with it. The contract checked both against the claim. */
export interface RevealedLeaf {
  place: Place;
  values: Float32Array;
  /** Siblings within the matrix, then of the matrix in the trace. */
  proof: Hex[];
  /** As inputsBytes in attribution/trace/step.ts. */
  inputs: Hex;
}

/** What the event of a reply shows, whoever's call it was. */
export function revealedLeaf({ place, inputs, shown }: RevealedArgs): RevealedLeaf {
  return { place, values: floats(fromHex(shown.values)), proof: [...shown.proof], inputs };
}

/** float32, little-endian, whatever this machine is; by bits, since a NaN must stay the one that it is. */
function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Uint32Array(Math.floor(bytes.byteLength / 4));
  for (let k = 0; k < out.length; k++) out[k] = view.getUint32(4 * k, true);
  return new Float32Array(out.buffer);
}
