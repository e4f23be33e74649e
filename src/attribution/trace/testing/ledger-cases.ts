/** One instruction of each operation from gradients to the ledger's rows, on random data with ties, zeros and tiny values. For tests. */
import { randomBelow, randomNormal, randomWord } from '../../../arithmetic/random.ts';
import { bitsOf, fromBits, store } from '../../../arithmetic/rf32.ts';
import { floats } from '../../../kernels/case.ts';
import { type LedgerOp, LEDGER_ELEMENTS } from '../element-ledger.ts';
import { type Program, type Source, fixed } from '../instruction.ts';
import type { Matrix } from '../run.ts';
import type { UnitInputs, UnitShape } from '../unit.ts';

export const LEDGER_OPS = Object.keys(LEDGER_ELEMENTS) as LedgerOp[];

export interface LedgerCase {
  name: string;
  /** One instruction, the unit's only output; it reads source 0, and itself where its operation does. */
  program: Program;
  shape: UnitShape;
  inputs: UnitInputs;
  given: Matrix[];
}

/** What the ledger's units are fed. */
const NOTHING = { tokens: [0, 0], answer: 1, weight: 0 };
const READS_ITSELF: readonly LedgerOp[] = ['choleskyBlock', 'solveRows', 'solveRowsBack'];

interface Made {
  rows: number;
  columns: number;
  params?: number[];
  given: Matrix[];
  scalars?: number[];
}

export function ledgerCase(op: LedgerOp, seed: number): LedgerCase {
  const { rows, columns, params = [], given, scalars = [] } = MAKE[op](new Draw(seed));
  const inputs: Source[] = given.map((matrix, index) => ({ space: 0, index, rows: fixed(matrix.rows), columns: fixed(matrix.columns) }));
  if (READS_ITSELF.includes(op)) inputs.push({ space: 'trace', index: 0, rows: fixed(rows), columns: fixed(columns) });
  return {
    name: `${op} ${seed}: [${rows},${columns}] of ${given.map((matrix) => `[${matrix.rows},${matrix.columns}]`).join(' ')}`,
    program: { instructions: [{ op, name: op, rows: fixed(rows), columns: fixed(columns), params, inputs }], constants: [], window: 0 },
    shape: { outputs: 1, sources: [given.length] },
    inputs: { texts: [NOTHING], scalars },
    given,
  };
}

class Draw {
  private stream = 0;
  private readonly seed: number;
  constructor(seed: number) {
    this.seed = seed;
  }
  /** 1 … most. */
  size(most: number): number {
    return 1 + randomBelow(most, this.seed, 9000, this.stream++);
  }
  one<T>(...of: readonly T[]): T {
    return of[this.size(of.length) - 1]!;
  }
  matrix(rows: number, columns: number, values = this.values(rows * columns)): Matrix {
    return { rows, columns, values };
  }
  matrices(count: number, rows: number, columns: number): Matrix[] {
    return Array.from({ length: count }, () => this.matrix(rows, columns));
  }
  /** Ordinary; every magnitude with opposites and the borders of RF32's rules; few numbers, so that there are ties; mostly zeros. */
  values(count: number): Float32Array {
    const stream = 100 * ++this.stream;
    const kind = this.size(4);
    if (kind === 1) return floats('normal', count, this.seed, stream);
    if (kind === 2) return floats('edge', count, this.seed, stream, 8);
    const few = Float32Array.from({ length: count }, (_, i) => (randomBelow(9, this.seed, stream, i) - 4) / 8);
    return kind === 3 ? few : few.map((x, i) => (i % 7 === 3 ? x : 0));
  }
  /** Sums of squares. */
  squares(count: number): Float32Array {
    return this.values(count).map((x) => store(Math.fround(x * x)));
  }
  /** G Gᵀ + shift of random rows, some of them alike or zero: pivots that are none where nothing is shifted. */
  gram(rows: number, shift: number): Float32Array {
    const width = this.one(rows, Math.max(1, rows - 3), 2);
    const stream = 100 * ++this.stream;
    const G = Array.from({ length: rows }, (_, i) => Float64Array.from({ length: width }, (_, k) => (i % 11 === 7 ? 0 : randomNormal(this.seed, stream, (i % 5 === 4 ? i - 1 : i) * width + k))));
    return Float32Array.from({ length: rows * rows }, (_, at) => {
      const [i, j] = [Math.floor(at / rows), at % rows];
      return store(Math.fround(G[i]!.reduce((sum, x, k) => sum + x * G[j]![k]!, i === j ? shift : 0)));
    });
  }
  /** A lower triangle, with zeros on its diagonal here and there, and what must not be read above it. */
  triangle(size: number): Matrix {
    const values = this.values(size * size).map((x) => store(Math.fround(x / 64)));
    for (let i = 0; i < size; i++) values[i * size + i] = i % 13 === 5 ? 0 : Math.fround(1 + Math.min(1, Math.abs(values[i * size + i]!)));
    return this.matrix(size, size, values);
  }
  /** The first row's record, then `count` draws' records, by their bits; some are records of the rows. */
  owners(count: number): number[] {
    const record = this.size(1000);
    return [record, ...Array.from({ length: count }, (_, k) => record + randomBelow(12, this.seed, 9001, k))].map(fromBits);
  }
}

const bits = (x: number) => bitsOf(Math.fround(x));

const MAKE: Record<LedgerOp, (draw: Draw) => Made> = {
  squareSum(draw) {
    const [rows, columns, has] = [draw.size(6), draw.one(1, 7, 40, 300), draw.size(2) - 1];
    const given = draw.matrices(draw.one(1, 3, 17), rows, columns);
    if (has) given[0] = draw.matrix(rows, columns, draw.squares(rows * columns));
    return { rows, columns, params: [has], given };
  },
  listBlocks(draw) {
    const [rows, columns] = draw.one([1, 1], [1, 256], [1, 700], [70, 8], [3, 257], [700, 1], [5, 129], [40, 30]);
    return { rows: 1, columns: Math.ceil((rows * columns) / 256), given: [draw.matrix(rows, columns)] };
  },
  gradientScale(draw) {
    const [rows, columns] = [draw.size(8), draw.one(1, 8, 40)];
    const S = draw.matrix(rows, columns, draw.squares(rows * columns));
    const total = S.values.reduce((sum, x) => Math.fround(sum + x), 0) * draw.one(1, 1, 0);
    return { rows, columns, params: [bits(1e-6 / draw.one(1, 97_792)), bits(draw.one(3, 95) * 2 ** 20)], given: [S, draw.matrix(1, 1, Float32Array.of(total))] };
  },
  stack(draw) {
    const [height, count, columns] = [draw.one(1, 8), draw.size(5), draw.one(1, 30, 300)];
    return { rows: height * count + draw.one(-1, 0, 9) || 1, columns, params: [height], given: draw.matrices(count, height, columns) };
  },
  turnStack(draw) {
    const [height, count, columns] = [draw.one(1, 8), draw.size(5), draw.one(1, 30, 300)];
    return { rows: columns, columns: height * count + draw.one(-1, 0, 9) || 1, params: [height], given: draw.matrices(count, height, columns) };
  },
  joinColumns(draw) {
    const [rows, count, length] = [draw.size(5), draw.size(4), draw.one(1, 30, 300)];
    return { rows, columns: length * count + draw.one(-1, 0, 9) || 1, params: [length], given: draw.matrices(count, rows, length) };
  },
  addDiagonal(draw) {
    const size = draw.one(1, 9, 64);
    return { rows: size, columns: size, params: [bits(draw.one(0, 0.75, 2 ** -99))], given: [draw.matrix(size, size)] };
  },
  tileUpdate(draw) {
    const [rows, columns, terms] = [draw.one(1, 9, 64), draw.one(1, 9, 64), draw.one(1, 64, 256)];
    return { rows, columns, given: [draw.matrix(rows, columns), draw.matrix(rows, terms), draw.matrix(columns, terms)] };
  },
  choleskyBlock(draw) {
    const size = draw.one(1, 9, 64);
    const A = draw.matrix(size, size, draw.gram(size, draw.one(0, 0.5)));
    // What panels before it took away leaves less than there was.
    const whole = draw.matrix(size, size, A.values.map((x, i) => Math.fround(x * (i % 3 === 0 ? 1 : 2 ** draw.one(0, 10, 22)))));
    return { rows: size, columns: size, given: [A, whole] };
  },
  solveRows: (draw) => solving(draw),
  solveRowsBack: (draw) => solving(draw),
  foldMatrices(draw) {
    const [rows, columns] = [draw.size(6), draw.one(1, 40, 300)];
    return { rows, columns, given: draw.matrices(draw.one(1, 2, 30), rows, columns) };
  },
  quantised(draw) {
    const [rows, columns] = [draw.size(5), draw.one(1, 32, 45, 128, 300)];
    const x = draw.matrix(rows, columns);
    const power = draw.one(1, 1, 2 ** -44, 2 ** -40, 1e6);
    x.values = x.values.map((value, i) => {
      // Groups of zeros; halves of a step; the greatest magnitude twice, once of each sign.
      if (Math.floor(i / 32) % 6 === 4) return 0;
      if (i % 32 === 9) return store(Math.fround(power * 2));
      if (i % 32 === 20) return store(Math.fround(power * -2));
      return store(Math.fround((i % 5 ? Math.max(-2, Math.min(2, value)) : (i % 17) / 8 - 1 + 0.125) * power));
    });
    return { rows, columns, given: [x] };
  },
  chanceTerm(draw) {
    const [rows, first] = [draw.size(9), draw.one(0, 64)];
    return { rows, columns: 64, params: [first], given: [draw.matrix(rows, 64), draw.matrix(1, 64, draw.squares(64))], scalars: draw.owners(first + 64) };
  },
  chanceDeviation(draw) {
    const [rows, count] = [draw.size(9), draw.one(1, 64, 320)];
    const squares = draw.squares(count);
    return { rows, columns: 1, given: [draw.matrix(rows, count, draw.squares(rows * count)), draw.matrix(1, count, squares)], scalars: draw.owners(count) };
  },
  copy(draw) {
    const [rows, columns] = [draw.size(6), draw.one(1, 40, 300)];
    return { rows, columns, given: [draw.matrix(rows, columns)] };
  },
};

function solving(draw: Draw): Made {
  const [rows, size] = [draw.size(9), draw.one(1, 9, 64)];
  return { rows, columns: size, given: [draw.matrix(rows, size), draw.triangle(size)] };
}

/** Which of the matrix's places, and which bit of it, a test changes. */
export const changedPlace = (count: number, seed: number): [place: number, bit: number] => [randomWord(seed, 9002, 0) % count, randomWord(seed, 9002, 1) % 32];
