/** Exports of kernels.as.ts that return nothing; pointers are byte offsets. Their parameters stand in the .as.ts files. */
type KernelName =
  | 'adamw' | 'add' | 'addBias' | 'addScaled' | 'scale' | 'scaleColumns' | 'swiglu' | 'swigluGradient'
  | 'argmax' | 'crossEntropy' | 'crossEntropyGradient'
  | 'attentionKeys' | 'attentionScores' | 'attentionValues' | 'softmax' | 'softmaxGradient'
  | 'padOperands' | 'transposeOperands'
  | 'embedding' | 'embeddingGradient' | 'rope'
  | 'addDiagonal' | 'choleskyBlock' | 'choleskyStart' | 'substituteRows' | 'subtractProduct'
  | 'dataInfScores' | 'dataInfWeights' | 'drawTargets'
  | 'addRow' | 'dotColumns' | 'dotRows' | 'operandsInPlace' | 'weighValues'
  | 'rmsNorm' | 'rmsNormGradient' | 'rmsNormWeightGradient'
  | 'gatherPacked' | 'interleave' | 'multiplyColumnsOf' | 'multiplyRowsOf' | 'padOperandRow'
  | 'mapDiv' | 'mapExp' | 'mapLog' | 'mapRsqrt' | 'mapSigmoid' | 'mapSqrt';

export interface Kernels extends Record<KernelName, (...args: number[]) => void> {
  /** 1 or 0. */
  rangesFit(lo: number, hi: number, n: number, keys: number, width: number): number;
  queriesFit(lo: number, from: number, until: number, t: number, n: number, width: number): number;
  rowsInRange(at: number, pitch: number, n: number, count: number): number;
  /** How many were listed, or -1 for a plan that does not fit. */
  usedBuckets(starts: number, members: number, list: number, d: number, listed: number, values: number): number;
  sketch(y: number, x: number, starts: number, members: number, list: number, count: number, n: number, d: number, values: number): number;
  rowsFit(rows: number, starts: number, v: number, listed: number, n: number): number;
  firstOutOfRange(at: number, n: number): number;
  /** 1 where a value in between left the range. */
  finishRow(y: number, bias: number, low: number, b: number, out: number, count: number, rank: number, scale: number): number;
  packRows(from: number, to: number, n: number, k: number, si: number, sk: number): void;
  packColumns(from: number, to: number, m: number, k: number, sj: number, sk: number): void;
  /** One row as padOperandRow leaves it. */
  multiplyRow(a: number, b: number, c: number, m: number, k: number): void;
  multiply(a: number, b: number, c: number, n: number, m: number, k: number): void;
}
