import { randomBelow } from '../../arithmetic/random.ts';
import { type Case, type CaseList, type Kind, anyKind, awkwardSize, floats, input, tensor, words } from '../case.ts';
import type { Shape, Values } from '../operation.ts';
import { encodeRows } from './encode.ts';
import { type Format, PACKED_FORMATS, codeWords, hasScales, scaleWords } from './format.ts';
import { finishTotals, matrixOperations, placeColumns } from './operation.ts';

type Held = { shape: Shape; values: Values };

/** Codes (and scales) of a random matrix. float16 ends at 65504, so edges stop at 2^12. */
function matrix(format: Format, rows: number, columns: number, seed: number, kind: Kind): Held[] {
  const { codes, scales } = encodeRows('case', format, floats(kind, rows * columns, seed, 1), columns);
  const held: Held[] = [{ shape: [rows, codeWords(format, columns)], values: codes }];
  if (hasScales(format)) held.push({ shape: [rows, scaleWords(format, columns)], values: scales! });
  return held;
}

function nt(format: Format, n: number, k: number, m: number, seed: number, kind: Kind = 'normal'): Case {
  const operation = matrixOperations[format].nt;
  return { name: `${operation.name} ${n}x${k} by ${m}x${k} ${kind}`, operation, inputs: [tensor(kind, [n, k], seed), ...matrix(format, m, k, seed, kind)], params: {}, work: n * k * m };
}

function nn(format: Format, n: number, k: number, m: number, seed: number, kind: Kind = 'normal'): Case {
  const operation = matrixOperations[format].nn;
  return { name: `${operation.name} ${n}x${k} by ${k}x${m} ${kind}`, operation, inputs: [tensor(kind, [n, k], seed), ...matrix(format, k, m, seed, kind)], params: { columns: m }, work: n * k * m };
}

/** Rows from..from+k-1 of `all`, on top of totals. */
function part(format: Format, n: number, all: number, from: number, k: number, m: number, seed: number, kind: Kind = 'normal'): Case {
  const operation = matrixOperations[format].nnPart;
  const totals = new Uint32Array(floats(kind, n * m, seed, 3).buffer);
  return {
    name: `${operation.name} ${n}x${all} from ${from} by ${k}x${m} ${kind}`, operation,
    inputs: [tensor(kind, [n, all], seed), ...matrix(format, k, m, seed, kind), input([n, m], totals)],
    params: { columns: m, from }, work: n * k * m,
  };
}

/** Ids on both sides of the part's rows. */
function gather(format: Format, v: number, d: number, n: number, from: number, seed: number, kind: Kind): Case {
  const operation = matrixOperations[format].gather;
  return {
    name: `${operation.name} ${n} of ${v}x${d} from ${from} ${kind}`, operation,
    inputs: [...matrix(format, v, d, seed, kind), input([n], words(n, from + v + 2, seed))],
    params: { columns: d, from }, work: n * d,
  };
}

const UNPACKED = { none: 'the product with the decoded matrix, checked with the unpacked operations' };

function partList(format: Format): CaseList {
  return {
    operation: matrixOperations[format].nnPart,
    cases: [
      part(format, 1, 1, 0, 1, 1, 61),
      part(format, 2, 600, 256, 344, 70, 62),
      part(format, 5, 700, 256, 256, 33, 63, 'edge'),
      part(format, 40, 300, 256, 44, 65, 64),
    ],
    random: (seed) => {
      const [from, k] = [256 * randomBelow(3, seed, 4, 0), awkwardSize(seed, 2, 300)];
      return part(format, awkwardSize(seed, 1, 70), from + k + randomBelow(3, seed, 5, 0), from, k, awkwardSize(seed, 3, 130), seed, anyKind(seed));
    },
    gradient: UNPACKED,
  };
}

function packedLists(format: Format): CaseList[] {
  return [
    {
      operation: matrixOperations[format].nt,
      cases: [
        nt(format, 1, 1, 1, 1),
        nt(format, 1, 128, 513, 2),
        nt(format, 4, 257, 65, 3),
        nt(format, 5, 255, 33, 4),
        nt(format, 64, 257, 64, 5),
        nt(format, 2, 600, 70, 6, 'edge'),
        nt(format, 40, 300, 40, 7, 'edge'),
        nt(format, 3, 33, 9, 8, 'small'),
        nt(format, 512, 16, 513, 9),
        nt(format, 131, 530, 21, 10),
      ],
      random: (seed) => nt(format, awkwardSize(seed, 1, 70), awkwardSize(seed, 2, 520), awkwardSize(seed, 3, 130), seed, anyKind(seed)),
      gradient: UNPACKED,
    },
    {
      operation: matrixOperations[format].nn,
      cases: [
        nn(format, 1, 1, 1, 31),
        nn(format, 1, 513, 128, 32),
        nn(format, 4, 257, 65, 33),
        nn(format, 33, 256, 31, 34),
        nn(format, 2, 600, 70, 35, 'edge'),
        nn(format, 40, 300, 41, 36, 'edge'),
        nn(format, 512, 16, 513, 37),
        nn(format, 131, 530, 21, 38),
      ],
      random: (seed) => nn(format, awkwardSize(seed, 1, 70), awkwardSize(seed, 2, 520), awkwardSize(seed, 3, 130), seed, anyKind(seed)),
      gradient: UNPACKED,
    },
    partList(format),
    {
      operation: matrixOperations[format].gather,
      cases: [
        gather(format, 1, 1, 3, 0, 41, 'normal'),
        gather(format, 9, 65, 12, 0, 42, 'edge'),
        gather(format, 300, 128, 40, 256, 43, 'normal'),
      ],
      random: (seed) => gather(format, awkwardSize(seed, 1, 70), awkwardSize(seed, 2, 130), awkwardSize(seed, 3, 40), 256 * randomBelow(2, seed, 4, 0), seed, anyKind(seed)),
      gradient: { none: 'weights in packed formats are not trained' },
    },
  ];
}

/** Totals may be smaller than what a tensor stores, down to 2^-123; those become +0. */
function finish(n: number, m: number, seed: number): Case {
  const totals = floats('edge', n * m, seed, 1).map((x, i) => (i % 3 === 0 && Math.abs(x) > 2 ** -90 ? x : x * 2 ** -20));
  return { name: `finishTotals ${n}x${m}`, operation: finishTotals, inputs: [input([n, m], new Uint32Array(totals.buffer))], params: {} };
}

function place(n: number, all: number, at: number, m: number, seed: number): Case {
  return { name: `placeColumns ${m} of ${n}x${all} at ${at}`, operation: placeColumns, inputs: [tensor('edge', [n, all], seed), tensor('edge', [n, m], seed, 1)], params: { at } };
}

export const matrixCases: CaseList[] = [
  ...PACKED_FORMATS.flatMap(packedLists),
  partList('f32'),
  {
    operation: finishTotals,
    cases: [finish(1, 1, 51), finish(3, 70, 52)],
    random: (seed) => finish(awkwardSize(seed, 1, 20), awkwardSize(seed, 2, 70), seed),
    gradient: { none: 'stores what was summed' },
  },
  {
    operation: placeColumns,
    cases: [place(1, 1, 0, 1, 55), place(3, 70, 33, 37, 56)],
    random: (seed) => place(awkwardSize(seed, 1, 20), 130 + randomBelow(5, seed, 4, 0), randomBelow(60, seed, 5, 0), awkwardSize(seed, 2, 70), seed),
    gradient: { none: 'places values, does not compute' },
  },
];
