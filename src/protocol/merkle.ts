import { type Hex, fromHex, keccak256, toHex, uint256Bytes } from './bytes.ts';

/**
 * Merkle trees with positional, domain-separated nodes (contracts/src/libraries/Merkle.sol is the same).
 *
 *   leaf  = keccak256(0x00 ‖ data)
 *   node  = keccak256(0x01 ‖ left ‖ right)
 *   root  = keccak256(0x02 ‖ uint256(count) ‖ top)
 *
 * The leaves are padded on the right with 32 zero bytes to the next power of two, so a proof's length
 * follows from the count, and a leaf's place from the bits of its index. Count is inside the root:
 * no tree can pass for one with more or fewer leaves.
 */
const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);
const ROOT = new Uint8Array([2]);
const ZERO = new Uint8Array(32);

export function leafHash(data: Uint8Array): Uint8Array {
  return keccak256(LEAF, data);
}

function layers(leaves: Uint8Array[]): Uint8Array[][] {
  let width = 1;
  while (width < leaves.length) width *= 2;
  // Padding is kept implicit: a missing right sibling is the root of an all-zero subtree of that height.
  const out = [leaves];
  let zero: Uint8Array = ZERO;
  for (let layer = leaves; width > 1; width /= 2) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < layer.length; i += 2) next.push(keccak256(NODE, layer[i]!, layer[i + 1] ?? zero));
    zero = keccak256(NODE, zero, zero);
    out.push(next);
    layer = next;
  }
  return out;
}

/** Root over leaf hashes (not leaf data). An empty list has a root too. */
export function merkleRoot(leaves: Uint8Array[]): Hex {
  const all = layers(leaves);
  const top = all[all.length - 1]![0] ?? ZERO;
  return toHex(keccak256(ROOT, uint256Bytes(leaves.length), top));
}

/** Sibling hashes from the leaf's level upwards. Throws RangeError for an index outside the list. */
export function merkleProof(leaves: Uint8Array[], index: number): Hex[] {
  if (!(index >= 0 && index < leaves.length)) throw new RangeError(`no leaf ${index} of ${leaves.length}`);
  return siblings(layers(leaves), index);
}

/** The proofs of all leaves, from one tree. */
export function merkleProofs(leaves: Uint8Array[]): Hex[][] {
  const all = layers(leaves);
  return leaves.map((_, index) => siblings(all, index));
}

function siblings(all: Uint8Array[][], index: number): Hex[] {
  const proof: Hex[] = [];
  let zero: Uint8Array = ZERO;
  for (let depth = 0, at = index; depth < all.length - 1; depth++, at >>= 1) {
    proof.push(toHex(all[depth]![at ^ 1] ?? zero));
    zero = keccak256(NODE, zero, zero);
  }
  return proof;
}

export function verifyMerkleProof(root: Hex, count: number, index: number, leaf: Uint8Array, proof: Hex[]): boolean {
  if (!(index >= 0 && index < count)) return false;
  let width = 1;
  let depth = 0;
  for (; width < count; width *= 2) depth++;
  if (proof.length !== depth) return false;
  let hash = leaf;
  for (let level = 0, at = index; level < depth; level++, at >>= 1) {
    const sibling = fromHex(proof[level]!);
    hash = (at & 1) === 0 ? keccak256(NODE, hash, sibling) : keccak256(NODE, sibling, hash);
  }
  return toHex(keccak256(ROOT, uint256Bytes(count), hash)) === root;
}

