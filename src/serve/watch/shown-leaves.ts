import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import type { ShownLeaf } from '../../attribution/trace/leaf-search.ts';
import type { RevealedLeaf } from '../../chain/revealed-leaf.ts';
import { fromHex } from '../../protocol/bytes.ts';

/** A leaf as the search for a false one takes it, and the tokens that had to be shown with it. */
export interface Revealed {
  shown: ShownLeaf;
  inputs: TraceInputs;
}

export function revealedOf({ place: { index, leaf }, values, proof, inputs }: RevealedLeaf): Revealed {
  return { shown: { index, leaf, values, proof }, inputs: inputsFrom(fromHex(inputs)) };
}

/** The inverse of inputsBytes in attribution/trace/step.ts. */
function inputsFrom(bytes: Uint8Array): TraceInputs {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [answer, ...tokens] = Array.from({ length: bytes.length >> 2 }, (_, k) => view.getUint32(4 * k));
  return { tokens, answer: answer! };
}
