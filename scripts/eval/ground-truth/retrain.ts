import type { Engine } from '../../../src/attribution/engine.ts';
import { freeLora } from '../../../src/model/lora.ts';
import { train } from '../../../src/model/train.ts';
import { type RunName, type Setup, materialOf, orderOf, weightsOf } from './setup.ts';
import { queryLosses } from './query-losses.ts';

/** Trains an adapter as a run says and gives the loss of each query, in nats per token. Throws what `train` throws. */
export async function retrain(engine: Engine, setup: Setup, run: RunName, signal?: AbortSignal): Promise<number[]> {
  const { records, queries } = materialOf(setup, run);
  const sequences = engine.sequences(records);
  const weights = weightsOf(setup, run);
  const order = orderOf(setup, run);
  const everything = weights.every((weight) => weight === 1);
  const lora = await train(engine.model, order.map((k) => sequences[k]!), setup.recipe, { signal, ...(everything ? {} : { weights: order.map((k) => weights[k]!) }) });
  try {
    return await queryLosses(engine.model, lora, querySequences(engine, queries));
  } finally {
    freeLora(engine.backend, lora);
  }
}

/** What is read of queries: the loss counts the right answer. */
export function querySequences(engine: Pick<Engine, 'sequences'>, queries: Setup['queries']) {
  return engine.sequences(queries.map(({ question, answer }) => ({ text: '', questions: [{ question, answer }] }))).map(([sequence]) => sequence!);
}
