import { randomBelow } from '../../arithmetic/random.ts';
import { type CaseList, anyKind, awkwardSize } from '../case.ts';
import { FORMATS, type Format } from '../matrix/format.ts';
import { decodeAttention } from './attention.ts';
import { attention, copy, norm, place, products, swigluCase, turns } from './make-cases.ts';
import { decodeNorm } from './norm.ts';
import { decodeProducts, productsAtOnce } from './products.ts';
import { decodeSwiglu } from './swiglu.ts';
import { copyRows, joinTurns, placeFactors } from './tables.ts';

const pick = (count: number, seed: number, stream: number, at = 0): number => randomBelow(count, seed, stream, at);

const FUSED = { none: 'decoding is never differentiated; its bits are those of the operations that it fuses' };
const MOVES = { none: 'it moves values' };

function productList(format: Format): CaseList {
  const columns = (...sizes: number[]) => sizes.slice(0, productsAtOnce(format));
  return {
    operation: decodeProducts[format],
    cases: [
      products(format, 1, 1, columns(1, 1, 1), 1, 1),
      products(format, 1, 160, columns(65, 64, 3), 8, 2),
      products(format, 3, 255, columns(33, 70, 64), 4, 3, 'edge'),
      products(format, 8, 257, [64], 3, 4, 'normal', 1),
      products(format, 2, 600, columns(40, 9, 70), 2, 5, 'edge', 2),
      products(format, 5, 1300, columns(17, 30, 2), 5, 6),
      products(format, 4, 2304, columns(10, 11, 12), 0, 7),
      products(format, 1, 511, [90, 1], 0, 8),
    ],
    random: (seed) =>
      products(
        format, 1 + pick(8, seed, 0), awkwardSize(seed, 1, pick(2, seed, 9) ? 300 : 1400),
        columns(awkwardSize(seed, 2, 130), awkwardSize(seed, 3, 70), awkwardSize(seed, 4, 70)).slice(0, 1 + pick(3, seed, 7)), pick(6, seed, 5), seed, anyKind(seed), pick(3, seed, 6),
      ),
    gradient: FUSED,
  };
}

const attentionList: CaseList = {
  operation: decodeAttention,
  cases: [
    attention([0], { heads: 1, groups: 1, e: 2 }, 0, 1),
    attention([31], { heads: 5, groups: 5, e: 32 }, 8, 2),
    attention([7, 0, 70], { heads: 4, groups: 2, e: 6 }, 3, 3, { kind: 'edge' }),
    attention([255, 256], { heads: 4, groups: 2, e: 10 }, 2, 4, { bias: true }),
    attention([300, 3, 120, 40, 5, 6, 7, 8], { heads: 2, groups: 1, e: 8 }, 4, 5, { window: 64 }),
    attention([900, 530], { heads: 6, groups: 2, e: 18 }, 2, 6, { bias: true, window: 700 }),
    attention([1100], { heads: 8, groups: 1, e: 64 }, 1, 7),
    attention([10], { heads: 2, groups: 2, e: 260 }, 2, 8),
  ],
  random: (seed) => {
    const groups = 1 + pick(3, seed, 1);
    const positions = Array.from({ length: 1 + pick(8, seed, 2) }, (_, i) => pick(pick(3, seed, 3) ? 80 : 700, seed, 4, i));
    return attention(positions, { groups, heads: groups * (1 + pick(3, seed, 5)), e: 2 * (1 + pick(20, seed, 6)) }, pick(4, seed, 7), seed, {
      kind: anyKind(seed), window: pick(2, seed, 8) ? 0 : 1 + pick(100, seed, 9), bias: pick(2, seed, 10) > 0,
    });
  },
  gradient: FUSED,
};

export const decodeCases: CaseList[] = [
  ...FORMATS.map(productList),
  {
    operation: decodeNorm,
    cases: [
      norm(1, 1, 1, 1), norm(1, 160, 8, 2, { bias: false }), norm(3, 255, 2, 3, { kind: 'edge' }), norm(8, 257, 3, 4), norm(2, 160, 0, 5, { finish: false }),
      norm(2, 1300, 4, 6), norm(1, 70, 260, 7), norm(1, 100, 0, 8),
    ],
    random: (seed) => norm(1 + pick(8, seed, 0), awkwardSize(seed, 1), pick(9, seed, 2), seed, { kind: anyKind(seed), bias: pick(2, seed, 3) > 0 }),
    gradient: FUSED,
  },
  {
    operation: decodeSwiglu,
    cases: [swigluCase(1, 1, 1, 1), swigluCase(1, 432, 8, 2), swigluCase(8, 65, 3, 3, 'edge', true), swigluCase(2, 300, 0, 4), swigluCase(3, 20, 257, 5)],
    random: (seed) => swigluCase(1 + pick(8, seed, 0), awkwardSize(seed, 1), pick(9, seed, 2), seed, anyKind(seed), pick(2, seed, 3) > 0),
    gradient: FUSED,
  },
  attentionList,
  {
    operation: joinTurns,
    cases: [turns(1, 1, 1, 1), turns(40, 16, 33, 2), turns(256, 5, 256, 3)],
    random: (seed) => turns(64, awkwardSize(seed, 1, 64), 1 + pick(64, seed, 2), seed),
    gradient: MOVES,
  },
  {
    operation: copyRows,
    cases: [copy(1, 1, 1, 0, 0, 1, 1), copy(40, 90, 33, 7, 50, 33, 2), copy(300, 300, 64, 0, 0, 300, 3)],
    random: (seed) => copy(30, 50, awkwardSize(seed, 1, 64), pick(10, seed, 2), pick(30, seed, 3), 1 + pick(20, seed, 4), seed),
    gradient: MOVES,
  },
  {
    operation: placeFactors,
    cases: [place(0, 1, 1, 1, 1, 1), place(2, 8, 8, 160, 432, 2), place(1, 3, 8, 33, 20, 3, 'edge')],
    random: (seed) => place(pick(3, seed, 1), 1 + pick(4, seed, 2), 4 + pick(3, seed, 3), awkwardSize(seed, 4, 70), awkwardSize(seed, 5, 70), seed, anyKind(seed)),
    gradient: MOVES,
  },
];
