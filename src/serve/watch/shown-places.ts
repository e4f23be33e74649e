import type { TraceInputs } from '../../attribution/trace/instruction.ts';
import type { ShownPiece } from '../../attribution/trace/node-search.ts';
import type { Revealed } from '../../chain/revealed-places.ts';
import { fromHex } from '../../protocol/bytes.ts';

/** A part of a trace, or of the workings of payouts, as the search for a false leaf takes it, and the tokens shown with it: with workings anything may be. */
export interface ShownPlace {
  piece: ShownPiece;
  /** Undefined where they need not be shown. */
  inputs: TraceInputs | undefined;
}

export function shownPlace({ place: { index, leaf, level, depth }, what, proof, inputs }: Revealed): ShownPlace {
  return { piece: { index, leaf, level, depth, ...what, proof }, inputs: inputsFrom(fromHex(inputs)) };
}

/** The inverse of inputsBytes in attribution/trace/step.ts. */
function inputsFrom(bytes: Uint8Array): TraceInputs | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!bytes.length) return undefined;
  const [answer, ...tokens] = Array.from({ length: bytes.length >> 2 }, (_, k) => view.getUint32(4 * k));
  return { tokens, answer: answer ?? 0 };
}
