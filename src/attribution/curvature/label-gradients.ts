import type { Tensor } from '../../kernels/backend.ts';
import { crossEntropy, crossEntropyGradient } from '../../kernels/crossEntropy/operation.ts';
import { drawTargets } from '../../kernels/drawTargets/operation.ts';
import { embedding, embeddingGradient } from '../../kernels/embedding/operation.ts';
import { matrixNN, matrixNT } from '../../kernels/matrix/matrix.ts';
import { rmsNorm, rmsNormGradient } from '../../kernels/rmsNorm/operation.ts';
import { placeRows } from '../../kernels/rows/operation.ts';
import { Scope } from '../../kernels/scope.ts';
import type { PackedBatch } from '../../model/batch.ts';
import { type BackwardRanges, decode, decodeGradient, keptBytes, lowestAdapted } from '../../model/decoder.ts';
import type { Gradients } from '../../model/linear.ts';
import type { Lora } from '../../model/lora.ts';
import { KEPT_BYTES, LOGIT_BYTES, placesOf, requirePositions } from '../../model/loss.ts';
import { type Model, headWeight, vector } from '../../model/model.ts';

/** Labels of a batch's M predicted tokens, and how much the loss of each counts. */
export interface LabelSet {
  /** [M]. */
  weights: Float32Array;
  /** [M] in [0,1): labels are drawn from the model's own distribution (kernels/drawTargets); the batch's own where undefined. */
  uniforms: Float32Array | undefined;
}

/**
 * Gradients of the adapter by tensor, [S,…] for a batch's S segments, for several sets of labels: one forward pass for all,
 * one backward pass each, and of each set the bits that `loss` (model/loss.ts) gives for it alone. `use` gets them set after
 * set; they are freed when it returns. Throws `record/too-long` for positions beyond the rotary tables, `rf32/out-of-range`.
 */
export async function labelGradients(
  model: Model, lora: Lora, batch: PackedBatch, sets: readonly LabelSet[], use: (scope: Scope, gradients: Gradients, set: number) => void | Promise<void>,
): Promise<void> {
  const { backend, config } = model;
  requirePositions(model, batch);
  const held = new Scope(backend);
  try {
    const index = (name: string, values: Uint32Array) => held.upload(name, [values.length], values);
    const ranges: BackwardRanges = {
      ids: index('ids', batch.ids), positions: index('positions', batch.positions),
      lo: index('lo', batch.lo), hi: index('hi', batch.hi), from: index('from', batch.from), to: index('to', batch.to),
      width: batch.width,
    };
    const keep = keptBytes(config, batch.ids.length, batch.width) <= KEPT_BYTES ? 'layers' : 'inputs';
    const { hidden, kept } = decode(held, model, lora, ranges, undefined, keep, lowestAdapted(config, lora));
    const picked = held.one(embedding, 'predicting', [hidden, index('targetRows', batch.targetRows)]);
    held.free(hidden);
    const weight = vector(model, 'norm.weight');
    const [normed, r] = held.run(rmsNorm, 'norm', [picked, weight], { eps: config.eps }) as [Tensor, Tensor];
    const fromHead = headGradients(held, model, normed, batch, sets);
    held.free(normed);
    const found = placesOf(batch.targetRows, batch.ids.length);
    const places = [index('places', found.rows), index('starts', found.starts)];
    const segments = index('segments', batch.segments);
    for (const [set, dNormed] of fromHead.entries()) {
      // What was kept belongs to `held`: a pass in a scope of its own frees nothing of it, the last one what it has used.
      const scope = set < sets.length - 1 ? new Scope(backend) : held;
      try {
        const dPicked = scope.one(rmsNormGradient, 'norm.dx', [dNormed, picked, weight, r]);
        held.free(dNormed);
        const dHidden = scope.one(embeddingGradient, 'dHidden', [dPicked, ...places]);
        scope.free(dPicked);
        const gradients: Gradients = new Map();
        decodeGradient(scope, model, lora, ranges, [...kept], dHidden, { gradients, segments, base: false });
        await use(scope, gradients, set);
        // Waits for the device, so that passes do not pile up.
        await backend.read(r);
      } finally {
        scope.release();
      }
    }
  } finally {
    held.release();
  }
}

/** Gradients [M, hidden] of the final norm's output, one a set. The logits are computed once, for as many tokens at a time as LOGIT_BYTES hold. */
function headGradients(scope: Scope, model: Model, normed: Tensor, batch: PackedBatch, sets: readonly LabelSet[]): Tensor[] {
  const count = batch.targets.length;
  const rowsAtOnce = Math.max(1, Math.floor(LOGIT_BYTES / (4 * model.config.vocab)));
  const all = sets.map(() => scope.create('dNorm', normed.shape, 'f32'));
  for (let first = 0; first < count; first += rowsAtOnce) {
    const end = Math.min(count, first + rowsAtOnce);
    const inner = new Scope(scope.backend);
    try {
      const x = inner.one(embedding, 'norm.rows', [normed, inner.upload('rows', [end - first], Uint32Array.from({ length: end - first }, (_, i) => first + i))]);
      const own = inner.upload('targets', [end - first], batch.targets.subarray(first, end));
      const logits = matrixNT(inner, 'logits', x, headWeight(model));
      // A row's maximum and sum do not depend on its label.
      const stats = inner.run(crossEntropy, 'loss', [logits, own])[1]!;
      for (const [set, { weights, uniforms }] of sets.entries()) {
        const targets = uniforms ? inner.one(drawTargets, 'targets.drawn', [logits, stats, inner.upload('uniforms', [end - first, 1], uniforms.subarray(first, end))]) : own;
        const dLogits = inner.one(crossEntropyGradient, 'dLogits', [logits, targets, stats, inner.upload('weights', [end - first], weights.subarray(first, end))]);
        const dNormed = matrixNN(inner, 'dNorm', dLogits, headWeight(model));
        scope.run(placeRows, 'dNorm', [all[set]!, dNormed], { at: first });
        inner.free(dLogits, dNormed);
      }
    } finally {
      inner.release();
    }
  }
  return all;
}
