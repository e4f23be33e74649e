import { type Workings, type WorkingsTable } from '../../protocol/payout-workings.ts';
import { payoutLeaf } from '../../protocol/fee.ts';
import { ALL_TABLES, PAYOUTS, WORKINGS, isOfWorkings } from '../../protocol/workings-places.ts';
import type { LeafPlace } from './leaf-search.ts';
import type { Matrix } from './run.ts';
import { ALL_MATRICES } from './trace-nodes.ts';
import { TraceTree, cutOf, leafValues } from './tree.ts';
import { TreeNodes } from './tree-nodes.ts';

/**
 * The workings of a claim's payouts (protocol/payout-workings.ts) as a tree of six matrices: what searches a withheld trace searches them
 * too. Words are held as float32 by their bits, which may be any: they are hashed and shown, never computed with, and copied whole.
 */
export const workingsMatrix = ({ rows, columns, bytes }: WorkingsTable): Matrix => ({ rows, columns, values: new Float32Array(bytes.buffer, bytes.byteOffset, rows * columns) });

/** Its root is the workings’ root. */
export function workingsTree({ tables }: Pick<Workings, 'tables'>): TraceTree {
  return TraceTree.of(tables.map(workingsMatrix));
}

/** A leaf of a table. Throws RangeError where there is none. */
export function workingsLeaf({ tables }: Pick<Workings, 'tables'>, { index, leaf }: LeafPlace): Float32Array {
  const table = tables[index];
  if (!table || !(leaf >= 0 && leaf < cutOf(table.rows, table.columns).count)) throw new RangeError(`no leaf ${leaf} of table ${index}`);
  return leafValues(workingsMatrix(table), leaf).values;
}

/** A place of the workings' tree as one of the claim. */
export function toClaim<P extends { index: number }>(place: P): P {
  return { ...place, index: place.index === ALL_MATRICES ? ALL_TABLES : WORKINGS + place.index };
}

/** A claim's place as one of the workings' tree; undefined where it is none of it (the payouts' tree is another). */
export function fromClaim<P extends { index: number }>(place: P): P | undefined {
  if (!isOfWorkings(place) || place.index === PAYOUTS) return undefined;
  return { ...place, index: place.index === ALL_TABLES ? ALL_MATRICES : place.index - WORKINGS };
}

/** All nodes of the tree over the payouts; undefined where nobody is paid. */
export function payoutNodes({ payouts }: Pick<Workings, 'payouts'>): TreeNodes | undefined {
  return payouts.length ? new TreeNodes(endToEnd(payouts.map(payoutLeaf))) : undefined;
}

/** Hashes as TreeNodes takes them; there may be more than a call can have arguments. */
export function endToEnd(hashes: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(32 * hashes.length);
  hashes.forEach((hash, k) => out.set(hash, 32 * k));
  return out;
}
