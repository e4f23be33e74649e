import { adamwWgsl } from '../adamw/wgsl.ts';
import { argmaxWgsl } from '../argmax/wgsl.ts';
import { attentionKeysWgsl, attentionScoresWgsl, attentionValuesWgsl, softmaxGradientWgsl, softmaxWgsl } from '../attention/wgsl.ts';
import {
  addDiagonalWgsl, choleskyBlockWgsl, choleskyPanelWgsl, choleskySolveBlockWgsl, choleskySolveUpdateWgsl, choleskyStartWgsl, choleskyUpdateWgsl,
} from '../cholesky/wgsl.ts';
import { crossEntropyGradientWgsl, crossEntropyWgsl } from '../crossEntropy/wgsl.ts';
import { decodeWgsl } from '../decode/operations.ts';
import { drawTargetsWgsl } from '../drawTargets/wgsl.ts';
import { addBiasWgsl, addScaledWgsl, addTensorsWgsl, scaleColumnsWgsl, scaleTensorWgsl, weightedSumWgsl } from '../elementwise/wgsl.ts';
import { embeddingGradientWgsl, embeddingWgsl } from '../embedding/wgsl.ts';
import { dataInfScoresWgsl, dataInfWeightsWgsl } from '../influence/wgsl.ts';
import { matmulNNWgsl, matmulNTWgsl, matmulTNWgsl } from '../matmul/wgsl.ts';
import { matrixWgsl } from '../matrix/wgsl.ts';
import { rmsNormGradientWgsl, rmsNormWeightGradientWgsl, rmsNormWgsl } from '../rmsNorm/wgsl.ts';
import { ropeWgsl } from '../rope/wgsl.ts';
import { placeRowsWgsl } from '../rows/wgsl.ts';
import { sketchWgsl } from '../sketch/wgsl.ts';
import { swigluGradientWgsl, swigluWgsl } from '../swiglu/wgsl.ts';
import type { Wgsl } from './wgsl.ts';

/** By the operation's name. */
export const shaders: Readonly<Record<string, Wgsl>> = {
  adamw: adamwWgsl,
  add: addTensorsWgsl,
  addBias: addBiasWgsl,
  addDiagonal: addDiagonalWgsl,
  scaleColumns: scaleColumnsWgsl,
  addScaled: addScaledWgsl,
  argmax: argmaxWgsl,
  attentionKeys: attentionKeysWgsl,
  attentionScores: attentionScoresWgsl,
  attentionValues: attentionValuesWgsl,
  choleskyBlock: choleskyBlockWgsl,
  choleskyPanel: choleskyPanelWgsl,
  choleskySolveBlock: choleskySolveBlockWgsl,
  choleskySolveUpdate: choleskySolveUpdateWgsl,
  choleskyStart: choleskyStartWgsl,
  choleskyUpdate: choleskyUpdateWgsl,
  crossEntropy: crossEntropyWgsl,
  crossEntropyGradient: crossEntropyGradientWgsl,
  dataInfScores: dataInfScoresWgsl,
  dataInfWeights: dataInfWeightsWgsl,
  ...decodeWgsl,
  drawTargets: drawTargetsWgsl,
  embedding: embeddingWgsl,
  embeddingGradient: embeddingGradientWgsl,
  matmulNN: matmulNNWgsl,
  matmulNT: matmulNTWgsl,
  matmulTN: matmulTNWgsl,
  ...matrixWgsl,
  placeRows: placeRowsWgsl,
  rmsNorm: rmsNormWgsl,
  rmsNormGradient: rmsNormGradientWgsl,
  rmsNormWeightGradient: rmsNormWeightGradientWgsl,
  rope: ropeWgsl,
  scale: scaleTensorWgsl,
  sketch: sketchWgsl,
  softmax: softmaxWgsl,
  softmaxGradient: softmaxGradientWgsl,
  swiglu: swigluWgsl,
  swigluGradient: swigluGradientWgsl,
  weightedSum: weightedSumWgsl,
};
