import { type Hex, concat, keccak256, toHex } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import type { Tensor, TraceTree } from './tree.ts';
import { TreeNodes, cutNodes, depthOf, widthOf } from './tree-nodes.ts';

/** In place of a matrix's index: the tree over all matrices of a trace (Games.ALL in contracts/src/Games.sol). */
export const ALL_MATRICES = 0xffffffff;
/** Most levels between a node and what is shown of it: Games.MOST_DEPTH. */
export const MOST_DEPTH = 11;

/** Most leaves below a node that are shown at once are those of this level: Games.MOST_RANGE. */
export const MOST_RANGE = 6;
/** In place of a depth: a cut of the tree over all matrices, Nodes.CUT in contracts/src/libraries/Nodes.sol. */
export const CUT = 255;

/**
 * A place of a trace that its maker can be made to show, as Place in contracts/src/interfaces/IGames.sol: the leaves below the node at
 * `level` above the leaves and position `leaf` (depth 0), or the nodes `depth` levels below it. Of a cut (depth CUT) `leaf` is the end
 * of its hash.
 */
export interface TracePlace {
  /** Which matrix; ALL_MATRICES for the tree over all of them. */
  index: number;
  leaf: number;
  level: number;
  depth: number;
  /** Of a cut: the level of each node, a byte each, 32 in a word. */
  levels?: readonly Hex[];
}

/** Nodes of these levels, from left to right over the tree over all matrices; as NodesOpening in IGames.sol says. */
export function cutPlace(levels: readonly number[]): TracePlace {
  const bytes = new Uint8Array(Math.ceil(levels.length / 32) * 32).fill(0xff);
  bytes.set(levels);
  const words = Array.from({ length: bytes.length / 32 }, (_, k) => toHex(bytes.subarray(32 * k, 32 * k + 32)));
  return { index: ALL_MATRICES, leaf: new DataView(keccak256(bytes).buffer).getUint32(28), level: 0, depth: CUT, levels: words };
}

export const leafPlace = ({ index, leaf }: { index: number; leaf: number }): TracePlace => ({ index, leaf, level: 0, depth: 0 });

/** Whether a tree of `count` leaves has such a node, or such a leaf. */
export function isIn(count: number, { leaf, level, depth }: Pick<TracePlace, 'leaf' | 'level' | 'depth'>): boolean {
  // Every cut is one of every tree.
  return depth === CUT || level >= 0 && level <= depthOf(count) && depth >= 0 && depth <= level && leaf >= 0 && leaf < widthOf(count, level);
}

/** uint32 rows ‖ uint32 columns, as the leaves of the tree over all matrices end. */
export function shapeBytes({ rows, columns }: Pick<Tensor, 'rows' | 'columns'>): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, rows);
  view.setUint32(4, columns);
  return new Uint8Array(view.buffer);
}

const LEAF = Uint8Array.of(0);

/** The nodes of all trees of a trace; of each matrix when they are first asked for. */
export class TraceNodes {
  readonly tree: TraceTree;
  readonly all: TreeNodes;
  private readonly known = new Map<number, TreeNodes>();

  constructor(tree: TraceTree) {
    this.tree = tree;
    this.all = new TreeNodes(concat(...tree.tensors.map((tensor) => fastKeccak256(LEAF, tensor.root, shapeBytes(tensor)))));
  }

  /** Throws RangeError where there is no such matrix. */
  of(index: number): TreeNodes {
    if (index === ALL_MATRICES) return this.all;
    let nodes = this.known.get(index);
    if (!nodes) {
      const tensor = this.tree.tensors[index];
      if (!tensor) throw new RangeError(`no matrix ${index}`);
      this.known.set(index, (nodes = new TreeNodes(tensor.leaves)));
    }
    return nodes;
  }

  /** Siblings of a leaf or a node within its tree, then of its matrix in the trace. */
  proof({ index, level, leaf }: Omit<TracePlace, 'depth'>): Hex[] {
    return [...this.of(index).siblings(level, leaf), ...(index === ALL_MATRICES ? [] : this.all.siblings(0, index))];
  }

  /** What answers a demand for nodes: NodesOpening in IGames.sol. */
  opening(place: TracePlace) {
    const { index, leaf, level, depth, levels } = place;
    if (levels) return { leaf, level, depth, hashes: cutNodes(this.all.count, levels).map((at) => toHex(this.all.node(at.level, at.place))), proof: [...levels] };
    return { leaf, level, depth, hashes: this.of(index).below(level, leaf, depth), proof: this.proof(place) };
  }
}
