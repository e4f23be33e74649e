/** Exports of kernels.as.ts that return nothing; pointers are byte offsets. Their parameters stand in the .as.ts files. */
type KernelName =
  | 'adamw' | 'add' | 'addBias' | 'addScaled' | 'scale' | 'swiglu' | 'swigluGradient'
  | 'argmax' | 'crossEntropy' | 'crossEntropyGradient'
  | 'rmsNorm' | 'rmsNormGradient' | 'rmsNormWeightGradient'
  | 'mapDiv' | 'mapExp' | 'mapLog' | 'mapRsqrt' | 'mapSigmoid' | 'mapSqrt';

export interface Kernels extends Record<KernelName, (...args: number[]) => void> {
  firstOutOfRange(at: number, n: number): number;
  packRows(from: number, to: number, n: number, k: number, si: number, sk: number): void;
  packColumns(from: number, to: number, m: number, k: number, sj: number, sk: number): void;
  multiply(a: number, b: number, c: number, n: number, m: number, k: number): void;
}
