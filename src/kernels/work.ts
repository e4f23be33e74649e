import { PANEL } from './cholesky/operation.ts';
import { type Operation, type Output, type Params, type Shape, size } from './operation.ts';

/** How much one call of an operation does, for rates, for shares of a ceiling, and for splitting long work. */
export interface Work {
  /** Multiply-adds where the operation is a product, otherwise elements written. */
  multiplyAdds: number;
  /** Read and written, each tensor once. */
  bytes: number;
}

const product = (rows: number, columns: number, terms: number) => rows * columns * terms;

/** Products by the part of the name before the format ("matmulNT.q4" is a matmulNT). Ranges count at their widest. */
const MULTIPLY_ADDS: Readonly<Record<string, (shapes: Shape[], outputs: Output[], params: Params) => number>> = {
  matmulNT: ([x], [y]) => product(x![0]!, y!.shape[1]!, x![1]!),
  matmulNN: ([x, w], [y], { columns = y!.shape[1]! }) => product(x![0]!, columns, w![0]!),
  matmulTN: ([a, b]) => product(a![1]!, b![1]!, a![0]!),
  attentionScores: ([q], [scores], { heads = 1 }) => size(scores!.shape) * (q![1]! / heads),
  attentionValues: ([p], [o]) => size(o!.shape) * p![2]!,
  attentionKeys: ([p, q]) => size(p!) * (q![1]! / p![1]!),
  decodeProducts: (shapes, _, { rows = 1, terms = 0, matrices = 1 }) =>
    product(rows, shapes.slice(3, 3 + matrices).reduce((sum, codes) => sum + codes[0]!, 0), terms),
  sketch: ([, x]) => size(x!),
  choleskyBlock: () => (PANEL * PANEL * PANEL) / 6,
  choleskyPanel: ([l], _, { at = 0 }) => product(l![0]! - at, PANEL, PANEL / 2),
  choleskyUpdate: ([l], _, { at = 0 }) => product(l![0]! - at, l![0]! - at, PANEL / 2),
  choleskySolveBlock: ([x]) => product(x![0]!, PANEL, PANEL / 2),
  choleskySolveUpdate: ([x], _, { at = 0, backward = 0 }) => product(x![0]!, backward ? at : x![1]! - at, PANEL),
  embeddingGradient: ([dy]) => size(dy!),
  rmsNormWeightGradient: ([dy]) => size(dy!),
};

/** Of a table only the rows that are asked for are read. */
const isGather = (name: string) => name === 'embedding' || name.startsWith('gather');

export function workOf(operation: Operation, shapes: Shape[], outputs: Output[], params: Params): Work {
  const multiplyAdds = MULTIPLY_ADDS[operation.name.split('.')[0]!];
  const read = shapes.reduce((sum, shape, i) => sum + (i === 0 && isGather(operation.name) ? 0 : size(shape)), 0);
  const written = outputs.reduce((sum, { shape }) => sum + size(shape), 0);
  return { multiplyAdds: multiplyAdds ? multiplyAdds(shapes, outputs, params) : written, bytes: 4 * (read + written) };
}
