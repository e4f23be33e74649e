import type { Hex } from '../../protocol/bytes.ts';
import { hashLeaf, leafValues } from './tree.ts';
import type { Matrix } from './run.ts';

/** A leaf of a trace: which instruction's matrix, and which of its leaves. */
export interface LeafPlace {
  index: number;
  leaf: number;
}

/** A leaf of a claim as its claimant showed it. */
export interface ShownLeaf extends LeafPlace {
  values: Float32Array;
  /** Siblings within the matrix, then of the matrix in the trace. */
  proof: readonly Hex[];
}

/**
 * Values of a leaf of which only the hash is known, where one bit of one value is all that is not as computed here. Saves the
 * demand for it. Undefined where it is something else.
 */
export function guessLeaf(right: Matrix, leaf: number, hash: Uint8Array): Float32Array | undefined {
  const values = leafValues(right, leaf).values.slice();
  const bits = new Uint32Array(values.buffer);
  for (let at = 0; at < bits.length; at++) {
    for (let bit = 0; bit < 32; bit++) {
      bits[at]! ^= 2 ** bit;
      if (same(hashLeaf(values), hash)) return values;
      bits[at]! ^= 2 ** bit;
    }
  }
  return undefined;
}

const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);
