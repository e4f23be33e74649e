import { matrixNT } from '../../kernels/matrix/matrix.ts';
import { Scope } from '../../kernels/scope.ts';
import { type Sequence, packBatch } from '../../model/batch.ts';
import type { Lora } from '../../model/lora.ts';
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
 * over its tokens, so that the scores of a whole answer are the mean of its tokens' scores. One backward pass per part,
 * and n products. Throws RangeError where a selection has no token.
 */
export async function curvatureInfluence(model: Model, lora: Lora, ledger: CurvatureLedger, sequence: Sequence, selections: readonly Selection[]): Promise<CurvatureInfluence[]> {
  const { backend } = model;
  const { sketcher, records, rows, noise } = ledger;
  const spans = selections.map(({ from, to }) => ({ from: sequence.start + from, to: Math.min(sequence.ids.length, sequence.start + to) }));
  if (spans.some(({ from, to }) => !(sequence.start <= from && from < to))) throw new RangeError('no token is selected');
  const out: CurvatureInfluence[] = [];
  const atOnce = Math.max(1, Math.floor(PASS_ROWS / Math.max(sequence.ids.length - 1, 1)));
  for (let first = 0; first < spans.length; first += atOnce) {
    const some = spans.slice(first, first + atOnce);
    const scope = new Scope(backend);
    try {
      const batch = packBatch(some.map(() => [sequence]), (g, _s, token) => (token >= some[g]!.from && token < some[g]!.to ? LOSS_SCALE / (some[g]!.to - some[g]!.from) : 0), model.config.window);
      const { gradients, losses } = loss(scope, model, lora, batch, 'adapter');
      const v = scope.create('answer.gradients', [some.length, sketcher.dimension], 'f32');
      sketcher.add(scope, v, gradients, 0);
      const scores = (await backend.read(matrixNT(scope, 'influence', v, rows))) as Float32Array;
      const lengths = rowLengths((await backend.read(v)) as Float32Array, some.length);
      const means = meanLosses((await backend.read(losses)) as Float32Array, sequence, some);
      some.forEach((_, q) => out.push({ loss: means[q]!, scores: scores.slice(q * records, (q + 1) * records), noise: noise.map((one) => one * lengths[q]!) }));
    } finally {
      scope.release();
    }
  }
  return out;
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

/** Euclidean lengths of some rows. */
export function rowLengths(values: Float32Array, rows: number): number[] {
  const width = values.length / Math.max(rows, 1);
  return Array.from({ length: rows }, (_, q) => Math.sqrt(values.subarray(q * width, (q + 1) * width).reduce((sum, value) => sum + value * value, 0)));
}
