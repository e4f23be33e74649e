// Everything the CPU backend calls, as one module over imported memory.
export {
  attentionKeys, attentionScores, attentionValues, padOperands, queriesFit, rangesFit, softmax, softmaxGradient,
  transposeOperands,
} from './attention.as';
export { addDiagonal, choleskyBlock, choleskyStart, rowsInRange, substituteRows, subtractProduct } from './cholesky.as';
export { addRow, dotColumns, dotRows, finishRow, operandsInPlace, weighValues } from './decode.as';
export { drawTargets } from './draw.as';
export { adamw, add, addBias, addScaled, scale, scaleColumns, swiglu, swigluGradient } from './elementwise.as';
export { embedding, embeddingGradient, rope, rowsFit } from './embedding.as';
export { dataInfScores, dataInfWeights } from './influence.as';
export { argmax, crossEntropy, crossEntropyGradient } from './loss.as';
export { firstOutOfRange, multiply, multiplyRow } from './matmul.as';
export { gatherPacked, interleave, multiplyColumnsOf, multiplyRowsOf, padOperandRow } from './packed.as';
export { packColumns, packRows } from './pack.as';
export { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from './norm.as';
export { sketch, usedBuckets } from './sketch.as';
export { mapDiv, mapExp, mapLog, mapRsqrt, mapSigmoid, mapSqrt } from './rf32.as';
