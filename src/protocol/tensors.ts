import { type Hex, fromHex, keccak256, toHex, utf8Bytes } from './bytes.ts';
import { fastKeccak256 } from './keccak/keccak.ts';
import { merkleRoot } from './merkle.ts';
import { MerkleStream } from './merkle-stream.ts';

export interface NamedRows {
  name: string;
  /** Rows × columns; a vector is one row. */
  rows: number;
  columns: number;
  values: Float32Array;
}

const LEAF = new Uint8Array([0]);

/**
 * Merkle root over tensors: one leaf per row, tensors in the given order, leaf data =
 * utf8(name) ‖ 0x00 ‖ uint32 row ‖ uint32 rows ‖ uint32 columns ‖ values, all little-endian.
 */
export function tensorsRoot(tensors: readonly NamedRows[]): Hex {
  const leaves: Uint8Array[] = [];
  for (const { name, rows, columns, values } of tensors) {
    if (values.length !== rows * columns) throw new RangeError(`${name}: ${values.length} values in ${rows} × ${columns}`);
    rowLeaves(name, rows, columns, 0, values, (leaf) => leaves.push(leaf));
  }
  return merkleRoot(leaves);
}

/**
 * The same root for tensors too large to be held: rows come in any order of tensors, in increasing order within one;
 * `root` takes the tensors in the order of their names (UTF-16 code units, as `sort` has it). 32 bytes a row are kept.
 */
export class TensorsRootStream {
  private readonly tensors = new Map<string, { rows: number; columns: number; done: number; leaves: Uint8Array }>();

  /** Declares a tensor, which is all that one without rows needs. */
  begin(name: string, rows: number, columns: number): void {
    if (this.tensors.has(name)) throw new RangeError(`${name} comes twice`);
    this.tensors.set(name, { rows, columns, done: 0, leaves: new Uint8Array(rows * 32) });
  }

  /** The next rows of a tensor. */
  add(name: string, values: Float32Array): void {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new RangeError(`${name} was not begun`);
    const rows = tensor.columns ? values.length / tensor.columns : 0;
    if (!Number.isInteger(rows) || tensor.done + rows > tensor.rows) throw new RangeError(`${name}: ${values.length} values are no rows of ${tensor.columns}`);
    rowLeaves(name, tensor.rows, tensor.columns, tensor.done, values, (leaf, row) => tensor.leaves.set(leaf, row * 32));
    tensor.done += rows;
  }

  root(): Hex {
    const stream = new MerkleStream();
    for (const name of [...this.tensors.keys()].sort()) {
      const { rows, done, leaves } = this.tensors.get(name)!;
      if (done !== rows) throw new RangeError(`${name}: ${done} of ${rows} rows`);
      for (let row = 0; row < rows; row++) stream.add(leaves.subarray(row * 32, row * 32 + 32));
    }
    return stream.root();
  }
}

/**
 * Root of a base whose weights were rounded when they were loaded: what is computed with follows from the files and
 * the name of the rounding, and differs from the files' own root, so an adapter or receipt cannot be taken for one of
 * the unrounded base. = keccak256(0x03 ‖ utf8("openledger/rounded-base/1") ‖ 0x00 ‖ utf8(format) ‖ 0x00 ‖ root of the files).
 */
export function roundedBaseRoot(fileRoot: Hex, format: string): Hex {
  return toHex(keccak256(new Uint8Array([3]), utf8Bytes(`openledger/rounded-base/1\0${format}\0`), fromHex(fileRoot)));
}

/** Calls `take` with the leaf hash of each of the rows that begin at `from`. */
function rowLeaves(name: string, rows: number, columns: number, from: number, values: Float32Array, take: (leaf: Uint8Array, row: number) => void): void {
  const head = utf8Bytes(`${name}\0`);
  const bytes = littleEndian(values);
  const place = new Uint8Array(12);
  const view = new DataView(place.buffer);
  view.setUint32(4, rows, true);
  view.setUint32(8, columns, true);
  const count = columns ? values.length / columns : rows;
  for (let i = 0; i < count; i++) {
    view.setUint32(0, from + i, true);
    take(fastKeccak256(LEAF, head, place, bytes.subarray(i * columns * 4, (i + 1) * columns * 4)), from + i);
  }
}

function littleEndian(values: Float32Array): Uint8Array {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new DataView(new ArrayBuffer(values.byteLength));
  values.forEach((value, i) => out.setFloat32(i * 4, value, true));
  return new Uint8Array(out.buffer);
}
