import { adamw } from './adamw/operation.ts';
import { argmax } from './argmax/operation.ts';
import { attentionKeys, attentionScores, attentionValues, softmax, softmaxGradient } from './attention/operation.ts';
import {
  addDiagonal, choleskyBlock, choleskyPanel, choleskySolveBlock, choleskySolveUpdate, choleskyStart, choleskyUpdate,
} from './cholesky/operation.ts';
import { crossEntropy, crossEntropyGradient } from './crossEntropy/operation.ts';
import { decodeOperations } from './decode/operations.ts';
import { drawTargets } from './drawTargets/operation.ts';
import { addBias, addScaled, addTensors, scaleColumns, scaleTensor, weightedSum } from './elementwise/operation.ts';
import { embedding, embeddingGradient } from './embedding/operation.ts';
import { dataInfScores, dataInfWeights } from './influence/operation.ts';
import { matmulNN, matmulNT, matmulTN } from './matmul/operation.ts';
import { newMatrixOperations } from './matrix/operation.ts';
import type { Operation } from './operation.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from './rmsNorm/operation.ts';
import { rope } from './rope/operation.ts';
import { placeRows } from './rows/operation.ts';
import { sketch } from './sketch/operation.ts';
import { swiglu, swigluGradient } from './swiglu/operation.ts';

export const operations: readonly Operation[] = [
  adamw, addBias, addDiagonal, addScaled, addTensors, argmax, attentionKeys, attentionScores, attentionValues,
  choleskyBlock, choleskyPanel, choleskySolveBlock, choleskySolveUpdate, choleskyStart, choleskyUpdate,
  crossEntropy, crossEntropyGradient, dataInfScores, dataInfWeights, drawTargets, embedding, embeddingGradient,
  matmulNN, matmulNT, matmulTN, placeRows, rmsNorm, rmsNormGradient, rmsNormWeightGradient, rope,
  scaleColumns, scaleTensor, sketch, softmax, softmaxGradient, swiglu, swigluGradient, weightedSum,
  ...newMatrixOperations,
  ...decodeOperations,
];
