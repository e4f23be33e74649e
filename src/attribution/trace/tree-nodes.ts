import { type Hex, fromHex, toHex } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';

const HASH = 32;
const NODE = Uint8Array.of(1);

/** Levels between a leaf and the top: the least d with 2^d ≥ count. */
export const depthOf = (count: number): number => Math.ceil(Math.log2(Math.max(1, count)));

/** Nodes of a level that hold a leaf; the others of that level are padding. */
export const widthOf = (count: number, level: number): number => Math.ceil(count / 2 ** level);

/** Roots of subtrees of padding, by level. */
const zeros: Uint8Array[] = [new Uint8Array(HASH)];
function paddingAt(level: number): Uint8Array {
  for (let k = zeros.length; k <= level; k++) zeros.push(fastKeccak256(NODE, zeros[k - 1]!, zeros[k - 1]!));
  return zeros[level]!;
}

/** A level's nodes, end to end, from those of the level below. */
function above(below: Uint8Array, level: number): Uint8Array {
  const count = below.length / HASH;
  const out = new Uint8Array(Math.ceil(count / 2) * HASH);
  for (let k = 0; 2 * k < count; k++) {
    const right = 2 * k + 1 < count ? below.subarray((2 * k + 1) * HASH, (2 * k + 2) * HASH) : paddingAt(level);
    out.set(fastKeccak256(NODE, below.subarray(2 * k * HASH, (2 * k + 1) * HASH), right), k * HASH);
  }
  return out;
}

/**
 * Every node of a Merkle tree (protocol/merkle.ts), computed once. Node p of level l stands over leaves p·2^l up to (p + 1)·2^l; level 0
 * holds the leaves' hashes, the last level the top, which is not yet the root (that has the count in it).
 */
export class TreeNodes {
  readonly count: number;
  readonly depth: number;
  private readonly levels: Uint8Array[];

  /** @param leaves hashes, end to end; at least one */
  constructor(leaves: Uint8Array) {
    this.count = leaves.length / HASH;
    this.depth = depthOf(this.count);
    this.levels = [leaves];
    for (let level = 0; level < this.depth; level++) this.levels.push(above(this.levels[level]!, level));
  }

  /** Throws RangeError for a node outside the tree. */
  node(level: number, place: number): Uint8Array {
    if (!(level >= 0 && level <= this.depth && place >= 0 && place < 2 ** (this.depth - level))) throw new RangeError(`no node ${place} at level ${level} of a tree of ${this.count}`);
    return place < widthOf(this.count, level) ? this.levels[level]!.subarray(place * HASH, (place + 1) * HASH) : paddingAt(level);
  }

  /** Siblings from the node up to the top. */
  siblings(level: number, place: number): Hex[] {
    return Array.from({ length: this.depth - level }, (_, k) => toHex(this.node(level + k, Math.floor(place / 2 ** k) ^ 1)));
  }

  /** What answers a demand for a node: its descendants `depth` levels below, without padding. */
  below(level: number, place: number, depth: number): Hex[] {
    const end = Math.min((place + 1) * 2 ** depth, widthOf(this.count, level - depth));
    const out: Hex[] = [];
    for (let k = place * 2 ** depth; k < end; k++) out.push(toHex(this.node(level - depth, k)));
    return out;
  }
}

/** Which nodes of a tree of `count` leaves a cut has, from left to right (NodesOpening in contracts/src/interfaces/IGames.sol). */
export function cutNodes(count: number, levels: readonly Hex[]): { level: number; place: number }[] {
  const [given, top, out] = [levels.map(fromHex), depthOf(count), [] as { level: number; place: number }[]];
  for (let leaf = 0; leaf < count;) {
    let level = Math.min(top, given[out.length >> 5]?.[out.length & 31] ?? top);
    while (leaf % 2 ** level) level--;
    out.push({ level, place: leaf / 2 ** level });
    leaf += 2 ** level;
  }
  return out;
}

/** As climb, of the nodes of a cut. */
export function climbCut(count: number, levels: readonly Hex[], hashes: readonly Uint8Array[], visit: (level: number, place: number, hash: Uint8Array) => void): Uint8Array {
  const nodes = cutNodes(count, levels);
  if (hashes.length !== nodes.length) throw new RangeError(`${hashes.length} hashes for a cut of ${nodes.length} nodes`);
  const top = depthOf(count);
  // By level, the left one of two whose right one is to come.
  const left = new Map<number, Uint8Array>();
  const put = (level: number, place: number, hash: Uint8Array) => {
    visit(level, place, hash);
    for (; level < top && place & 1; level++, place >>= 1) {
      hash = fastKeccak256(NODE, left.get(level)!, hash);
      visit(level + 1, place >> 1, hash);
    }
    left.set(level, hash);
  };
  nodes.forEach(({ level, place }, k) => put(level, place, hashes[k]!));
  const last = nodes.at(-1)!;
  for (let level = 0, leaf = (last.place + 1) * 2 ** last.level; level < top; level++) {
    if (Math.floor(leaf / 2 ** level) % 2 === 0) continue;
    put(level, leaf / 2 ** level, paddingAt(level));
    leaf += 2 ** level;
  }
  return left.get(top)!;
}

/** Where nodes stand that were shown: those `depth` levels below node `place` of `level` in a tree of `count` leaves. */
export interface NodesPlace {
  count: number;
  level: number;
  place: number;
  depth: number;
}

/** How many hashes show a place. */
export function shownCount({ count, level, place, depth }: NodesPlace): number {
  return Math.max(0, Math.min((place + 1) * 2 ** depth, widthOf(count, level - depth)) - place * 2 ** depth);
}

/**
 * Everything that follows from shown nodes: each, all above them up to the top, and their siblings; `visit` gets them.
 * Returns the top. What is padding need not be shown. Throws RangeError where hashes or siblings are too few or too many.
 */
export function climb(at: NodesPlace, hashes: readonly Uint8Array[], siblings: readonly Hex[], visit: (level: number, place: number, hash: Uint8Array) => void): Uint8Array {
  if (hashes.length !== shownCount(at) || hashes.length === 0 || siblings.length !== depthOf(at.count) - at.level) {
    throw new RangeError(`${hashes.length} hashes and ${siblings.length} siblings for node ${at.place} of level ${at.level}`);
  }
  let row = [...hashes];
  let [level, first] = [at.level - at.depth, at.place * 2 ** at.depth];
  for (; level < at.level; level++) {
    const next: Uint8Array[] = [];
    for (let k = 0; k < row.length; k += 2) {
      const [left, right] = [row[k]!, row[k + 1] ?? paddingAt(level)];
      visit(level, first + k, left);
      visit(level, first + k + 1, right);
      next.push(fastKeccak256(NODE, left, right));
    }
    [row, first] = [next, first / 2];
  }
  let hash = row[0]!;
  for (const sibling of siblings) {
    const other = fromHex(sibling);
    visit(level, first, hash);
    visit(level, first ^ 1, other);
    hash = first & 1 ? fastKeccak256(NODE, other, hash) : fastKeccak256(NODE, hash, other);
    [level, first] = [level + 1, first >> 1];
  }
  visit(level, first, hash);
  return hash;
}
