import { type Hex, toHex, uint256Bytes } from './bytes.ts';
import { fastKeccak256 as keccak256 } from './keccak/keccak.ts';

const NODE = new Uint8Array([1]);
const ROOT = new Uint8Array([2]);
const ZERO = new Uint8Array(32);

/**
 * merkleRoot of merkle.ts for leaves that come one by one: keeps one hash per level instead of every leaf. A model of
 * a billion weights has about a million rows.
 */
export class MerkleStream {
  /** Roots of the complete subtrees so far; [h] has 2^h leaves or is absent. */
  private readonly complete: (Uint8Array | undefined)[] = [];
  private count = 0;

  /** Takes a leaf hash (not leaf data). */
  add(leaf: Uint8Array): void {
    let hash = leaf;
    let height = 0;
    for (; this.complete[height]; height++) {
      hash = keccak256(NODE, this.complete[height]!, hash);
      this.complete[height] = undefined;
    }
    this.complete[height] = hash;
    this.count++;
  }

  root(): Hex {
    let zero: Uint8Array = ZERO;
    let top: Uint8Array | undefined;
    const levels = this.count > 1 ? Math.ceil(Math.log2(this.count)) : 0;
    for (let height = 0; height < levels; height++) {
      const left = this.complete[height];
      // A missing right sibling is the root of an all-zero subtree of that height.
      if (left) top = keccak256(NODE, left, top ?? zero);
      else if (top) top = keccak256(NODE, top, zero);
      zero = keccak256(NODE, zero, zero);
    }
    return toHex(keccak256(ROOT, uint256Bytes(this.count), top ?? this.complete[levels] ?? ZERO));
  }
}
