import { BLOCK } from '../../arithmetic/rf32.ts';
import { OpenLedgerError } from '../../errors.ts';
import type { Backend, Tensor } from '../backend.ts';
import { addTensors } from '../elementwise/operation.ts';
import type { Scope } from '../scope.ts';
import { encodeRows } from './encode.ts';
import { type Format, codeWords, hasScales, scaleWords } from './format.ts';
import { finishTotals, matrixOperations, placeColumns } from './operation.ts';

export { type Format, matrixBytes } from './format.ts';

/** A weight matrix [rows, columns] on a backend, its rows split where one tensor would be greater than a binding may be. */
export interface Matrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly format: Format;
  /** In order; every part but the last has a multiple of 256 rows, so that no block of a sum is torn. */
  readonly parts: readonly MatrixPart[];
}

export interface MatrixPart {
  readonly from: number;
  readonly rows: number;
  readonly codes: Tensor;
  readonly scales: Tensor | undefined;
}

/**
 * A matrix of zeros, to be filled by `writeRows`. `constant`: written once and then only read, so that a backend may
 * keep a faster form. Throws `weights/row-too-large` where 256 rows pass what the device lets one tensor have.
 */
export function createMatrix(backend: Backend, name: string, rows: number, columns: number, format: Format, constant = true): Matrix {
  const words = codeWords(format, columns);
  const fitting = Math.floor(backend.maxBinding / (4 * Math.max(words, scaleWords(format, columns), 1)));
  const atOnce = rows <= fitting ? rows : Math.floor(fitting / BLOCK) * BLOCK;
  if (rows > 0 && atOnce === 0) {
    throw new OpenLedgerError({
      code: 'weights/row-too-large',
      what: `The weight "${name}" is too wide for this graphics processor.`,
      why: `${BLOCK} of its rows take ${Math.ceil((BLOCK * words * 4) / 2 ** 20)} MiB; one tensor may have ${(backend.maxBinding / 2 ** 20).toFixed(1)} MiB.`,
      next: 'Use a smaller weight format or model, or choose the CPU.',
    });
  }
  const parts: MatrixPart[] = [];
  for (let from = 0; from < rows || parts.length === 0; from += atOnce) {
    const count = Math.min(atOnce, rows - from);
    const label = count === rows ? name : `${name} rows ${from} to ${from + count - 1}`;
    parts.push({
      from, rows: count,
      codes: backend.create(label, [count, words], format === 'f32' ? 'f32' : 'u32', constant),
      scales: hasScales(format) ? backend.create(`${label} scales`, [count, scaleWords(format, columns)], 'u32', constant) : undefined,
    });
    if (count === rows) break;
  }
  return { name, rows, columns, format, parts };
}

/**
 * Writes whole rows from row `from` on, encoded in the matrix's format (rounded or quantised row by row: pieces of any
 * height give the same matrix). Throws RangeError for a wrong place, and what `encodeRows` throws.
 */
export function writeRows(backend: Backend, matrix: Matrix, from: number, values: Float32Array): void {
  const { name, columns, format } = matrix;
  const count = values.length / Math.max(columns, 1);
  if (!Number.isInteger(count) || !(Number.isInteger(from) && from >= 0 && from + count <= matrix.rows)) {
    throw new RangeError(`${name}: ${values.length} values at row ${from} do not fit [${matrix.rows},${columns}]`);
  }
  for (const part of matrix.parts) {
    const first = Math.max(from, part.from);
    const end = Math.min(from + count, part.from + part.rows);
    if (first >= end) continue;
    const { codes, scales } = encodeRows(name, format, values.subarray((first - from) * columns, (end - from) * columns), columns, first);
    backend.write(part.codes, (first - part.from) * codeWords(format, columns), codes);
    if (scales) backend.write(part.scales!, (first - part.from) * scaleWords(format, columns), scales);
  }
}

export function freeMatrix(backend: Backend, matrix: Matrix): void {
  for (const { codes, scales } of matrix.parts) {
    backend.free(codes);
    if (scales) backend.free(scales);
  }
}

const tensorsOf = ({ codes, scales }: MatrixPart): Tensor[] => (scales ? [codes, scales] : [codes]);

/** y[N,rows] = x[N,columns] Wᵀ: a linear layer. */
export function matrixNT(scope: Scope, name: string, x: Tensor, matrix: Matrix): Tensor {
  const { nt } = matrixOperations[matrix.format];
  if (matrix.parts.length === 1) return scope.one(nt, name, [x, ...tensorsOf(matrix.parts[0]!)]);
  const y = scope.create(name, [x.shape[0]!, matrix.rows], 'f32');
  for (const part of matrix.parts) {
    const columns = scope.one(nt, name, [x, ...tensorsOf(part)]);
    scope.one(placeColumns, name, [y, columns], { at: part.from });
    scope.free(columns);
  }
  return y;
}

/** dx[N,columns] = dy[N,rows] W: the gradient of a linear layer's input. Block sums run on over the parts. */
export function matrixNN(scope: Scope, name: string, dy: Tensor, matrix: Matrix): Tensor {
  const { columns, parts, format } = matrix;
  const { nn, nnPart } = matrixOperations[format];
  if (parts.length === 1) return scope.one(nn, name, [dy, ...tensorsOf(parts[0]!)], { columns });
  const totals = scope.create(name, [dy.shape[0]!, columns], 'u32');
  for (const part of parts) scope.one(nnPart, name, [dy, ...tensorsOf(part), totals], { columns, from: part.from });
  const dx = scope.one(finishTotals, name, [totals]);
  scope.free(totals);
  return dx;
}

/** y[N,columns] = rows of the matrix by their ids; an id of `rows` or more gives zeros. */
export function gatherRows(scope: Scope, name: string, matrix: Matrix, ids: Tensor): Tensor {
  const { columns, parts, format } = matrix;
  const { gather } = matrixOperations[format];
  const from = (part: MatrixPart) => scope.one(gather, name, [...tensorsOf(part), ids], { columns, from: part.from });
  // Only one part has an id's row; adding the others' zeros changes no bit.
  return parts.slice(1).reduce((sum, part) => {
    const [before, more] = [sum, from(part)];
    const both = scope.one(addTensors, name, [before, more]);
    scope.free(before, more);
    return both;
  }, from(parts[0]!));
}
