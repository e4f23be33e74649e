import type { Model } from '../../../src/model/model.ts';
import { Scope } from '../../../src/kernels/scope.ts';
import { type Sequence, packBatch } from '../../../src/model/batch.ts';
import { loss } from '../../../src/model/loss.ts';
import type { Lora } from '../../../src/model/lora.ts';

/** Mean loss of the predicted tokens of each sequence, in nats: one packed pass, summed in float64 in token order. */
export async function queryLosses(model: Model, lora: Lora | undefined, queries: readonly Sequence[]): Promise<number[]> {
  const scope = new Scope(model.backend);
  try {
    const { losses } = loss(scope, model, lora, packBatch(queries.map((query) => [query]), () => 1, model.config.window), 'loss');
    const values = await model.backend.read(losses);
    let at = 0;
    return queries.map(({ ids, start }) => {
      const count = ids.length - start;
      let sum = 0;
      for (let token = 0; token < count; token++) sum += values[at++]!;
      return sum / count;
    });
  } finally {
    scope.release();
  }
}
