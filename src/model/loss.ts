import { OpenLedgerError } from '../errors.ts';
import type { Tensor } from '../kernels/backend.ts';
import { crossEntropy, crossEntropyGradient } from '../kernels/crossEntropy/operation.ts';
import { drawTargets } from '../kernels/drawTargets/operation.ts';
import { addTensors, weightedSum } from '../kernels/elementwise/operation.ts';
import { embedding, embeddingGradient } from '../kernels/embedding/operation.ts';
import { matmulTN } from '../kernels/matmul/operation.ts';
import { matrixNN, matrixNT } from '../kernels/matrix/matrix.ts';
import { rmsNorm, rmsNormGradient, rmsNormWeightGradient } from '../kernels/rmsNorm/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import type { PackedBatch } from './batch.ts';
import { type BackwardRanges, type Keep, decode, decodeGradient, keptBytes, lowestAdapted } from './decoder.ts';
import type { Gradients } from './linear.ts';
import type { Lora } from './lora.ts';
import { type Model, headWeight, vector } from './model.ts';

/** The final norm of some rows of the hidden states. */
function headInput(scope: Scope, model: Model, hidden: Tensor, rows: Tensor): { picked: Tensor; normed: Tensor; r: Tensor } {
  const picked = scope.one(embedding, 'predicting', [hidden, rows]);
  const [normed, r] = scope.run(rmsNorm, 'norm', [picked, vector(model, 'norm.weight')], { eps: model.config.eps });
  return { picked, normed: normed!, r: r! };
}

/** Logits [rows.length, vocab] of some rows of the hidden states; final norm and head run on those rows only. */
export function head(scope: Scope, model: Model, hidden: Tensor, rows: Tensor): { logits: Tensor } {
  return { logits: matrixNT(scope, 'logits', headInput(scope, model, hidden, rows).normed, headWeight(model)) };
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
  /** M values: the loss of each predicted token. */
  losses: Tensor;
  /** [1] Σ weight · loss. */
  total: Tensor;
  /** [M, vocab] where only the loss was asked for and the logits were computed in one piece. */
  logits: Tensor | undefined;
  /** Empty unless asked for. */
  gradients: Gradients;
}

export interface LossOptions {
  /** Decided by size where it is not given. The bits do not depend on it. */
  keep?: Keep;
  /** Logits are computed for as many predicted tokens at a time as fit in so many bytes. The bits do not depend on it. */
  logitBytes?: number;
  /** [M] in [0,1): targets are not the batch's but drawn from the model's own distribution (kernels/drawTargets), one each. */
  uniforms?: Float32Array | undefined;
}

/** Up to here every layer's activations are kept; beyond it, only each layer's input, and layers are computed again. */
export const KEPT_BYTES = 512 * 2 ** 20;
/** Two such tensors live at a time: the logits and their gradient. */
export const LOGIT_BYTES = 64 * 2 ** 20;

/**
 * Loss of a packed batch, with gradients of the adapter (per segment), of the base, or none.
 * Everything belongs to `scope`. Throws `record/too-long` for positions beyond the rotary tables.
 */
export function loss(
  scope: Scope, model: Model, lora: Lora | undefined, batch: PackedBatch, want: 'loss' | 'adapter' | 'base',
  { keep = keptBytes(model.config, batch.ids.length, batch.width) <= KEPT_BYTES ? 'layers' : 'inputs', logitBytes = LOGIT_BYTES, uniforms }: LossOptions = {},
): LossResult {
  const { config } = model;
  const base = want === 'base';
  requirePositions(model, batch);
  const index = (name: string, values: Uint32Array) => scope.upload(name, [values.length], values);
  const ranges: BackwardRanges = {
    ids: index('ids', batch.ids), positions: index('positions', batch.positions),
    lo: index('lo', batch.lo), hi: index('hi', batch.hi), from: index('from', batch.from), to: index('to', batch.to),
    width: batch.width,
  };
  const { hidden, kept } = decode(scope, model, lora, ranges, undefined, want === 'loss' ? 'nothing' : keep, base ? 0 : lowestAdapted(config, lora));
  const { picked, normed, r } = headInput(scope, model, hidden, index('targetRows', batch.targetRows));
  scope.free(hidden);
  const weights = scope.upload('weights', [batch.weights.length], batch.weights);
  // The head's own gradient sums over all rows, so that pretraining (of small models) takes them at once.
  const rowsAtOnce = base ? Infinity : Math.max(1, Math.floor(logitBytes / (4 * config.vocab)));
  const { losses, logits, dNormed, dHead } = headLoss(scope, model, normed, batch, want, rowsAtOnce, uniforms);
  const total = scope.one(weightedSum, 'loss.total', [losses, weights]);
  const gradients: Gradients = new Map();
  if (want === 'loss') return { losses, total, logits, gradients };

  scope.free(normed);
  if (base) gradients.set('norm.weight', scope.one(rmsNormWeightGradient, 'norm.dw', [dNormed!, picked, r]));
  const dPicked = scope.one(rmsNormGradient, 'norm.dx', [dNormed!, picked, vector(model, 'norm.weight'), r]);
  scope.free(dNormed!, picked);
  const places = placesOf(batch.targetRows, batch.ids.length);
  const dHidden = scope.one(embeddingGradient, 'dHidden', [dPicked, index('places', places.rows), index('starts', places.starts)]);
  scope.free(dPicked);
  const segments = index('segments', base ? Uint32Array.of(0, batch.ids.length) : batch.segments);
  const dEmbedded = decodeGradient(scope, model, lora, ranges, kept, dHidden, { gradients, segments, base });
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
  return { losses, total, logits: undefined, gradients };
}

/** Throws `record/too-long` for positions beyond the rotary tables. */
export function requirePositions(model: Model, batch: PackedBatch): void {
  const last = batch.positions.reduce((most, position) => Math.max(most, position), 0);
  if (last < model.positions) return;
  throw new OpenLedgerError({
    code: 'record/too-long',
    what: 'A record is longer than the model was prepared for.',
    why: `It has ${last + 1} tokens; the model was loaded for ${model.positions}.`,
    next: 'Shorten or split it.',
  });
}

interface HeadLoss {
  losses: Tensor;
  logits: Tensor | undefined;
  /** [M, hidden] gradient of the final norm's output. */
  dNormed: Tensor | undefined;
  /** [1, vocab, hidden] where the base is trained. */
  dHead: Tensor | undefined;
}

/** Cross entropy over the head, `rowsAtOnce` predicted tokens at a time: [M, vocab] may be far more than a device holds. */
function headLoss(scope: Scope, model: Model, normed: Tensor, batch: PackedBatch, want: 'loss' | 'adapter' | 'base', rowsAtOnce: number, uniforms: Float32Array | undefined): HeadLoss {
  const count = batch.targets.length;
  const some = (inner: Scope, x: Tensor, first: number, end: number): HeadLoss => {
    let targets = inner.upload('targets', [end - first], batch.targets.subarray(first, end));
    const logits = matrixNT(inner, 'logits', x, headWeight(model));
    let [losses, stats] = inner.run(crossEntropy, 'loss', [logits, targets]) as [Tensor, Tensor];
    if (uniforms) {
      const chances = inner.upload('uniforms', [end - first, 1], uniforms.subarray(first, end));
      targets = inner.one(drawTargets, 'targets.drawn', [logits, stats, chances]);
      [losses, stats] = inner.run(crossEntropy, 'loss.drawn', [logits, targets]) as [Tensor, Tensor];
    }
    if (want === 'loss') return { losses, logits, dNormed: undefined, dHead: undefined };
    const weights = inner.upload('weights', [end - first], batch.weights.subarray(first, end));
    const dLogits = inner.one(crossEntropyGradient, 'dLogits', [logits, targets, stats, weights]);
    inner.free(logits);
    const dNormed = matrixNN(inner, 'dNorm', dLogits, headWeight(model));
    const dHead = want === 'base' ? inner.one(matmulTN, 'dHead', [dLogits, x, inner.upload('whole', [2], Uint32Array.of(0, count))]) : undefined;
    inner.free(dLogits);
    return { losses, logits: undefined, dNormed, dHead };
  };
  if (count <= rowsAtOnce) return some(scope, normed, 0, count);

  const losses = scope.create('loss', [count, 1], 'f32');
  const dNormed = want === 'loss' ? undefined : scope.create('dNorm', normed.shape, 'f32');
  for (let first = 0; first < count; first += rowsAtOnce) {
    const end = Math.min(count, first + rowsAtOnce);
    const inner = new Scope(scope.backend);
    try {
      const rows = inner.upload('rows', [end - first], Uint32Array.from({ length: end - first }, (_, i) => first + i));
      const part = some(inner, inner.one(embedding, 'norm.rows', [normed, rows]), first, end);
      scope.run(placeRows, 'loss', [losses, part.losses], { at: first });
      if (dNormed) scope.run(placeRows, 'dNorm', [dNormed, part.dNormed!], { at: first });
    } finally {
      inner.release();
    }
  }
  return { losses, logits: undefined, dNormed, dHead: undefined };
}
