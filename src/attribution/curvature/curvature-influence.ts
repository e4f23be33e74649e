import { matrixNT } from '../../kernels/matrix/matrix.ts';
import { Scope } from '../../kernels/scope.ts';
import { type Sequence, packBatch } from '../../model/batch.ts';
import { loss } from '../../model/loss.ts';
import type { Model } from '../../model/model.ts';
import { LOSS_SCALE } from '../record-gradients.ts';
import type { CurvatureLedger } from './curvature-ledger.ts';

/** Tokens of an answer, offsets from its first. */
export interface Selection {
  from: number;
  to: number;
}

export interface CurvatureInfluence {
  /** Mean loss of the selected tokens, by the adapter itself. */
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
 * over its tokens, so that the scores of a whole answer are the mean of its tokens' scores. One backward pass per
 * checkpoint and part, and n products. Throws RangeError where a selection has no token.
 */
export async function curvatureInfluence(
  model: Model, ledger: CurvatureLedger, sequence: Sequence, selections: readonly Selection[],
): Promise<CurvatureInfluence[]> {
  const { backend } = model;
  const { width, checkpoints, sketchers, records, rows, noise } = ledger;
  const columns = checkpoints.length * width;
  const spans = selections.map(({ from, to }) => ({ from: sequence.start + from, to: Math.min(sequence.ids.length, sequence.start + to) }));
  if (spans.some(({ from, to }) => !(sequence.start <= from && from < to))) throw new RangeError('no token is selected');
  const losses = new Float64Array(spans.length);
  const v = new Float32Array(spans.length * columns);
  const atOnce = Math.max(1, Math.floor(PASS_ROWS / Math.max(sequence.ids.length - 1, 1)));
  for (const [at, lora] of checkpoints.entries()) {
    for (let first = 0; first < spans.length; first += atOnce) {
      const some = spans.slice(first, first + atOnce);
      const scope = new Scope(backend);
      try {
        const batch = packBatch(some.map(() => [sequence]), (g, _s, token) => (token >= some[g]!.from && token < some[g]!.to ? LOSS_SCALE / (some[g]!.to - some[g]!.from) : 0), model.config.window);
        const result = loss(scope, model, lora, batch, 'adapter');
        const G = scope.create('answer.gradients', [some.length, width], 'f32');
        sketchers[at]!.add(scope, G, result.gradients, 0);
        const read = (await backend.read(G)) as Float32Array;
        some.forEach((_, q) => v.set(read.subarray(q * width, (q + 1) * width), (first + q) * columns + at * width));
        if (at === checkpoints.length - 1) meanLosses((await backend.read(result.losses)) as Float32Array, sequence, some).forEach((value, q) => (losses[first + q] = value));
      } finally {
        scope.release();
      }
    }
  }
  const scope = new Scope(backend);
  try {
    const scores = (await backend.read(matrixNT(scope, 'influence', scope.upload('answer', [spans.length, columns], v), rows))) as Float32Array;
    return spans.map((_, q) => {
      const length = norm(v.subarray(q * columns, (q + 1) * columns));
      return { loss: losses[q]!, scores: scores.slice(q * records, (q + 1) * records), noise: noise.map((one) => one * length) };
    });
  } finally {
    scope.release();
  }
}

/** Float64 with + · / alone, rounded once: the same everywhere. */
function meanLosses(losses: Float32Array, { ids, start }: Sequence, spans: readonly { from: number; to: number }[]): number[] {
  const tokens = ids.length - start;
  return spans.map(({ from, to }, q) => {
    let sum = 0;
    for (let token = from; token < to; token++) sum += losses[q * tokens + token - start]!;
    return Math.fround(sum / (to - from));
  });
}

function norm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}
