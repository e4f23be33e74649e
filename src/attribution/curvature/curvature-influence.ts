import { blockSum, mul, product, sqrt, store } from '../../arithmetic/rf32.ts';
import type { Backend } from '../../kernels/backend.ts';
import { matrixNT } from '../../kernels/matrix/matrix.ts';
import { Scope } from '../../kernels/scope.ts';
import { type Sequence, packBatch } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
import { loss } from '../../model/loss.ts';
import type { Model } from '../../model/model.ts';
import { LOSS_SCALE } from '../record-gradients.ts';
import type { CurvatureLedger } from './curvature-ledger.ts';
import { readingRows } from './reading-rows.ts';

/** Tokens of an answer, offsets from its first. */
export interface Selection {
  from: number;
  to: number;
}

export interface CurvatureInfluence {
  /** Mean loss of the selected tokens. */
  loss: number;
  /** [n] influence of each record; positive = it lowered the loss. */
  scores: Float32Array;
  /** [n] standard deviation of that score by chance. */
  noise: Float32Array;
}

/** Fed tokens of a pass over several selections of one answer. */
const PASS_ROWS = 768;

/**
 * Influence of every record on parts of one answer, `sequence.ids` from `sequence.start` on; each part's loss is the mean
 * over its tokens, so that the scores of a whole answer are the mean of its tokens' scores. One backward pass per part and
 * checkpoint, one forward pass of the adapter itself for the losses, and n products. Throws RangeError where a selection
 * has no token.
 */
export async function curvatureInfluence(model: Model, lora: Lora, ledger: CurvatureLedger, sequence: Sequence, selections: readonly Selection[]): Promise<CurvatureInfluence[]> {
  const { backend } = model;
  const spans = selections.map(({ from, to }) => ({ from: sequence.start + from, to: Math.min(sequence.ids.length, sequence.start + to) }));
  if (spans.some(({ from, to }) => !(sequence.start <= from && from < to))) throw new RangeError('no token is selected');
  const losses = await tokenLosses(model, lora, sequence);
  const atOnce = Math.max(1, Math.floor(PASS_ROWS / Math.max(sequence.ids.length - 1, 1)));
  const rows = await readingRows(backend, ledger.sketchers, spans.length, async (at, take) => {
    for (let first = 0; first < spans.length; first += atOnce) {
      const some = spans.slice(first, first + atOnce);
      const scope = new Scope(backend);
      try {
        const batch = packBatch(some.map(() => [sequence]), (g, _s, token) => (token >= some[g]!.from && token < some[g]!.to ? LOSS_SCALE / (some[g]!.to - some[g]!.from) : 0), model.config.window);
        const { gradients, total } = loss(scope, model, ledger.checkpoints[at]!, batch, 'adapter');
        take(scope, gradients, first);
        await backend.read(total);
      } finally {
        scope.release();
      }
    }
  });
  const { scores, lengths } = await scoresOf(backend, ledger, rows);
  return spans.map(({ from, to }, q) => {
    let sum = 0;
    for (let token = from; token < to; token++) sum += losses[token - sequence.start]!;
    return { loss: Math.fround(sum / (to - from)), scores: scores[q]!, noise: ledger.noise.map((one) => mul(one, lengths[q]!)) };
  });
}

/** Loss of each of the answer's tokens. */
async function tokenLosses(model: Model, lora: Lora, sequence: Sequence): Promise<Float32Array> {
  const scope = new Scope(model.backend);
  try {
    return (await model.backend.read(loss(scope, model, lora, packBatch([[sequence]], () => 1, model.config.window), 'loss').losses)) as Float32Array;
  } finally {
    scope.release();
  }
}

/** Scores of texts, as `readingRows` gives them, against all records, and the lengths of the texts' gradients, in RF32. */
export async function scoresOf(backend: Backend, { rows, records }: CurvatureLedger, texts: Float32Array): Promise<{ scores: Float32Array[]; lengths: number[] }> {
  const count = texts.length / rows.columns;
  const scope = new Scope(backend);
  try {
    const all = (await backend.read(matrixNT(scope, 'influence', scope.upload('answer', [count, rows.columns], texts), rows))) as Float32Array;
    const each = Array.from({ length: count }, (_, q) => q);
    return {
      scores: each.map((q) => all.slice(q * records, (q + 1) * records)),
      lengths: each.map((q) => sqrt(store(blockSum(rows.columns, (t) => product(texts[q * rows.columns + t]!, texts[q * rows.columns + t]!))))),
    };
  } finally {
    scope.release();
  }
}
