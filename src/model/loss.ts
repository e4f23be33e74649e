import type { Tensor } from '../kernels/backend.ts';
import { crossEntropy, crossEntropyGradient } from '../kernels/crossEntropy/operation.ts';
import { addTensors, weightedSum } from '../kernels/elementwise/operation.ts';
import { embedding, embeddingGradient } from '../kernels/embedding/operation.ts';
import { matmulTN } from '../kernels/matmul/operation.ts';
import { matrixNN, matrixNT } from '../kernels/matrix/matrix.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from '../kernels/rmsNorm/operation.ts';
import type { Scope } from '../kernels/scope.ts';
import type { PackedBatch } from './batch.ts';
import { type BackwardRanges, decode, decodeGradient } from './decoder.ts';
import type { Gradients } from './linear.ts';
import type { Lora } from './lora.ts';
import { type Model, headWeight, vector } from './model.ts';

/** Logits [rows.length, vocab] of some rows of the hidden states; final norm and head run on those rows only. */
export function head(scope: Scope, model: Model, hidden: Tensor, rows: Tensor): { logits: Tensor; picked: Tensor; normed: Tensor; r: Tensor } {
  const picked = scope.one(embedding, 'predicting', [hidden, rows]);
  const [normed, r] = scope.run(rmsNorm, 'norm', [picked, vector(model, 'norm.weight')], { eps: model.config.eps });
  return { logits: matrixNT(scope, 'logits', normed!, headWeight(model)), picked, normed: normed!, r: r! };
}

/** The places of each id in 0..count-1: `rows` in order, `starts` [count+1]. For embeddingGradient. */
export function placesOf(ids: Uint32Array, count: number): { rows: Uint32Array; starts: Uint32Array } {
  const starts = new Uint32Array(count + 1);
  for (const id of ids) starts[id + 1]!++;
  for (let v = 0; v < count; v++) starts[v + 1]! += starts[v]!;
  const next = starts.slice(0, count);
  const rows = new Uint32Array(ids.length);
  ids.forEach((id, i) => (rows[next[id]!++] = i));
  return { rows, starts };
}

export interface LossResult {
  /** [M] loss of each predicted token. */
  losses: Tensor;
  /** [1] Σ weight · loss. */
  total: Tensor;
  logits: Tensor;
  /** Empty unless asked for. */
  gradients: Gradients;
}

/**
 * Loss of a packed batch, with gradients of the adapter (per segment), of the base, or none.
 * Everything belongs to `scope`.
 */
export function loss(scope: Scope, model: Model, lora: Lora | undefined, batch: PackedBatch, want: 'loss' | 'adapter' | 'base'): LossResult {
  const { config } = model;
  const index = (name: string, values: Uint32Array) => scope.upload(name, [values.length], values);
  const ranges: BackwardRanges = {
    ids: index('ids', batch.ids), positions: index('positions', batch.positions),
    lo: index('lo', batch.lo), hi: index('hi', batch.hi), from: index('from', batch.from), to: index('to', batch.to),
    width: batch.width,
  };
  const targets = index('targets', batch.targets);
  const weights = scope.upload('weights', [batch.weights.length], batch.weights);
  const { hidden, saved } = decode(scope, model, lora, ranges);
  const { logits, picked, normed, r } = head(scope, model, hidden, index('targetRows', batch.targetRows));
  const [losses, stats] = scope.run(crossEntropy, 'loss', [logits, targets]);
  const total = scope.one(weightedSum, 'loss.total', [losses!, weights]);
  const gradients: Gradients = new Map();
  if (want === 'loss') return { losses: losses!, total, logits, gradients };

  const base = want === 'base';
  const dLogits = scope.one(crossEntropyGradient, 'dLogits', [logits, targets, stats!, weights]);
  const dNormed = matrixNN(scope, 'dNorm', dLogits, headWeight(model));
  const wholeBatch = base ? index('whole', Uint32Array.of(0, batch.targetRows.length)) : undefined;
  const dHead = base ? scope.one(matmulTN, 'dHead', [dLogits, normed, wholeBatch!]) : undefined;
  if (base) gradients.set('norm.weight', scope.one(rmsNormWeightGradient, 'norm.dw', [dNormed, picked, r]));
  const dPicked = scope.one(rmsNormGradient, 'norm.dx', [dNormed, picked, vector(model, 'norm.weight'), r]);
  const places = placesOf(batch.targetRows, batch.ids.length);
  const dHidden = scope.one(embeddingGradient, 'dHidden', [dPicked, index('places', places.rows), index('starts', places.starts)]);
  const segments = index('segments', base ? Uint32Array.of(0, batch.ids.length) : batch.segments);
  const dEmbedded = decodeGradient(scope, model, lora, ranges, saved, dHidden, { gradients, segments, base });
  if (base) {
    const occurrences = placesOf(batch.ids, config.vocab);
    const dTable = scope.one(embeddingGradient, 'embed_tokens.dw', [dEmbedded!, index('occurrences', occurrences.rows), index('firsts', occurrences.starts)]);
    if (config.tied) {
      gradients.set('embed_tokens.weight', scope.one(addTensors, 'embed_tokens.dw.tied', [dTable, dHead!]));
    } else {
      gradients.set('embed_tokens.weight', dTable);
      gradients.set('lm_head.weight', dHead!);
    }
  }
  return { losses: losses!, total, logits, gradients };
}
