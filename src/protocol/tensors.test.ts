import { expect, it } from 'vitest';
import { keccak256 } from './bytes.ts';
import { merkleRoot } from './merkle.ts';
import { MerkleStream } from './merkle-stream.ts';
import { type NamedRows, TensorsRootStream, roundedBaseRoot, tensorsRoot } from './tensors.ts';

it('a Merkle tree grown leaf by leaf has the root of the whole list', () => {
  const leaves = Array.from({ length: 70 }, (_, i) => keccak256(Uint8Array.of(i)));
  for (let count = 0; count <= leaves.length; count++) {
    const stream = new MerkleStream();
    for (const leaf of leaves.slice(0, count)) stream.add(leaf);
    expect(stream.root(), `${count} leaves`).toBe(merkleRoot(leaves.slice(0, count)));
  }
});

const tensors: NamedRows[] = [['a', 3, 4], ['b', 1, 5], ['empty', 0, 0], ['Ä', 7, 1], ['a.b', 2, 2]].map(([name, rows, columns]) => ({
  name: name as string, rows: rows as number, columns: columns as number,
  values: Float32Array.from({ length: (rows as number) * (columns as number) }, (_, i) => Math.sin(i) * (rows as number)),
}));
const sorted = [...tensors].sort((x, y) => (x.name < y.name ? -1 : 1));

it('rows of tensors in any order, in pieces, give the root of the tensors in the order of their names', () => {
  const stream = new TensorsRootStream();
  for (const { name, rows, columns, values } of [...tensors].reverse()) {
    stream.begin(name, rows, columns);
    for (let row = 0; row < rows; row += 2) stream.add(name, values.subarray(row * columns, Math.min(row + 2, rows) * columns));
  }
  expect(stream.root()).toBe(tensorsRoot(sorted));
  // The value that receipts hold: it must not change.
  expect(tensorsRoot(sorted)).toMatchInlineSnapshot(`"0x0485feee60b30bc163e65efcc2de84374f4224f21f66131fa3e4f8f583d79dc7"`);
});

it('rows that are missing, too many or of another width are mistakes', () => {
  const stream = new TensorsRootStream();
  stream.begin('a', 2, 3);
  stream.add('a', new Float32Array(3));
  expect(() => stream.root()).toThrow('1 of 2 rows');
  expect(() => stream.add('a', new Float32Array(4))).toThrow(RangeError);
  expect(() => stream.add('a', new Float32Array(6))).toThrow(RangeError);
  expect(() => stream.begin('a', 2, 3)).toThrow(RangeError);
});

it('a rounded base has a root of its own for every rounding', () => {
  const root = tensorsRoot(sorted);
  expect(new Set([root, roundedBaseRoot(root, 'q4'), roundedBaseRoot(root, 'q8'), roundedBaseRoot(tensorsRoot([]), 'q4')]).size).toBe(4);
});
