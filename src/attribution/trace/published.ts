import { type Hex, concat, uint256Bytes } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { merkleRoot } from '../../protocol/merkle.ts';
import type { NodeSearch } from './node-search.ts';
import { ALL_MATRICES } from './trace-nodes.ts';
import { type Shape, TraceTree, cutOf, matrixLeaf, tensorOf } from './tree.ts';
import { TreeNodes, climb, depthOf, widthOf } from './tree-nodes.ts';

/**
 * What is published of a trace with a claim: of every matrix, in program order, the nodes of one level of its tree from left to right,
 * without padding; of a matrix with fewer levels its top. Level 0 are all leaf hashes. The level is the least of which the file has at
 * most PUBLISHED_BYTES, so a reader who knows the matrices' sizes tells it from the file's length: every level less has more nodes.
 */
export const PUBLISHED_BYTES = 4_000_000;
/** What readers take: a claim's own file may be of a lower level than it had to be. */
export const MOST_PUBLISHED_BYTES = 2 * PUBLISHED_BYTES;

const HASH = 32;
const ROOT = Uint8Array.of(2);

const countOf = ({ rows, columns }: Shape) => cutOf(rows, columns).count;
const levelIn = (count: number, level: number) => Math.min(level, depthOf(count));
const bytesAt = (counts: readonly number[], level: number) => counts.reduce((sum, count) => sum + widthOf(count, levelIn(count, level)) * HASH, 0);
/** Bytes of the file. */
export const publishedSize = (shapes: readonly Shape[], level: number): number => bytesAt(shapes.map(countOf), level);
const deepest = (counts: readonly number[]) => counts.reduce((most, count) => Math.max(most, depthOf(count)), 0);

/** The level that is published of a trace with these matrices; the tops alone where even they are more than `most` bytes. */
export function publishedLevel(shapes: readonly Shape[], most = PUBLISHED_BYTES): number {
  const counts = shapes.map(countOf);
  const last = deepest(counts);
  for (let level = 0; level < last; level++) if (bytesAt(counts, level) <= most) return level;
  return last;
}

/** One matrix of a published trace. */
export interface PublishedMatrix extends Shape {
  /** Of its nodes: the trace's level, or that of its top. */
  level: number;
  /** End to end. */
  nodes: Uint8Array;
  root: Uint8Array;
}

/** @param leaves all leaf hashes of the matrix, end to end */
export function publishedMatrix({ rows, columns }: Shape, leaves: Uint8Array, traceLevel: number): PublishedMatrix {
  if (traceLevel === 0) return { rows, columns, level: 0, nodes: leaves, root: tensorOf(rows, columns, leaves).root };
  const tree = new TreeNodes(leaves);
  const level = levelIn(tree.count, traceLevel);
  const nodes = new Uint8Array(widthOf(tree.count, level) * HASH);
  for (let k = 0; k * HASH < nodes.length; k++) nodes.set(tree.node(level, k), k * HASH);
  return { rows, columns, level, nodes, root: rootOver(tree.count, tree.node(tree.depth, 0)) };
}

/** A trace as far as it is published. */
export class PublishedTrace {
  readonly level: number;
  readonly matrices: readonly PublishedMatrix[];
  readonly root: Hex;
  private readonly tops: Uint8Array[];

  constructor(level: number, matrices: readonly PublishedMatrix[]) {
    this.level = level;
    this.matrices = matrices;
    this.tops = matrices.map(matrixLeaf);
    this.root = merkleRoot(this.tops);
  }

  static of({ tensors }: TraceTree, most = PUBLISHED_BYTES): PublishedTrace {
    const level = publishedLevel(tensors, most);
    return new PublishedTrace(level, tensors.map((tensor) => publishedMatrix(tensor, tensor.leaves, level)));
  }

  /** The file. */
  bytes(): Uint8Array {
    return concat(...this.matrices.map(({ nodes }) => nodes));
  }

  /** All leaf hashes, where they are what was published. */
  get tree(): TraceTree | undefined {
    return this.level > 0 ? undefined : new TraceTree(this.matrices.map(({ rows, columns, nodes, root }) => ({ rows, columns, leaves: nodes, root })));
  }

  /** The first published node of a matrix that is not as its leaf hashes are here: all leaves before those under it agree. Undefined where the matrix is right. */
  firstFalse(index: number, root: Uint8Array, leaves: Uint8Array): number | undefined {
    const { level, nodes, root: claimed } = this.matrices[index]!;
    if (same(root, claimed)) return undefined;
    const own = new TreeNodes(leaves);
    for (let k = 0; k * HASH < nodes.length; k++) if (!same(own.node(level, k), nodes.subarray(k * HASH, (k + 1) * HASH))) return k;
    return undefined;
  }

  /** Tells a search through the trace what need not be demanded. @param own the trace as it is computed here, of the same sizes */
  tell(search: NodeSearch, own: TraceTree): void {
    search.know(ALL_MATRICES, 0, this.tops);
    const index = this.matrices.findIndex(({ root }, k) => !same(root, own.tensors[k]!.root));
    const matrix = this.matrices[index];
    if (matrix) search.know(index, matrix.level, hashesOf(matrix.nodes));
  }
}

/**
 * Reads what was published for a claim; shapes follow from the program and the numbers of tokens. Undefined where it has another length
 * than any level or another root: then nothing of it can be used, and everything is demanded on chain.
 */
export function readPublished(bytes: Uint8Array, shapes: readonly Shape[], root: Hex): PublishedTrace | undefined {
  const counts = shapes.map(countOf);
  const level = Array.from({ length: deepest(counts) + 1 }, (_, k) => k).find((k) => bytesAt(counts, k) === bytes.length);
  if (level === undefined) return undefined;
  let at = 0;
  const trace = new PublishedTrace(level, shapes.map(({ rows, columns }, k) => {
    const count = counts[k]!;
    const here = levelIn(count, level);
    const nodes = bytes.subarray(at, at + widthOf(count, here) * HASH);
    at += nodes.length;
    return { rows, columns, level: here, nodes, root: rootOver(count, topOf(count, here, nodes)) };
  }));
  return trace.root === root ? trace : undefined;
}

const rootOver = (count: number, top: Uint8Array) => fastKeccak256(ROOT, uint256Bytes(count), top);
const topOf = (count: number, level: number, nodes: Uint8Array) => climb({ count, level: depthOf(count), place: 0, depth: depthOf(count) - level }, hashesOf(nodes), [], () => undefined);
const hashesOf = (nodes: Uint8Array) => Array.from({ length: nodes.length / HASH }, (_, k) => nodes.subarray(k * HASH, (k + 1) * HASH));
const same = (a: Uint8Array, b: Uint8Array) => a.every((byte, k) => byte === b[k]);
