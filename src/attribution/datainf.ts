import type { Tensor } from '../kernels/backend.ts';
import { addTensors } from '../kernels/elementwise/operation.ts';
import { dataInfScores, dataInfWeights } from '../kernels/influence/operation.ts';
import { matmulNN, matmulNT } from '../kernels/matmul/operation.ts';
import { placeRows } from '../kernels/rows/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { type Sequence, packBatch } from '../model/batch.ts';
import { loss } from '../model/loss.ts';
import type { Lora } from '../model/lora.ts';
import type { Model } from '../model/model.ts';
import { type Ledger } from './ledger.ts';
import { LOSS_SCALE } from './record-gradients.ts';

export const METHOD = 'datainf/1';

export interface Influence {
  /** Mean loss of the selected tokens. */
  loss: number;
  /** [n] influence of each record; positive = it lowered the loss. */
  scores: Float32Array;
}

/**
 * Influence of every record on one answer (DataInf, Kwon et al. 2024; formula in kernels/influence). The answer is
 * `sequence.ids` from `sequence.start` on; `selected` limits its loss to some of those tokens (offsets from the
 * answer's first), each counting alike. One backward pass and, per adapter tensor, n dot products.
 */
export async function influence(
  model: Model,
  lora: Lora,
  ledger: Ledger,
  sequence: Sequence,
  selected?: { from: number; to: number },
): Promise<Influence> {
  const { backend } = model;
  const n = ledger.records;
  const from = sequence.start + (selected?.from ?? 0);
  const to = Math.min(sequence.ids.length, sequence.start + (selected?.to ?? sequence.ids.length));
  if (!(from < to)) throw new RangeError('no token is selected');
  const scope = new Scope(backend);
  try {
    const batch = packBatch([[sequence]], (_g, _s, at) => (at >= from && at < to ? LOSS_SCALE / (to - from) : 0), model.config.window);
    const { gradients, total } = loss(scope, model, lora, batch, 'adapter');
    let sum: Tensor | undefined;
    for (const { name, values, gradients: g, gram } of ledger.tensors) {
      const factor = 0.1 / (n * values);
      const row = scope.upload(`${name}.v`, [1, values], new Float32Array(values));
      const v = scope.one(placeRows, `${name}.v`, [row, gradients.get(name)!], { at: 0 });
      const b = scope.one(matmulNT, `${name}.influence.products`, [v, g]);
      const weights = scope.one(dataInfWeights, `${name}.influence.weights`, [b, gram], { factor });
      const c = scope.one(matmulNN, `${name}.influence.shared`, [weights, gram]);
      const scores = scope.one(dataInfScores, `${name}.influence`, [b, c, gram], { factor });
      sum = sum ? scope.one(addTensors, 'influence', [sum, scores]) : scores;
    }
    const scores = (await backend.read(sum!)) as Float32Array;
    return { loss: (await backend.read(total))[0]! / LOSS_SCALE, scores };
  } finally {
    scope.release();
  }
}
