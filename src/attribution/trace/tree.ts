import { type Hex, concat, fromHex } from '../../protocol/bytes.ts';
import { fastKeccak256 } from '../../protocol/keccak/keccak.ts';
import { merkleProof, merkleRoot } from '../../protocol/merkle.ts';
import { MerkleStream } from '../../protocol/merkle-stream.ts';
import { PIECE } from './instruction.ts';
import type { Matrix } from './run.ts';

/**
 * How a matrix is cut into leaves of at most PIECE values: as many whole rows as fit, or pieces of one row.
 *   leaf        = keccak256(0x00 ‖ values, float32 little-endian)
 *   tensor root = merkle root of its leaves, in order
 *   trace leaf  = keccak256(0x00 ‖ tensor root ‖ uint32 rows ‖ uint32 columns, big-endian)
 *   trace root  = merkle root of all tensors, in program order (protocol/merkle.ts)
 */
export interface Cut {
  /** Whole rows a leaf holds; 1 where a row is cut itself. */
  rows: number;
  /** Leaves a row is cut into; 1 where rows are whole. */
  pieces: number;
  /** Leaves in all. */
  count: number;
}

export function cutOf(rows: number, columns: number): Cut {
  const whole = Math.max(1, Math.floor(PIECE / Math.max(columns, 1)));
  const pieces = Math.max(1, Math.ceil(columns / PIECE));
  return { rows: whole, pieces, count: pieces > 1 ? rows * pieces : Math.ceil(rows / whole) };
}

/** The leaf that holds element (i, j), and where in it. */
export function leafAt(columns: number, { rows, pieces }: Pick<Cut, 'rows' | 'pieces'>, i: number, j: number): { leaf: number; offset: number } {
  return pieces > 1 ? { leaf: i * pieces + Math.floor(j / PIECE), offset: j % PIECE } : { leaf: Math.floor(i / rows), offset: (i % rows) * columns + j };
}

/** Values of a leaf, and the place of its first in the matrix. */
export function leafValues({ rows, columns, values }: Matrix, leaf: number): { first: number; values: Float32Array } {
  const cut = cutOf(rows, columns);
  const [first, end] = cut.pieces > 1
    ? [Math.floor(leaf / cut.pieces) * columns + (leaf % cut.pieces) * PIECE, Math.floor(leaf / cut.pieces) * columns + Math.min(columns, ((leaf % cut.pieces) + 1) * PIECE)]
    : [leaf * cut.rows * columns, Math.min(rows, (leaf + 1) * cut.rows) * columns];
  return { first, values: values.subarray(first, end) };
}

const LEAF = Uint8Array.of(0);
const HASH = 32;

/** Little-endian bytes of float32 values; a view of them where the machine is little-endian, as all that run this are. */
export function floatBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

export function hashLeaf(values: Float32Array): Uint8Array {
  return fastKeccak256(LEAF, floatBytes(values));
}

/** All leaf hashes of a matrix, end to end. */
export function leafHashes(matrix: Matrix): Uint8Array {
  const { count } = cutOf(matrix.rows, matrix.columns);
  const out = new Uint8Array(count * HASH);
  for (let leaf = 0; leaf < count; leaf++) out.set(hashLeaf(leafValues(matrix, leaf).values), leaf * HASH);
  return out;
}

export interface Shape {
  rows: number;
  columns: number;
}

export interface Tensor extends Shape {
  /** Its leaf hashes, end to end. */
  leaves: Uint8Array;
  root: Uint8Array;
}

export function tensorOf(rows: number, columns: number, leaves: Uint8Array): Tensor {
  const stream = new MerkleStream();
  for (let at = 0; at < leaves.length; at += HASH) stream.add(leaves.subarray(at, at + HASH));
  return { rows, columns, leaves, root: fromHex(stream.root()) };
}

const words = (...values: number[]) => {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setUint32(4 * i, value));
  return new Uint8Array(view.buffer);
};

/** A matrix's leaf in the tree over all matrices. */
export const matrixLeaf = ({ root, rows, columns }: Pick<Tensor, 'root' | 'rows' | 'columns'>): Uint8Array => fastKeccak256(LEAF, root, words(rows, columns));

/** A commitment to matrices, and proofs of what stands in it. */
export class TraceTree {
  readonly tensors: readonly Tensor[];
  readonly root: Hex;
  private readonly tops: Uint8Array[];

  constructor(tensors: readonly Tensor[]) {
    this.tensors = tensors;
    this.tops = tensors.map(matrixLeaf);
    this.root = merkleRoot(this.tops);
  }

  static of(matrices: readonly Matrix[]): TraceTree {
    return new TraceTree(matrices.map((matrix) => tensorOf(matrix.rows, matrix.columns, leafHashes(matrix))));
  }

  /** Of the hashes that it holds. */
  get byteLength(): number {
    return this.tensors.reduce((sum, { leaves }) => sum + leaves.length, 0);
  }

  /** Siblings within the tensor, then of the tensor in the trace. */
  proof(tensor: number, leaf: number): Hex[] {
    const { leaves } = this.tensors[tensor]!;
    const split = Array.from({ length: leaves.length / HASH }, (_, k) => leaves.subarray(k * HASH, (k + 1) * HASH));
    return [...merkleProof(split, leaf), ...merkleProof(this.tops, tensor)];
  }

  /** The leaf hashes of all tensors, end to end: what is published of a trace with a claim, unless they are too many (published.ts). */
  bytes(): Uint8Array {
    return concat(...this.tensors.map(({ leaves }) => leaves));
  }
}
