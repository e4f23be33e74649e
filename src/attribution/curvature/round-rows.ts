import { HUGE, OPERAND_TINY, add, div, mul } from '../../arithmetic/rf32.ts';
import type { Backend } from '../../kernels/backend.ts';
import { bfloat16Bits, bfloat16Value } from '../../kernels/matrix/float16.ts';
import { GROUP, codeWords, scaleWords } from '../../kernels/matrix/format.ts';
import type { Matrix } from '../../kernels/matrix/matrix.ts';
import { outOfRange } from '../../kernels/range-error.ts';
import { ROW_FORMAT } from './settings.ts';

// The 4 bits of a ledger's rows, in RF32. Weights are rounded otherwise (kernels/matrix/quantise.ts tries several scales and
// keeps the one with the least error, in float64): a row's group has one scale that its greatest number gives, so that a
// contract can say what any one number of the ledger is from 32 others. The format, q4, is the same.

/** A group whose greatest magnitude is below this becomes zeros: its scale stays clear of 2^-50. */
const LEAST = OPERAND_TINY * 256;

/** As q4 holds rows (kernels/matrix/format.ts): words of eight codes, words of two scales, row after row. */
export interface RoundedRows {
  codes: Uint32Array;
  scales: Uint32Array;
}

/**
 * Rounds rows of `columns` numbers. In a group of 32 columns, e the first number of greatest magnitude:
 *   scale = e / −8 as the nearest bfloat16, ties to even;   code = ⌊x · (1/scale) + 8.5⌋ − 8, from −8 to 7.
 * The number is then code · scale, exactly. Throws `rf32/out-of-range` where one is NaN or beyond 2^50.
 */
export function roundRows(values: Float32Array, columns: number): RoundedRows {
  const rows = columns ? values.length / columns : 0;
  const [words, pairs] = [codeWords(ROW_FORMAT, columns), scaleWords(ROW_FORMAT, columns)];
  const codes = new Uint32Array(rows * words);
  const scales = new Uint32Array(rows * pairs);
  for (let row = 0; row < rows; row++) {
    for (let from = 0; from < columns; from += GROUP) {
      const first = row * columns + from;
      const group = values.subarray(first, first + Math.min(GROUP, columns - from));
      const bits = scaleBits(group);
      if (!bits) continue;
      const inverse = div(1, bfloat16Value(bits));
      const g = from / GROUP;
      scales[row * pairs + (g >> 1)]! |= bits << (16 * (g & 1));
      for (let i = 0; i < group.length; i++) codes[row * words + ((from + i) >> 3)]! |= (codeOf(group[i]!, inverse) & 15) << (4 * (i & 7));
    }
  }
  return { codes, scales };
}

/** Bits of a group's bfloat16 scale; 0 for a group of zeros. */
function scaleBits(group: Float32Array): number {
  let extreme = 0;
  for (const value of group) {
    if (!(Math.abs(value) <= HUGE)) throw outOfRange('ledger.rows', 'rounding');
    if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  }
  return Math.abs(extreme) < LEAST ? 0 : bfloat16Bits(div(extreme, -8));
}

const codeOf = (x: number, inverse: number): number => Math.min(Math.max(Math.floor(add(mul(x, inverse), 8.5)), 0), 15) - 8;

/** Writes rounded rows to a matrix of ROW_FORMAT, from row `first` on. */
export function writeRounded(backend: Backend, matrix: Matrix, first: number, { codes, scales }: RoundedRows): void {
  const [words, pairs] = [codeWords(ROW_FORMAT, matrix.columns), scaleWords(ROW_FORMAT, matrix.columns)];
  const end = first + (words ? codes.length / words : 0);
  for (const part of matrix.parts) {
    const [from, to] = [Math.max(first, part.from), Math.min(end, part.from + part.rows)];
    if (from >= to) continue;
    backend.write(part.codes, (from - part.from) * words, codes.subarray((from - first) * words, (to - first) * words));
    backend.write(part.scales!, (from - part.from) * pairs, scales.subarray((from - first) * pairs, (to - first) * pairs));
  }
}
