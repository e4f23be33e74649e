import type { Hex } from '../../protocol/bytes.ts';
import { PIECE } from './instruction.ts';
import { type Tensor, cutOf, hashLeaf, leafValues } from './tree.ts';
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

/** Leaves of a claim as its claimant showed them: those below a node. */
export interface ShownLeaves extends ShownLeaf {
  /** Of the node above the leaves; without it 0, and `leaf` is one leaf. */
  level?: number;
}

/** The single leaves of several that were shown, and which is the first. Throws RangeError where they have another number of values. */
export function singleLeaves({ rows, columns }: Pick<Tensor, 'rows' | 'columns'>, { leaf, level = 0, values }: Pick<ShownLeaves, 'leaf' | 'level' | 'values'>): { first: number; leaves: Float32Array[] } {
  const [first, { rows: whole, pieces, count }] = [leaf * 2 ** level, cutOf(rows, columns)];
  const leaves: Float32Array[] = [];
  let at = 0;
  for (let k = first; k < Math.min(first + 2 ** level, count); k++) {
    const size = pieces > 1 ? Math.min(PIECE, columns - (k % pieces) * PIECE) : Math.min(whole, rows - k * whole) * columns;
    leaves.push(values.subarray(at, at + size));
    at += size;
  }
  if (at !== values.length) throw new RangeError(`${values.length} values of ${leaves.length} leaves`);
  return { first, leaves };
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
