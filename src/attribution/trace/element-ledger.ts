import { add, bitsOf, div, fromBits, mul, product, sqrt, store, sub } from '../../arithmetic/rf32.ts';
import { PIVOT_FLOOR } from '../../kernels/cholesky/operation.ts';
import { bfloat16Bits, bfloat16Value } from '../../kernels/matrix/float16.ts';
import { GROUP } from '../../kernels/matrix/format.ts';
import type { Element, Place } from './element.ts';
import { sizeOf } from './instruction.ts';
import { cell, fold, nthBlock, sum } from './sums.ts';

export type LedgerOp =
  | 'squareSum' | 'listBlocks' | 'gradientScale' | 'stack' | 'turnStack' | 'joinColumns' | 'addDiagonal' | 'tileUpdate'
  | 'choleskyBlock' | 'solveRows' | 'solveRowsBack' | 'foldMatrices' | 'quantised' | 'chanceTerm' | 'chanceDeviation' | 'copy';

/** A group whose greatest magnitude is below this is rounded to zeros (curvature/round-rows.ts). */
export const ROUNDED_TINY = 2 ** -42;

/** Scale of a group whose first value of greatest magnitude is `extreme`. */
export const groupScale = (extreme: number) => bfloat16Value(bfloat16Bits(div(extreme, -8)));

/** x of a group whose first value of greatest magnitude is `extreme`, rounded to four bits: a whole number from −8 to 7 times the group's scale. */
export function quantisedValue(x: number, extreme: number): number {
  if (Math.abs(extreme) < ROUNDED_TINY) return 0;
  const scale = groupScale(extreme);
  const code = Math.floor(add(mul(x, div(1, scale)), 8.5));
  return mul(Math.min(15, Math.max(0, code)) - 8, scale);
}

/** (b − Σ) over the pivot; 0 where the pivot is, and then neither is read. */
const solved = (pivot: number, b: () => number, total: () => number) => (pivot === 0 ? 0 : div(store(sub(b(), total())), pivot));

/** Input ⌊at/each⌋ of several that stand behind each other, and the place in it; undefined where there is none. */
function pieceOf({ instruction: { inputs, params: [each] } }: Place, at: number): [number, number] | undefined {
  const [input, within] = cell(at, each!);
  return input < inputs.length ? [input, within] : undefined;
}

/** Whether draw `draw` is another record's than row i's, and of squared length s above 0: only such tell of chance. */
const counts = ({ texts, i }: Place, draw: number, square: number) => bitsOf(texts.scalar(1 + draw)) !== bitsOf(texts.scalar(0)) + i && square > 0;

/** Part of ELEMENTS: from the gradients of records to the ledger's rows, their noise and the scale. */
export const LEDGER_ELEMENTS: Readonly<Record<LedgerOp, Element>> = {
  /** before + Σ g²: inputs before, where param 0 is 1, then one g after the other. param 0 or 1. */
  squareSum: ({ instruction: { inputs, params: [has] }, i, j }, { get }) => {
    let total = has ? get(0, i, j) : 0;
    for (let k = has ? 1 : 0; k < inputs.length; k++) {
      const g = get(k, i, j);
      total = store(add(total, mul(g, g)));
    }
    return total;
  },
  /** [1, B]: block sums of x[R,C] read as one list. */
  listBlocks: ({ instruction: { inputs: [x] }, texts, j }, { get, columns }) => nthBlock(j, sizeOf(x!.rows, texts) * columns(0), (t) => get(0, ...cell(t, columns(0)))),
  /** By how much a number counts (curvature/scale.ts). Inputs S[R,C], total[1,1]; params 1e-6/P, per. */
  gradientScale: ({ instruction: { params: [least, per] }, i, j }, { get }) => {
    const mean = div(Math.max(get(0, i, j), mul(get(1, 0, 0), fromBits(least!))), fromBits(per!));
    return mean > 0 ? div(1, sqrt(sqrt(mean))) : 1;
  },
  /** [R, C]: inputs of h rows under each other, zeros after. param h. */
  stack: (place, { get }) => {
    const piece = pieceOf(place, place.i);
    return piece ? get(piece[0], piece[1], place.j) : 0;
  },
  /** [C, R]: its transpose, of inputs [h,·]. param h. */
  turnStack: (place, { get }) => {
    const piece = pieceOf(place, place.j);
    return piece ? get(piece[0], piece[1], place.i) : 0;
  },
  /** [R, ·]: inputs of L columns beside each other, zeros after. param L. */
  joinColumns: (place, { get }) => {
    const piece = pieceOf(place, place.j);
    return piece ? get(piece[0], place.i, piece[1]) : 0;
  },
  /** x + shift on the diagonal. param shift. */
  addDiagonal: ({ instruction: { params: [shift] }, i, j }, { get }) => (i === j ? store(add(get(0, i, j), fromBits(shift!))) : get(0, i, j)),

  // kernels/cholesky, a tile at a time.
  /** before[R,C] − a[R,K] · b[C,K]ᵀ, K ≤ 256. */
  tileUpdate: ({ i, j }, { get, columns }) => store(sub(get(0, i, j), store(sum(columns(1), (k) => product(get(1, i, k), get(2, j, k)))))),
  /** [64, 64]: L, L Lᵀ = A. Inputs A, the block of K + λmI before anything was taken from it, itself. */
  choleskyBlock: ({ i, j }, { get }) => {
    if (j > i) return 0;
    const total = () => sum(j, (k) => product(get(2, i, k), get(2, j, k)));
    if (j < i) return solved(get(2, j, j), () => get(0, i, j), total);
    const rest = store(sub(get(0, i, i), total()));
    return rest > mul(Math.max(0, get(1, i, i)), PIVOT_FLOOR) ? sqrt(rest) : 0;
  },
  /** [R, 64]: x, x Lᵀ = B. Inputs B, L[64,64], itself. */
  solveRows: ({ i, j }, { get }) => solved(get(1, j, j), () => get(0, i, j), () => sum(j, (k) => product(get(2, i, k), get(1, j, k)))),
  /** [R, 64]: x, x L = B, from the last column back. Inputs B, L[64,64], itself. */
  solveRowsBack: ({ columns: width, i, j }, { get }) =>
    solved(get(1, j, j), () => get(0, i, j), () => sum(width - 1 - j, (k) => product(get(2, i, width - 1 - k), get(1, width - 1 - k, j)))),
  /** Σ inputs, in order. */
  foldMatrices: ({ instruction: { inputs }, i, j }, { get }) => store(fold(inputs.length, (k) => get(k, i, j))),

  /** x rounded to four bits in groups of 32 columns: quantisedValue. */
  quantised: ({ i, j }, { get, columns }) => {
    const first = j - (j % GROUP);
    let extreme = get(0, i, first);
    for (let t = first + 1; t < Math.min(columns(0), first + GROUP); t++) if (Math.abs(get(0, i, t)) > Math.abs(extreme)) extreme = get(0, i, t);
    return quantisedValue(get(0, i, j), extreme);
  },

  /** [R, 64]: p²/s. Inputs p[R,64], s[1,64]; param: its first draw; scalars: the record of the first row, then the record of each draw, by their bits. */
  chanceTerm: (place, { get }) => {
    const { instruction: { params: [first] }, i, j } = place;
    const [p, square] = [get(0, i, j), get(1, 0, j)];
    return counts(place, first! + j, square) ? div(mul(p, p), square) : 0;
  },
  /** [R, 1]: √ of the mean of the terms that count. Inputs terms[R,Q], s[1,Q]; scalars as chanceTerm. */
  chanceDeviation: (place, { get, columns }) => {
    const { i } = place;
    const total = store(sum(columns(0), (t) => get(0, i, t)));
    let others = 0;
    for (let t = 0; t < columns(0); t++) if (counts(place, t, get(1, 0, t))) others++;
    return others ? sqrt(div(total, others)) : 0;
  },
  copy: ({ i, j }, { get }) => get(0, i, j),
};
