import { type Hex, fromHex } from '../protocol/bytes.ts';
import type { DisputeEvents } from './game-events.ts';
import type { Place } from './place.ts';

type DisputeEvent = DisputeEvents[number];
export type RevealedEvent = Extract<DisputeEvent, { eventName: 'Revealed' | 'RevealedNodes' }>;

/** A part of a trace that was shown on chain, and the tokens that had to be shown with it. The contract checked both against the claim. */
export interface Revealed {
  place: Place;
  /** As inputsBytes in attribution/trace/step.ts; empty where they need not be shown. */
  inputs: Hex;
  /** Siblings within the tree; of a matrix then of the matrix in the trace. Of a cut its levels. */
  proof: Hex[];
  /** Of leaves their values, of nodes their hashes. */
  what: { values: Float32Array } | { hashes: Hex[] };
}

/** What the event of a reply shows, whoever's call it was. */
export function revealedPlace(event: RevealedEvent): Revealed {
  const { place, inputs, shown } = event.args;
  const what = event.eventName === 'Revealed' ? { values: floats(fromHex(event.args.shown.values)) } : { hashes: [...event.args.shown.hashes] };
  return { place, inputs, proof: [...shown.proof], what };
}

/** What a challenger says are the values of the leaves below a node of a matrix; the place of its demand names the matrix. */
export interface AssertedLeaves {
  leaf: number;
  level: number;
  /** Of all leaves below the node, end to end. */
  values: Float32Array;
}

export function assertedLeaves({ args: { leaf, level, values } }: Extract<DisputeEvent, { eventName: 'LeavesAsserted' }>): AssertedLeaves {
  return { leaf, level, values: floats(fromHex(values)) };
}

/** float32, little-endian, whatever this machine is; by bits, since a NaN must stay the one that it is. */
export function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Uint32Array(Math.floor(bytes.byteLength / 4));
  for (let k = 0; k < out.length; k++) out[k] = view.getUint32(4 * k, true);
  return new Float32Array(out.buffer);
}
