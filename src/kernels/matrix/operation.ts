import { BLOCK, add, blockSum, fromBits, bitsOf, product, store } from '../../arithmetic/rf32.ts';
import { embedding } from '../embedding/operation.ts';
import { matmulNN, matmulNT } from '../matmul/operation.ts';
import { type Operation, type Shape, type Values, expectShape, f32, size } from '../operation.ts';
import { decodeRows } from './decode.ts';
import { type Format, PACKED_FORMATS, type PackedFormat, codeWords, hasScales, scaleWords } from './format.ts';

/** What can be done with a matrix of one format. Weights are `codes`, and `scales` where the format has them. */
export interface MatrixOperations {
  /** y[N,R] = x[N,C] · W[R,C]ᵀ. Inputs x, codes (, scales). */
  nt: Operation;
  /** y[N,C] = x[N,R] · W[R,C]. Inputs x, codes (, scales); param `columns` = C. */
  nn: Operation;
  /**
   * Totals of y = x · W over the rows of one part, added to those of the parts before it, neither flushed nor judged:
   * totals[N,C] as the bits of float32, overwritten. Inputs x[N,all rows], codes (, scales), totals; params `columns`,
   * `from` = the part's first row, a multiple of 256.
   */
  nnPart: Operation;
  /** y[N,C] = W[ids − from, :], zeros for ids outside. Inputs codes (, scales), ids; params `columns`, `from`. */
  gather: Operation;
}

/** Checks the packed shapes; returns rows. */
function packedRows(format: PackedFormat, shapes: Shape[], at: number, columns: number): number {
  const rows = shapes[at]![0]!;
  expectShape(`${format} codes`, shapes[at], rows, codeWords(format, columns));
  if (hasScales(format)) expectShape(`${format} scales`, shapes[at + 1], rows, scaleWords(format, columns));
  return rows;
}

const packedTypes = (format: PackedFormat): 'u32'[] => (hasScales(format) ? ['u32', 'u32'] : ['u32']);

function packedOperations(format: PackedFormat): MatrixOperations {
  const types = packedTypes(format);
  const decoded = (inputs: Values[], at: number, columns: number) => decodeRows(format, inputs[at]!, hasScales(format) ? inputs[at + 1] : undefined, columns);
  return {
    nt: {
      name: `matmulNT.${format}`,
      usedFor: { format },
      inputs: ['f32', ...types],
      outputs: (shapes) => [f32(shapes[0]![0]!, packedRows(format, shapes, 1, shapes[0]![1]!))],
      reference: ({ inputs, outputs, shapes, params }) => {
        const columns = shapes[0]![1]!;
        const w = decoded(inputs, 1, columns);
        matmulNT.reference({ inputs: [inputs[0]!, w], outputs, shapes: [shapes[0]!, [shapes[1]![0]!, columns]], params });
      },
    },
    nn: {
      name: `matmulNN.${format}`,
      usedFor: { format },
      inputs: ['f32', ...types],
      outputs: (shapes, params) => {
        expectShape(`matmulNN.${format} x`, shapes[0], shapes[0]![0]!, packedRows(format, shapes, 1, params.columns!));
        return [f32(shapes[0]![0]!, params.columns!)];
      },
      reference: ({ inputs, outputs, shapes, params }) => {
        const w = decoded(inputs, 1, params.columns!);
        matmulNN.reference({ inputs: [inputs[0]!, w], outputs, shapes: [shapes[0]!, [shapes[1]![0]!, params.columns!]], params });
      },
    },
    nnPart: partOperation(format, types, (inputs, columns) => decoded(inputs, 1, columns), (shapes, columns) => packedRows(format, shapes, 1, columns)),
    gather: {
      name: `gather.${format}`,
      usedFor: { format },
      inputs: [...types, 'u32'],
      outputs: (shapes, params) => {
        packedRows(format, shapes, 0, params.columns!);
        return [f32(shapes[types.length]![0]!, params.columns!)];
      },
      reference: ({ inputs, outputs, shapes, params }) => {
        const w = decoded(inputs, 0, params.columns!);
        const ids = inputs[types.length]!;
        embedding.reference({ inputs: [w, ids], outputs, shapes: [[shapes[0]![0]!, params.columns!], [ids.length]], params });
      },
    },
  };
}

function partOperation(
  format: Format,
  types: readonly ('f32' | 'u32')[],
  weights: (inputs: Values[], columns: number) => Values,
  rowsOf: (shapes: Shape[], columns: number) => number,
): Operation {
  const last = types.length + 1;
  return {
    name: `matmulNN.${format}.part`,
    usedFor: { ...(format === 'f32' ? {} : { format }), split: true },
    inputs: ['f32', ...types, 'u32'],
    outputs: (shapes, params) => {
      const [n, all] = shapes[0] as [number, number];
      const rows = rowsOf(shapes, params.columns!);
      expectShape(`matmulNN.${format}.part totals`, shapes[last], n, params.columns!);
      if (params.from! % BLOCK !== 0 || params.from! + rows > all) throw new RangeError(`matmulNN.${format}.part: rows ${params.from}+${rows} of ${all}`);
      return [{ shape: shapes[last]!, dtype: 'u32', inPlace: last }];
    },
    reference: ({ inputs, outputs: [totals], shapes, params }) => {
      const [n, all] = shapes[0] as [number, number];
      const columns = params.columns!;
      const x = inputs[0]!;
      const w = weights(inputs, columns);
      const rows = w.length / columns;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < columns; j++) {
          let total = fromBits(totals![i * columns + j]!);
          for (let first = 0; first < rows; first += BLOCK) {
            const block = blockSum(Math.min(BLOCK, rows - first), (t) => product(x[i * all + params.from! + first + t]!, w[(first + t) * columns + j]!));
            total = add(total, block);
          }
          totals![i * columns + j] = bitsOf(total);
        }
      }
    },
  };
}

/** Finished totals of matmulNN.*.part as values: y = store(total). */
export const finishTotals: Operation = {
  name: 'finishTotals',
  usedFor: { split: true },
  inputs: ['u32'],
  outputs: ([totals]) => [{ shape: totals!, dtype: 'f32' }],
  reference: ({ inputs: [totals], outputs: [y] }) => {
    for (let i = 0; i < totals!.length; i++) y![i] = store(fromBits(totals![i]!));
  },
};

/** y[N,M] with columns at..at+m-1 replaced by part[N,m]; param `at`. */
export const placeColumns: Operation = {
  name: 'placeColumns',
  usedFor: { split: true },
  copies: true,
  inputs: ['f32', 'f32'],
  outputs: ([y, part], { at }) => {
    expectShape('placeColumns part', part, y![0]!, part![1]!);
    if (!(at! >= 0 && at! + part![1]! <= y![1]!)) throw new RangeError(`placeColumns: ${part![1]} at ${at} of ${y![1]}`);
    return [{ shape: y!, dtype: 'f32', inPlace: 0 }];
  },
  reference: ({ inputs: [, part], outputs: [y], shapes, params }) => {
    const [n, m] = shapes[1] as [number, number];
    const pitch = shapes[0]![1]!;
    for (let i = 0; i < n; i++) y!.set(part!.subarray(i * m, (i + 1) * m), i * pitch + params.at!);
  },
};

const f32Operations: MatrixOperations = {
  nt: matmulNT,
  nn: matmulNN,
  nnPart: partOperation('f32', ['f32'], (inputs) => inputs[1]!, (shapes, columns) => {
    expectShape('matmulNN.f32.part w', shapes[1], shapes[1]![0]!, columns);
    return size(shapes[1]!) / Math.max(columns, 1);
  }),
  gather: embedding,
};

export const matrixOperations = {
  f32: f32Operations,
  ...Object.fromEntries(PACKED_FORMATS.map((format) => [format, packedOperations(format)])),
} as Readonly<Record<Format, MatrixOperations>>;

/** Every operation that this folder adds. */
export const newMatrixOperations: readonly Operation[] = [
  finishTotals,
  f32Operations.nnPart,
  ...PACKED_FORMATS.flatMap((format) => Object.values<Operation>({ ...matrixOperations[format] })),
  placeColumns,
];
