import { bitsOf } from '../../arithmetic/rf32.ts';
import type { Backend, Tensor } from '../backend.ts';
import { floats, words } from '../case.ts';
import { Scope } from '../scope.ts';
import { FORMATS, type Format } from './format.ts';
import { createMatrix, freeMatrix, gatherRows, matrixNN, matrixNT, writeRows } from './matrix.ts';

/** Bytes at which the test matrix of 700 × 130 has three parts in most formats, in f32 too. */
export const SMALL_BINDING: Readonly<Record<Format, number>> = { f32: 136_000, f16: 68_000, bf16: 68_000, q8: 41_000, q4: 20_500 };

/**
 * Products and rows of a matrix that is split (a backend that allows `SMALL_BINDING[format]` bytes) against the same
 * matrix in one piece, written in other portions: what differs, in words.
 */
export async function splitChecks(format: Format, whole: Backend, small: Backend): Promise<string[]> {
  const [rows, columns, n] = [700, 130, 5];
  const values = floats('normal', rows * columns, 7, 1);
  const x = floats('edge', n * columns, 7, 2);
  const dy = floats('edge', n * rows, 7, 3);
  // The first row of dx: 2^-92 (1 + 2^-23) − 2^-92 + 2^-92. What the first part hands on, 2^-115, must not be flushed.
  for (const row of [3, 4, 699]) values.fill(2 ** -42, row * columns, (row + 1) * columns);
  dy.fill(0, 0, rows);
  dy[3] = 2 ** -50 * (1 + 2 ** -23);
  dy[4] = -(2 ** -50);
  dy[699] = 2 ** -50;
  const ids = words(24, rows + 3, 7, 4);
  const compute = async (backend: Backend, portion: number): Promise<{ parts: number; outputs: Float32Array[] }> => {
    const scope = new Scope(backend);
    const matrix = createMatrix(backend, 'W', rows, columns, format);
    try {
      for (let from = 0; from < rows; from += portion) {
        writeRows(backend, matrix, from, values.subarray(from * columns, Math.min(from + portion, rows) * columns));
      }
      const outputs: Tensor[] = [
        matrixNT(scope, 'y', scope.upload('x', [n, columns], x), matrix),
        matrixNN(scope, 'dx', scope.upload('dy', [n, rows], dy), matrix),
        gatherRows(scope, 'rows', matrix, scope.upload('ids', [ids.length], ids)),
      ];
      const read: Float32Array[] = [];
      for (const output of outputs) read.push((await backend.read(output)) as Float32Array);
      return { parts: matrix.parts.length, outputs: read };
    } finally {
      scope.release();
      freeMatrix(backend, matrix);
    }
  };
  const expected = await compute(whole, rows);
  const actual = await compute(small, 97);
  const wrong: string[] = [];
  // float16 has no 2^-42, q8 something near it.
  if (format !== 'f16' && format !== 'q8' && expected.outputs[1]![0] !== 2 ** -92 + 2 ** -115) wrong.push(`${format}: dx[0] is ${expected.outputs[1]![0]}`);
  if (expected.parts !== 1) wrong.push(`${format}: one piece was expected, not ${expected.parts}`);
  if (actual.parts < 3) wrong.push(`${format}: three parts were expected, not ${actual.parts}`);
  ['NT', 'NN', 'gather'].forEach((what, which) => {
    const [a, b] = [expected.outputs[which]!, actual.outputs[which]!];
    const at = a.findIndex((value, i) => bitsOf(value) !== bitsOf(b[i]!));
    if (at >= 0 || a.length !== b.length) wrong.push(`${format} ${what}[${at}]: ${a[at]} in one piece, ${b[at]} in parts`);
  });
  return wrong;
}

/** All formats. `open` makes a backend with a limit. */
export async function allSplitChecks(open: (maxBinding: number | undefined) => Promise<Backend>): Promise<string[]> {
  const whole = await open(undefined);
  const wrong: string[] = [];
  for (const format of FORMATS) {
    const small = await open(SMALL_BINDING[format]);
    wrong.push(...(await splitChecks(format, whole, small)));
    if (small.memory().bytes !== 0) wrong.push(`${format}: ${small.memory().bytes} bytes were not freed`);
    small.destroy();
  }
  whole.destroy();
  return wrong;
}
