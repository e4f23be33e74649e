import { type Hex, keccak256, utf8Bytes } from './bytes.ts';
import { merkleRoot } from './merkle.ts';

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
    const head = utf8Bytes(`${name}\0`);
    const bytes = littleEndian(values);
    for (let row = 0; row < rows; row++) {
      const place = new Uint8Array(12);
      const view = new DataView(place.buffer);
      view.setUint32(0, row, true);
      view.setUint32(4, rows, true);
      view.setUint32(8, columns, true);
      leaves.push(keccak256(LEAF, head, place, bytes.subarray(row * columns * 4, (row + 1) * columns * 4)));
    }
  }
  return merkleRoot(leaves);
}

function littleEndian(values: Float32Array): Uint8Array {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const out = new DataView(new ArrayBuffer(values.byteLength));
  values.forEach((value, i) => out.setFloat32(i * 4, value, true));
  return new Uint8Array(out.buffer);
}
