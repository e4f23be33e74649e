import { type Hex, fromHex, toHex, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { type ShownLeaf, type ShownLeaves, singleLeaves } from './leaf-search.ts';
import { SEARCH_LIMITS, type SearchLimits, SearchPlan, type Suspect, roundGas } from './search-plan.ts';
import { ALL_MATRICES, CUT, TraceNodes, type TracePlace, isIn, leafPlace, shapeBytes } from './trace-nodes.ts';
import { TraceTree, hashLeaf } from './tree.ts';
import { climb, climbCut, depthOf, widthOf } from './tree-nodes.ts';

const LEAF = Uint8Array.of(0);
const ROOT = Uint8Array.of(2);
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);
const keyOf = ({ index, level, leaf }: Suspect) => `${index} ${level} ${leaf}`;
const placeKey = (place: TracePlace) => `${keyOf(place)} ${place.depth}`;
/** A place names a cut by 32 bits of its hash, which another can be made to have: here they are told apart by their levels. */
const pieceKey = (place: TracePlace, levels = place.levels) => (place.depth === CUT ? `cut ${levels?.join(' ')}` : placeKey(place));

/** Nodes of a claim's trees as its claimant showed them. */
export interface ShownNodes extends TracePlace {
  /** Left to right, without padding. */
  hashes: readonly Hex[];
  /** Siblings of the node from its level up within its tree; of a matrix then of the matrix in the trace. */
  proof: readonly Hex[];
}

export type ShownPiece = ShownLeaves | ShownNodes;
const isLeaf = (piece: ShownPiece): piece is ShownLeaves => 'values' in piece;

/** A leaf of which the claimed hash is known, and all before it is right. */
export interface FalseLeaf {
  index: number;
  leaf: number;
  hash: Uint8Array;
}

/**
 * Finds the first false leaf of a claim whose trace is withheld, from what its maker shows: nodes of the trace's trees and leaves, in any
 * order. Of two trees that differ, the first leaf that does is under the first node that does, level by level.
 */
export class NodeSearch {
  readonly root: Hex;
  private readonly own: TraceNodes;
  /** Nodes of the claim's trees, as they follow from all that was shown. */
  private readonly nodes = new Map<string, Uint8Array>();
  /** Those among them that follow from what nobody had to be asked for. */
  private readonly published = new Map<string, Uint8Array>();
  private readonly pieces = new Map<string, ReadonlyMap<string, Uint8Array>>();
  /** Each leaf that was shown, alone or among others. */
  private readonly leaves = new Map<string, ShownLeaf>();
  private readonly counts: number[];
  private readonly plans = new Map<string, SearchPlan>();

  constructor(own: TraceTree, root: Hex) {
    this.own = new TraceNodes(own);
    this.root = root;
    this.counts = own.tensors.map(({ leaves }) => leaves.length / 32);
  }

  /** Takes what was shown. Throws RangeError where it does not stand under the claim's root. */
  add(piece: ShownPiece): void {
    const place = isLeaf(piece) ? { ...leafPlace(piece), level: piece.level ?? 0 } : piece;
    const nodes = this.climb(place, piece);
    this.pieces.set(isLeaf(piece) ? placeKey(place) : pieceKey(piece, piece.proof), nodes);
    if (isLeaf(piece)) {
      const { first, leaves } = this.single(piece);
      leaves.forEach((values, k) => this.leaves.set(placeKey(leafPlace({ index: piece.index, leaf: first + k })), { index: piece.index, leaf: first + k, values, proof: piece.level ? [] : piece.proof }));
    }
    for (const [key, hash] of nodes) this.nodes.set(key, hash);
  }

  /**
   * Takes nodes of one level of a tree, all from the left on (without padding), that are known to stand under the claim's root without
   * being shown on chain: of a published file whose root the caller has checked. Throws RangeError where the tree has no such level,
   * or another number of nodes there.
   */
  know(index: number, level: number, hashes: readonly Uint8Array[]): void {
    const count = index === ALL_MATRICES ? this.counts.length : this.counts[index];
    if (count === undefined || !isIn(count, { leaf: 0, level, depth: 0 })) throw new RangeError(`no level ${level} of tree ${index}`);
    const top = depthOf(count);
    climb({ count, level: top, place: 0, depth: top - level }, hashes, [], (at, leaf, hash) => {
      const key = keyOf({ index, level: at, leaf });
      this.published.set(key, hash);
      this.nodes.set(key, hash);
    });
  }

  /** The first false leaf, once its hash is known. */
  get falseLeaf(): FalseLeaf | undefined {
    const { index, level, leaf } = this.suspect(this.nodes);
    return index !== ALL_MATRICES && level === 0 && leaf < this.counts[index]! ? { index, leaf, hash: this.nodes.get(keyOf({ index, level, leaf }))! } : undefined;
  }

  /** The first false leaf, once it was shown. */
  get found(): ShownLeaf | undefined {
    const first = this.falseLeaf;
    return first && this.leaves.get(placeKey(leafPlace(first)));
  }

  /** Leaves among which the first false one is. */
  get left(): number {
    const { index, level, leaf } = this.suspect(this.nodes);
    const [from, end] = [leaf * 2 ** level, (leaf + 1) * 2 ** level];
    if (index === ALL_MATRICES) return this.counts.slice(from, end).reduce((sum, count) => sum + count, 0);
    return Math.max(0, Math.min(end, this.counts[index]!) - from);
  }

  /** What to demand next; nothing once the first false leaf was shown. */
  next(limits: SearchLimits = SEARCH_LIMITS): TracePlace[] {
    if (this.found) return [];
    const plan = this.planFor(limits);
    const nodes = new Map(this.published);
    const { cuts } = limits;
    let { rounds, gas } = limits;
    // Rounds that were gone through as planned count; what others demanded beside only brings the search further.
    // Each brings the search a level further down at least.
    for (let round = 0; round < 64; round++) {
      const planned = this.planned(plan, nodes, { rounds, gas, cuts, most: SEARCH_LIMITS.most });
      const shown = planned?.map((place) => this.shown(place));
      if (!shown?.every((one) => one !== undefined)) break;
      for (const one of shown) for (const [key, hash] of one) nodes.set(key, hash);
      [rounds, gas] = [Math.max(1, rounds - 1), gas - roundGas(this.counts, planned!)];
    }
    return this.planned(plan, this.nodes, { rounds, gas, cuts, most: limits.most }) ?? [];
  }

  /**
   * The node whose leaves are all that `places` ask for, where the first false leaf is below it for certain: what follows there can be
   * asserted instead. Undefined where more is asked for, or nodes.
   */
  lastNode(places: readonly TracePlace[]): Suspect | undefined {
    const [place, ...more] = places;
    if (!place || more.length || place.depth > 0) return undefined;
    const suspect = this.suspect(this.nodes);
    // Of a matrix that is false its top is, since its size is the program's.
    const top = suspect.index === ALL_MATRICES && suspect.level === 0 ? { index: suspect.leaf, level: depthOf(this.counts[suspect.leaf] ?? 0), leaf: 0 } : suspect;
    return keyOf(top) === keyOf(place) ? top : undefined;
  }

  /** Whether every sibling on a leaf's way to the root is known: then tree() proves it, and all before it. */
  proves({ index, leaf }: Pick<FalseLeaf, 'index' | 'leaf'>): boolean {
    const way = (tree: number, place: number) => Array.from({ length: this.own.of(tree).depth }, (_, level) => keyOf({ index: tree, level, leaf: Math.floor(place / 2 ** level) ^ 1 }));
    return [...way(index, leaf), ...way(ALL_MATRICES, index)].every((key) => this.nodes.has(key));
  }

  /** The claim's tree as far as it is known: hashes shown, and the own ones of what agrees. Right for the first false leaf and all before. */
  tree(): TraceTree {
    return new ShownTree(this.own, this.nodes);
  }

  private planFor({ places, asserts }: SearchLimits): SearchPlan {
    const key = `${places} ${asserts}`;
    const plan = this.plans.get(key) ?? new SearchPlan(this.counts, places, asserts);
    this.plans.set(key, plan);
    return plan;
  }

  private shown(place: TracePlace): ReadonlyMap<string, Uint8Array> | undefined {
    const key = pieceKey(place);
    if (place.depth !== CUT) return this.pieces.get(key);
    // Words behind the last node change nothing: asDemanded in chain/demand-places.ts.
    for (const [other, nodes] of this.pieces) if (other.startsWith(key)) return nodes;
    return undefined;
  }

  private planned(plan: SearchPlan, nodes: ReadonlyMap<string, Uint8Array>, limits: Omit<SearchLimits, 'places' | 'asserts'>): TracePlace[] | undefined {
    const suspect = this.suspect(nodes);
    const { index, level, leaf } = suspect;
    // Padding that differs: nobody can show the node above it, since what is shown of a node has none.
    if (leaf >= widthOf(this.own.of(index).count, level)) return [{ index, level: level + 1, leaf: leaf >> 1, depth: 1 }];
    if (level === 0 && index !== ALL_MATRICES && [this.leaves, this.pieces].some((shown) => shown.has(placeKey(leafPlace(suspect))))) return undefined;
    return plan.places(suspect, limits);
  }

  /** The lowest node that is known to be false and has nothing false before it. */
  private suspect(nodes: ReadonlyMap<string, Uint8Array>): Suspect {
    let at: Suspect = { index: ALL_MATRICES, level: this.own.of(ALL_MATRICES).depth, leaf: 0 };
    for (;;) {
      const { index, level, leaf } = at;
      if (level === 0) {
        if (index !== ALL_MATRICES || leaf >= this.counts.length) return at;
        const top = { index: leaf, level: depthOf(this.counts[leaf]!), leaf: 0 };
        if (!nodes.has(keyOf(top))) return at;
        at = top;
        continue;
      }
      const first = { index, level: level - 1, leaf: 2 * leaf };
      const hash = nodes.get(keyOf(first));
      if (!hash) return at;
      at = same(hash, this.own.of(index).node(level - 1, 2 * leaf)) ? { ...first, leaf: 2 * leaf + 1 } : first;
      if (at.leaf >= widthOf(this.own.of(index).count, at.level)) return at;
    }
  }

  private single(piece: ShownLeaves) {
    const tensor = this.own.tree.tensors[piece.index];
    if (!tensor) throw new RangeError(`no matrix ${piece.index}`);
    return singleLeaves(tensor, piece);
  }

  /** Nodes that follow from what was shown. Throws RangeError where they do not lead to the claim's root. */
  private climb({ index, leaf, level, depth }: TracePlace, piece: ShownPiece): Map<string, Uint8Array> {
    const [matrices, all] = [this.counts.length, index === ALL_MATRICES];
    const count = all ? matrices : this.counts[index];
    const words = `${level > 0 ? `node ${leaf} of level ${level}` : `leaf ${leaf}`} of ${all ? 'all matrices' : `instruction ${index}`}`;
    if (count === undefined || !isIn(count, { leaf, level, depth }) || (depth === CUT && !all)) throw new RangeError(`no ${words}`);
    const nodes = new Map<string, Uint8Array>();
    const visit = (tree: number) => (at: number, place: number, hash: Uint8Array) => void nodes.set(keyOf({ index: tree, level: at, leaf: place }), hash);
    const within = depthOf(count) - level;
    try {
      const cut = depth === CUT;
      const hashes = isLeaf(piece) ? this.single(piece).leaves.map(hashLeaf) : piece.hashes.map(fromHex);
      let top = cut ? climbCut(count, piece.proof, hashes, visit(index))
        : climb({ count, level, place: leaf, depth: isLeaf(piece) ? level : depth }, hashes, piece.proof.slice(0, within), visit(index));
      if (!all) {
        const matrix = fastKeccak256(LEAF, fastKeccak256(ROOT, uint256Bytes(count), top), shapeBytes(this.own.tree.tensors[index]!));
        top = climb({ count: matrices, level: 0, place: index, depth: 0 }, [matrix], piece.proof.slice(within), visit(ALL_MATRICES));
      } else if (!cut && piece.proof.length !== within) throw new RangeError('another length');
      if (toHex(fastKeccak256(ROOT, uint256Bytes(matrices), top)) === this.root) return nodes;
    } catch {
      // Said below.
    }
    throw new RangeError(`${words} does not stand under the claim’s root`);
  }
}

class ShownTree extends TraceTree {
  private readonly own: TraceNodes;
  private readonly shown: ReadonlyMap<string, Uint8Array>;

  constructor(own: TraceNodes, shown: ReadonlyMap<string, Uint8Array>) {
    super(own.tree.tensors);
    this.own = own;
    this.shown = shown;
  }

  override proof(index: number, leaf: number): Hex[] {
    const within = this.own.of(index).depth;
    return this.own.proof(leafPlace({ index, leaf })).map((own, k) => {
      const found = this.shown.get(k < within ? keyOf({ index, level: k, leaf: (leaf >> k) ^ 1 }) : keyOf({ index: ALL_MATRICES, level: k - within, leaf: (index >> (k - within)) ^ 1 }));
      return found ? toHex(found) : own;
    });
  }
}
