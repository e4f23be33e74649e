import { BLOCK, add, bitsOf, div, fromBits, mul, operand, sqrt, store, sub } from '../../arithmetic/rf32.ts';
import type { Backend } from '../../kernels/backend.ts';
import { PIVOT_FLOOR } from '../../kernels/cholesky/operation.ts';
import { GROUP } from '../../kernels/matrix/format.ts';
import { matmulNT } from '../../kernels/matmul/operation.ts';
import { type LedgerOp, ROUNDED_TINY, groupScale } from './element-ledger.ts';
import type { OpName } from './instruction.ts';
import { operands, products } from './products.ts';
import type { Matrix, Work } from './run.ts';

/** Row by row, the operations of LEDGER_ELEMENTS. run-ledger.test.ts holds them to the slow form. */
export const FAST_LEDGER: Record<LedgerOp, (work: Work) => void> = {
  squareSum: ({ instruction: { params: [has] }, sources, values }) => {
    if (has) values.set(sources[0]!.values);
    for (const { values: g } of sources.slice(has)) for (let i = 0; i < values.length; i++) values[i] = store(add(values[i]!, mul(g[i]!, g[i]!)));
  },
  listBlocks: ({ sources: [x], values }) => {
    for (let b = 0; b < values.length; b++) {
      let sum = 0;
      for (const value of x!.values.subarray(b * BLOCK, (b + 1) * BLOCK)) sum = add(sum, value);
      values[b] = sum;
    }
  },
  gradientScale: ({ instruction: { params }, sources: [S, total], values }) => {
    const [least, per] = params.map(fromBits) as [number, number];
    const floor = mul(total!.values[0]!, least);
    for (let i = 0; i < values.length; i++) {
      const mean = div(Math.max(S!.values[i]!, floor), per);
      values[i] = mean > 0 ? div(1, sqrt(sqrt(mean))) : 1;
    }
  },
  stack: ({ instruction: { params: [h] }, sources, rows, columns, values }) => {
    for (let i = 0; i < rows; i++) {
      const source = sources[Math.floor(i / h!)];
      if (source) values.set(rowOf(source, i % h!).subarray(0, columns), i * columns);
    }
  },
  turnStack: ({ instruction: { params: [h] }, sources, rows, columns, values }) => {
    for (let j = 0; j < columns; j++) {
      const source = sources[Math.floor(j / h!)];
      if (!source) break;
      const row = rowOf(source, j % h!);
      for (let i = 0; i < rows; i++) values[i * columns + j] = row[i]!;
    }
  },
  joinColumns: ({ instruction: { params: [length] }, sources, rows, columns, values }) => {
    for (const [k, source] of sources.entries()) {
      const first = k * length!;
      for (let i = 0; first < columns && i < rows; i++) values.set(rowOf(source, i).subarray(0, Math.min(length!, columns - first)), i * columns + first);
    }
  },
  addDiagonal: ({ instruction: { params: [shift] }, sources: [x], rows, columns, values }) => {
    values.set(x!.values);
    for (let i = 0; i < Math.min(rows, columns); i++) values[i * columns + i] = store(add(values[i * columns + i]!, fromBits(shift!)));
  },

  tileUpdate: ({ sources: [before, x, y], rows, columns, values }) => {
    const [a, b] = [operands(x!.values), operands(y!.values)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) values[i * columns + j] = store(sub(before!.values[i * columns + j]!, store(products(a, i * x!.columns, b, j * y!.columns, x!.columns))));
    }
  },
  choleskyBlock: ({ sources: [A, whole], rows, columns, values }) => {
    const own = new Float32Array(values.length);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j <= Math.min(i, columns - 1); j++) {
        const at = i * columns + j;
        const rest = () => store(sub(A!.values[at]!, products(own, i * columns, own, j * columns, j)));
        const pivot = values[j * columns + j]!;
        if (j < i) values[at] = pivot === 0 ? 0 : div(rest(), pivot);
        else values[at] = rest() > mul(Math.max(0, whole!.values[at]!), PIVOT_FLOOR) ? sqrt(rest()) : 0;
        own[at] = operand(values[at]!);
      }
    }
  },
  solveRows: ({ sources: [B, L], rows, columns, values }) => {
    const [own, l] = [new Float32Array(columns), operands(L!.values)];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const pivot = L!.values[j * L!.columns + j]!;
        const value = pivot === 0 ? 0 : div(store(sub(B!.values[i * columns + j]!, products(own, 0, l, j * L!.columns, j))), pivot);
        values[i * columns + j] = value;
        own[j] = operand(value);
      }
    }
  },
  solveRowsBack: ({ sources: [B, L], rows, columns, values }) => {
    // Everything turned around, so that the sum is over neighbours: own[t] and row t of l are those of column `columns − 1 − t`.
    const own = new Float32Array(columns);
    const l = new Float32Array(columns * columns);
    for (let j = 0; j < columns; j++) for (let k = 0; k < columns; k++) l[(columns - 1 - j) * columns + (columns - 1 - k)] = operand(L!.values[k * L!.columns + j]!);
    for (let i = 0; i < rows; i++) {
      for (let t = 0; t < columns; t++) {
        const j = columns - 1 - t;
        const pivot = L!.values[j * L!.columns + j]!;
        const value = pivot === 0 ? 0 : div(store(sub(B!.values[i * columns + j]!, products(own, 0, l, t * columns, t))), pivot);
        values[i * columns + j] = value;
        own[t] = operand(value);
      }
    }
  },
  foldMatrices: ({ sources, values }) => {
    for (const { values: x } of sources) for (let i = 0; i < values.length; i++) values[i] = values[i]! + x[i]!;
    for (let i = 0; i < values.length; i++) values[i] = store(values[i]!);
  },

  quantised: ({ sources: [x], rows, columns, values }) => {
    for (let i = 0; i < rows; i++) {
      for (let first = 0; first < columns; first += GROUP) {
        const group = rowOf(x!, i).subarray(first, Math.min(columns, first + GROUP));
        let extreme = group[0]!;
        for (const value of group) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
        if (Math.abs(extreme) < ROUNDED_TINY) continue;
        const scale = groupScale(extreme);
        const inverse = div(1, scale);
        group.forEach((value, k) => {
          values[i * columns + first + k] = mul(Math.min(15, Math.max(0, Math.floor(add(mul(value, inverse), 8.5)))) - 8, scale);
        });
      }
    }
  },

  chanceTerm: ({ instruction: { params: [first] }, texts, sources: [p, squares], rows, columns, values }) => {
    const record = bitsOf(texts.scalar(0));
    const owners = Array.from({ length: columns }, (_, j) => bitsOf(texts.scalar(1 + first! + j)));
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const [value, square] = [p!.values[i * columns + j]!, squares!.values[j]!];
        if (owners[j] !== record + i && square > 0) values[i * columns + j] = div(mul(value, value), square);
      }
    }
  },
  chanceDeviation: ({ texts, sources: [terms, squares], rows, values }) => {
    const count = terms!.columns;
    const record = bitsOf(texts.scalar(0));
    const owners = Array.from({ length: count }, (_, t) => bitsOf(texts.scalar(1 + t)));
    for (let i = 0; i < rows; i++) {
      let total = 0;
      for (let first = 0; first < count; first += BLOCK) {
        let sum = 0;
        for (let t = first; t < Math.min(count, first + BLOCK); t++) sum = add(sum, terms!.values[i * count + t]!);
        total = add(total, sum);
      }
      const others = owners.filter((owner, t) => owner !== record + i && squares!.values[t]! > 0).length;
      values[i] = others ? sqrt(div(store(total), others)) : 0;
    }
  },
  copy: ({ sources: [x], values }) => values.set(x!.values),
};

const rowOf = ({ values, columns }: Matrix, row: number) => values.subarray(row * columns, (row + 1) * columns);

/** Products of matrices with so many terms are worth moving to the backend: less where it shares the host's memory. */
const worthMoving = (backend: Backend) => (backend.kind === 'webgpu' ? 2 ** 20 : 2 ** 14);

/** a · bᵀ of matrices with `width` columns, as it is stored. */
async function productsOn(backend: Backend, name: string, matrices: readonly Float32Array[], width: number): Promise<Float32Array> {
  const held = matrices.map((values) => backend.upload(name, [values.length / width, width], values));
  const [product] = backend.run(matmulNT, name, held);
  const out = (await backend.read(product!)) as Float32Array;
  for (const tensor of [...held, product!]) backend.free(tensor);
  return out;
}

/** Operations that may run on a backend, whose bits are RF32's on every device. False where the matrices are small. */
export const ON_BACKEND: Partial<Record<OpName, (backend: Backend, work: Work) => Promise<boolean>>> = {
  /**
   * A product over 256 columns is one block's sum, but for what is stored of it. So sums that come back as 0 are taken again
   * here, as they stand.
   */
  async dotBlocks(backend, { instruction: { name, params: [blocks] }, sources: [x, y], rows, columns, values }) {
    const terms = x!.columns;
    const count = columns / blocks!;
    if (rows * count * terms < worthMoving(backend) || !Number.isInteger(count)) return false;
    for (let b = 0; b < blocks!; b++) {
      const [first, end] = [b * BLOCK, Math.min(terms, (b + 1) * BLOCK)];
      const width = end - first;
      const slices = [piece(x!, rows, first, end), piece(y!, count, first, end)];
      const sums = await productsOn(backend, name, slices, width);
      for (let i = 0; i < rows; i++) for (let j = 0; j < count; j++) values[i * columns + j * blocks! + b] = sums[i * count + j]!;
      if (!sums.includes(0)) continue;
      const [a, c] = slices.map(operands) as [Float32Array, Float32Array];
      const [some, others] = [a, c].map((one) => nonZero(one, width)) as [boolean[], boolean[]];
      for (let i = 0; i < rows; i++) {
        for (let j = 0; some[i] && j < count; j++) {
          if (others[j] && sums[i * count + j] === 0) values[i * columns + j * blocks! + b] = products(a, i * width, c, j * width, width);
        }
      }
    }
    return true;
  },
  async tileUpdate(backend, { instruction: { name }, sources: [before, x, y], rows, columns, values }) {
    const width = x!.columns;
    if (rows * columns * width < worthMoving(backend)) return false;
    const sums = await productsOn(backend, name, [piece(x!, rows, 0, width), piece(y!, columns, 0, width)], width);
    for (let i = 0; i < values.length; i++) values[i] = store(sub(before!.values[i]!, sums[i]!));
    return true;
  },
};

/** Columns `first` to `end` of the first `rows` rows. */
function piece(matrix: Matrix, rows: number, first: number, end: number): Float32Array {
  if (first === 0 && end === matrix.columns) return matrix.values.subarray(0, rows * end);
  const out = new Float32Array(rows * (end - first));
  for (let i = 0; i < rows; i++) out.set(rowOf(matrix, i).subarray(first, end), i * (end - first));
  return out;
}

/** By row, whether it has a value that is not 0. */
function nonZero(values: Float32Array, columns: number): boolean[] {
  return Array.from({ length: values.length / columns }, (_, i) => values.subarray(i * columns, (i + 1) * columns).some((value) => value !== 0));
}
