import { randomUnit } from '../arithmetic/random.ts';
import { adamw } from './adamw/operation.ts';
import { argmax } from './argmax/operation.ts';
import { attentionKeys, attentionScores, attentionValues, softmax, softmaxGradient } from './attention/operation.ts';
import { type Case, type Kind, input, tensor } from './case.ts';
import { choleskySelfTestCases } from './cholesky/cases.ts';
import { crossEntropy, crossEntropyGradient } from './crossEntropy/operation.ts';
import { addBias, addScaled, addTensors, scaleColumns, scaleTensor, weightedSum } from './elementwise/operation.ts';
import { decodeSelfTestCases } from './decode/make-cases.ts';
import { drawTargets } from './drawTargets/operation.ts';
import { embedding, embeddingGradient } from './embedding/operation.ts';
import { gatheredSelfTestCases } from './gathered/cases.ts';
import { dataInfScores, dataInfWeights } from './influence/operation.ts';
import { matmulNN, matmulNT, matmulTN } from './matmul/operation.ts';
import { matrixSelfTestCases } from './matrix/self-test-cases.ts';
import { type Operation, type Params, type Shape, type Values, size } from './operation.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from './rmsNorm/operation.ts';
import { rope } from './rope/operation.ts';
import { placeRows } from './rows/operation.ts';
import { sketch } from './sketch/operation.ts';
import { swiglu, swigluGradient } from './swiglu/operation.ts';

// Small enough for a start that nobody notices; sums longer than one block; the edges of RF32's ranges.

type Held = { shape: Shape; values: Values };
const u32 = (...values: number[]): Held => input([values.length], Uint32Array.from(values));
const of =
  (kind: Kind, ...shape: number[]) =>
  (stream: number, top = 8): Held =>
    tensor(kind, shape, 2026, stream, top);
const make = (name: string, operation: Operation, inputs: Held[], params: Params = {}): Case => ({ name, operation, inputs, params });
const positive = ({ shape, values }: Held): Held => ({ shape, values: (values as Float32Array).map(Math.abs) });

/** Values in [0, 1). */
const unit = (...shape: number[]): Held => input(shape, Float32Array.from({ length: size(shape) }, (_, i) => randomUnit(2026, 9, i)));
const MINUS = 2 ** 31;

const lo = u32(0, 0, 0, 3, 3);
const hi = u32(1, 2, 3, 4, 5);
const from = u32(0, 1, 2, 3, 4);
const to = u32(3, 3, 3, 5, 5);
const heads = { heads: 4, groups: 2 };

/** One case for every operation. */
export function selfTestCases(): Case[] {
  const edge = of('edge', 5, 60);
  const plain = of('normal', 5, 60);
  const p = of('small', 5, 4, 3);
  return [
    make('adamw', adamw, [plain(1), edge(2), edge(3), positive(edge(4))], {
      rate: 0.002,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      decay: 0.01,
      correction1: 10,
      correction2: 1000,
    }),
    make('add', addTensors, [edge(1), edge(2)]),
    make('addBias', addBias, [edge(1), of('edge', 60)(2)]),
    make('addScaled', addScaled, [edge(1), edge(2)], { scale: 0.3 }),
    make('argmax', argmax, [edge(1)]),
    make('attentionKeys', attentionKeys, [p(1), of('edge', 5, 12)(2), lo, from, to], { groups: 2 }),
    make('attentionScores', attentionScores, [of('edge', 5, 12)(1), of('edge', 5, 6)(2), lo, hi], { ...heads, width: 3 }),
    make('attentionValues', attentionValues, [p(1), of('edge', 5, 6)(2), lo, hi], { groups: 2 }),
    make('crossEntropy', crossEntropy, [plain(1), u32(3, 59, 0, 7, 60)]),
    make('crossEntropyGradient', crossEntropyGradient, [plain(1), u32(3, 59, 0, 7, 60), positive(of('normal', 5, 2)(2)), of('normal', 5)(3)]),
    make('dataInfScores', dataInfScores, [of('normal', 2, 5)(1), of('normal', 2, 5)(2), positive(of('normal', 5, 5)(3))], { factor: 0.001 }),
    make('dataInfWeights', dataInfWeights, [of('normal', 2, 5)(1), positive(of('normal', 5, 5)(2))], { factor: 0.001 }),
    make('drawTargets', drawTargets, [plain(1), of('small', 5, 2)(2), unit(5, 4)]),
    make('embedding', embedding, [edge(1), u32(4, 0, 5, 4)]),
    make('embeddingGradient', embeddingGradient, [edge(1), u32(0, 3, 1, 2, 4), u32(0, 2, 2, 5)]),
    make('matmulNN', matmulNN, [of('edge', 6, 300)(1), of('edge', 300, 9)(2)]),
    make('matmulNT', matmulNT, [of('edge', 6, 300)(1), of('edge', 9, 300)(2)]),
    make('matmulTN', matmulTN, [of('edge', 300, 6)(1), of('edge', 300, 9)(2), u32(0, 20, 20, 300)]),
    make('placeRows', placeRows, [edge(1), of('edge', 2, 60)(2)], { at: 3 }),
    make('rmsNorm', rmsNorm, [edge(1), of('normal', 60)(2)], { eps: 1e-5 }),
    make('rmsNormGradient', rmsNormGradient, [edge(1), edge(2, 4), of('normal', 60)(3), of('normal', 5)(4)]),
    make('rmsNormWeightGradient', rmsNormWeightGradient, [of('edge', 300, 3)(1), of('edge', 300, 3)(2), of('normal', 300)(3)]),
    make('rope', rope, [edge(1), u32(0, 1, 2, 3, 9), of('normal', 4, 15)(2), of('normal', 4, 15)(3)], { heads: 2, inverse: 1 }),
    make('scaleColumns', scaleColumns, [edge(1), of('edge', 60)(2)]),
    make('scale', scaleTensor, [edge(1)], { scale: -0.7 }),
    make('sketch', sketch, [of('edge', 3, 4)(1), of('edge', 2, 9)(2), u32(0, 3, 3, 7, 9), u32(0, MINUS + 4, 8, MINUS + 1, 2, 3, 6, 5, MINUS + 7)], { at: 1 }),
    make('softmax', softmax, [of('normal', 5, 4, 3)(1), lo, hi], { scale: 1.3 }),
    make('softmaxGradient', softmaxGradient, [p(1), of('edge', 5, 4, 3)(2), lo, hi], { scale: 1.3 }),
    make('swiglu', swiglu, [edge(1), edge(2)]),
    make('swigluGradient', swigluGradient, [edge(1), edge(2), edge(3)]),
    make('weightedSum', weightedSum, [of('normal', 250)(1), of('edge', 250)(2)]),
    ...choleskySelfTestCases(),
    ...decodeSelfTestCases(),
    ...gatheredSelfTestCases(),
    ...matrixSelfTestCases(),
  ];
}

/** The other compiled forms of the same operations: few rows, many rows, long rows. For real graphics processors. */
export function formCases(): Case[] {
  const long = of('normal', 3, 600);
  const vocabulary = of('normal', 1, 9000);
  // 40 tokens of one text, each seeing 30: tiles whose rows begin at different keys.
  const rows = Array.from({ length: 40 }, (_, i) => i);
  const seen = { lo: u32(...rows.map((i) => Math.max(0, i - 29))), hi: u32(...rows.map((i) => i + 1)) };
  const seenBy = { from: u32(...rows), to: u32(...rows.map((i) => Math.min(40, i + 30))) };
  const p = of('normal', 40, 4, 30)(1);
  (p.values as Float32Array).forEach((_, at, values) => {
    if (at % 30 > Math.floor(at / 120)) values[at] = 0; // what lies beyond a short range is zeros
  });
  return [
    make('attentionScores, tiles', attentionScores, [of('edge', 40, 24)(1), of('edge', 40, 12)(2), seen.lo, seen.hi], { ...heads, width: 30 }),
    make('attentionValues, tiles', attentionValues, [p, of('edge', 40, 12)(2), seen.lo, seen.hi], { groups: 2 }),
    make('attentionKeys, tiles', attentionKeys, [p, of('edge', 40, 24)(2), seen.lo, seenBy.from, seenBy.to], { groups: 2 }),
    make('attentionValues, long text', attentionValues, [of('small', 1, 2, 700)(1), of('edge', 700, 6)(2), u32(0), u32(700)], { groups: 1 }),
    make('argmax, vocabulary', argmax, [vocabulary(1)]),
    make('drawTargets, vocabulary', drawTargets, [vocabulary(1), of('small', 1, 2)(2), unit(1, 3)]),
    make('crossEntropy, vocabulary', crossEntropy, [vocabulary(1), u32(8999)]),
    make('matmulNT, few rows', matmulNT, [of('edge', 2, 300)(1), of('edge', 9, 300)(2)]),
    make('matmulNN, few rows', matmulNN, [of('edge', 2, 300)(1), of('edge', 300, 9)(2)]),
    make('matmulNT, many rows', matmulNT, [of('edge', 520, 17)(1), of('edge', 520, 17)(2)]),
    make('matmulNT, few columns', matmulNT, [of('edge', 200, 17)(1), of('edge', 9, 17)(2)]),
    make('matmulNT, many columns', matmulNT, [of('edge', 5, 17)(1), of('edge', 4096, 17)(2)]),
    make('argmax, long rows', argmax, [long(1)]),
    make('crossEntropy, long rows', crossEntropy, [long(1), u32(0, 599, 300)]),
    make('rmsNorm, long rows', rmsNorm, [long(1), of('normal', 600)(2)], { eps: 1e-5 }),
    make('rmsNormGradient, long rows', rmsNormGradient, [long(1), long(2), of('normal', 600)(3), of('normal', 3)(4)]),
    make('softmax, long rows', softmax, [of('normal', 1, 3, 600)(1), u32(0), u32(599)], { scale: 0.5 }),
    make('softmaxGradient, long rows', softmaxGradient, [of('small', 1, 3, 600)(1), of('normal', 1, 3, 600)(2), u32(0), u32(599)], { scale: 0.5 }),
    make('weightedSum, long rows', weightedSum, [of('normal', 3000)(1), of('normal', 3000)(2)]),
  ];
}
