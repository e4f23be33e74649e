import { type Hex, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { PAYOUTS } from '../../protocol/workings-places.ts';
import type { ShownNodes } from './node-search.ts';
import { MOST_DEPTH, type TracePlace } from './trace-nodes.ts';
import { TreeNodes, climb, depthOf, widthOf } from './tree-nodes.ts';

/** How far a search through a claim's tree of payouts is. */
export type SearchedPayouts =
  /** The first false leaf, with the siblings of its way to the claim's root. */
  | { kind: 'payout'; leaf: number; hash: Hex; proof: Hex[] }
  /** What has to be shown next; the first false one is among `left`. */
  | { kind: 'demand'; places: TracePlace[]; left: number };

const ROOT = Uint8Array.of(2);
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);

/**
 * Finds the first leaf that is false in a claim's tree of payouts, which has as many leaves as `own`. Its leaves follow from the workings:
 * nodes of it are all that is ever asked for, the leaves' hashes among them.
 * @param own hashes of the leaves that are right, end to end; at least one
 * @param shown nodes of the claim's tree, as its claimant had to show them
 * Throws RangeError for nodes that do not stand under the claim's root.
 */
export function searchPayouts(own: Uint8Array, root: Hex, shown: readonly ShownNodes[]): SearchedPayouts {
  const right = new TreeNodes(own);
  const known = new Map<string, Uint8Array>();
  for (const piece of shown) for (const [key, hash] of under(piece, right.count, root)) known.set(key, hash);
  return descend(right, known);
}

/** The same where all of the claim's leaves are at hand, such as a receipt's payouts, and stand under its root; undefined where none differs. */
export function firstFalsePayout(own: Uint8Array, claimed: Uint8Array): Extract<SearchedPayouts, { kind: 'payout' }> | undefined {
  const [right, theirs] = [new TreeNodes(own), new TreeNodes(claimed)];
  for (let leaf = 0; leaf < Math.min(right.count, theirs.count); leaf++) {
    const hash = theirs.node(0, leaf);
    if (!same(hash, right.node(0, leaf))) return { kind: 'payout', leaf, hash: toHex(hash), proof: theirs.siblings(0, leaf) };
  }
  return undefined;
}

function descend(right: TreeNodes, known: ReadonlyMap<string, Uint8Array>): SearchedPayouts {
  // Of a single payout the root tells, and nobody can be asked for a node.
  if (right.count === 1) return { kind: 'payout', leaf: 0, hash: toHex(right.node(0, 0)), proof: [] };
  let [level, leaf] = [right.depth, 0];
  const demand = (depth: number): SearchedPayouts => ({ kind: 'demand', places: [{ index: PAYOUTS, leaf, level, depth }], left: Math.min(2 ** level, right.count - leaf * 2 ** level) });
  while (level > 0) {
    const child = known.get(`${level - 1} ${2 * leaf}`);
    if (!child) return demand(Math.min(level, MOST_DEPTH));
    const left = !same(child, right.node(level - 1, 2 * leaf));
    // Padding that differs: nobody can show the node above it, since what is shown of a node has none.
    if (!left && 2 * leaf + 1 >= widthOf(right.count, level - 1)) return demand(1);
    [level, leaf] = [level - 1, 2 * leaf + (left ? 0 : 1)];
  }
  const proof = Array.from({ length: right.depth }, (_, k) => toHex(known.get(`${k} ${(leaf >> k) ^ 1}`)!));
  return { kind: 'payout', leaf, hash: toHex(known.get(`0 ${leaf}`)!), proof };
}

/** Nodes that follow from a piece. */
function under({ leaf, level, depth, hashes, proof }: ShownNodes, count: number, root: Hex): Map<string, Uint8Array> {
  const nodes = new Map<string, Uint8Array>();
  try {
    const top = climb({ count, level, place: leaf, depth }, hashes.map(fromHex), proof, (at, place, hash) => void nodes.set(`${at} ${place}`, hash));
    if (level <= depthOf(count) && toHex(fastKeccak256(ROOT, uint256Bytes(count), top)) === root) return nodes;
  } catch {
    // Said below.
  }
  throw new RangeError(`node ${leaf} of level ${level} of the payouts does not stand under the claim’s root`);
}
