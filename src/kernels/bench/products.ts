import type { Backend } from '../backend.ts';
import { type Format, type Matrix, createMatrix, freeMatrix, matrixBytes, matrixNT, writeRows } from '../matrix/matrix.ts';
import { floats } from '../case.ts';
import { decodeProducts, productInputs } from '../decode/products.ts';
import { MAX_ROWS, NO_SLOT, rowParams } from '../decode/rows.ts';
import type { Tensor } from '../backend.ts';
import { Scope } from '../scope.ts';
import type { Ceilings } from './ceilings.ts';
import { median } from './timing.ts';

/** A linear layer: y[rows, columns] = x[rows, terms] · Wᵀ. One row is decoding (GEMV), many are prefill (GEMM). */
export interface ProductShape {
  rows: number;
  terms: number;
  columns: number;
  format: Format;
}

export interface ProductTiming extends ProductShape {
  device: string;
  /** What ran: few rows are a decoding step's products. */
  operation: string;
  ms: number;
  /** Multiply-adds a second, in thousand millions. */
  multiplyAddsG: number;
  /** Weights, inputs and outputs read and written a second, in thousand millions of bytes. */
  readGBs: number;
  /** Of the ceilings measured in the same run. */
  shareOfArithmetic?: number;
  shareOfBandwidth?: number;
}

/** A 1.1 B model's layers where there is a graphics processor for it; otherwise what software does in little time. */
export function usualShapes(software: boolean): ProductShape[] {
  const [terms, columns] = software ? [512, 1376] : [2048, 5632];
  const formats: Format[] = ['f32', 'f16', 'q4'];
  return [1, software ? 64 : 256].flatMap((rows) => formats.map((format) => ({ rows, terms, columns, format })));
}

/** Times linear layers on any backend. Several matrices take turns, so that decoding's weights come from memory, not from a cache. */
export async function measureKernels(backend: Backend, shapes: readonly ProductShape[], ceilings?: Ceilings, budgetMs = 300): Promise<ProductTiming[]> {
  const timings: ProductTiming[] = [];
  for (const shape of shapes) timings.push(await measureProduct(backend, shape, ceilings, budgetMs));
  return timings;
}

/** Beyond the caches of most devices. */
const WEIGHTS_BYTES = 64 * 2 ** 20;
const MOST_COPIES = 8;

async function measureProduct(backend: Backend, shape: ProductShape, ceilings: Ceilings | undefined, budgetMs: number): Promise<ProductTiming> {
  const { rows, terms, columns, format } = shape;
  const weightBytes = matrixBytes(columns, terms, format);
  const scope = new Scope(backend);
  const x = scope.upload('x', [rows, terms], floats('normal', rows * terms, 1));
  const copies = Math.max(1, Math.min(MOST_COPIES, Math.ceil(WEIGHTS_BYTES / weightBytes)));
  const matrices = Array.from({ length: copies }, (_, i) => {
    const matrix = createMatrix(backend, `w${i}`, columns, terms, format);
    writeRows(backend, matrix, 0, floats('small', columns * terms, 2));
    return matrix;
  });
  const multiply = rows <= MAX_ROWS && matrices[0]!.parts.length === 1 ? fewRows(scope, x, shape) : (matrix: Matrix) => scope.free(matrixNT(scope, 'y', x, matrix));
  const bell = scope.upload('bell', [1], new Float32Array(1));
  const sample = async (rounds: number): Promise<number> => {
    await backend.read(bell);
    const start = performance.now();
    for (let round = 0; round < rounds; round++) for (const matrix of matrices) multiply(matrix);
    await backend.read(bell);
    return (performance.now() - start) / rounds / copies;
  };
  try {
    await sample(1);
    const once = Math.max(await sample(1), 1e-3) * copies;
    const rounds = Math.max(1, Math.min(100, Math.floor(budgetMs / 5 / once)));
    const samples: number[] = [];
    const until = performance.now() + budgetMs;
    while (samples.length < 3 || (performance.now() < until && samples.length < 9)) samples.push(await sample(rounds));
    const ms = median(samples);
    const multiplyAddsG = (rows * terms * columns) / ms / 1e6;
    const readGBs = (weightBytes + 4 * rows * (terms + columns)) / ms / 1e6;
    return {
      ...shape,
      device: backend.device,
      operation: rows <= MAX_ROWS && matrices[0]!.parts.length === 1 ? 'decodeProducts' : 'matmulNT',
      ms,
      multiplyAddsG,
      readGBs,
      ...(ceilings && { shareOfArithmetic: multiplyAddsG / ceilings.multiplyAddsG, shareOfBandwidth: readGBs / ceilings.readGBs }),
    };
  } finally {
    matrices.forEach((matrix) => freeMatrix(backend, matrix));
    scope.release();
  }
}

/** A decoding step's product with one matrix, without adapters; its output stays. */
function fewRows(scope: Scope, x: Tensor, { rows, terms, columns, format }: ProductShape): (matrix: Matrix) => void {
  const pool = scope.create('pool', [1, 1], 'f32');
  const raw = scope.create('y', [rows, columns], 'f32');
  const none = { slot: NO_SLOT, position: 0, base: 0 };
  const params = { ...rowParams(Array.from({ length: rows }, () => none)), terms, matrices: 1, at0: 0, rank: 0, factors: 0, low: 0 };
  const inputs = productInputs(format);
  return ({ parts: [part] }) => {
    const { codes, scales } = part!;
    scope.run(decodeProducts[format], 'y', [x, pool, raw, ...inputs.codes.map(() => codes), ...inputs.scales.map(() => scales!)], params);
  };
}
