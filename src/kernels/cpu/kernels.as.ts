// Everything the CPU backend calls, as one module over imported memory.
export { adamw, add, addBias, addScaled, scale, swiglu, swigluGradient } from './elementwise.as';
export { argmax, crossEntropy, crossEntropyGradient } from './loss.as';
export { firstOutOfRange, multiply, packColumns, packRows } from './matmul.as';
export { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from './norm.as';
export { mapDiv, mapExp, mapLog, mapRsqrt, mapSigmoid, mapSqrt } from './rf32.as';
