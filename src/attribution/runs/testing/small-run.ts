import { randomUnit } from '../../../arithmetic/random.ts';
import type { Backend } from '../../../kernels/backend.ts';
import type { Sequence } from '../../../model/batch.ts';
import { freeLora } from '../../../model/lora.ts';
import type { Model } from '../../../model/model.ts';
import { DEFAULT_RECIPE, type TrainRecipe } from '../../../model/recipe.ts';
import { randomModel, smallConfig } from '../../../model/testing/random-model.ts';
import { initialLora } from '../../../model/train.ts';
import type { CurvatureSettings } from '../../curvature/settings.ts';
import { UnitTracer } from '../../trace/unit-tracer.ts';
import { RunPlan } from '../plan.ts';

/** Three records: two questions of one size, and one of a statement and a question. */
export function smallRecords(vocab: number, seed = 1): Sequence[][] {
  const sequence = (stream: number, length: number, start: number): Sequence => ({ ids: Array.from({ length }, (_, i) => Math.floor(randomUnit(seed, stream, i) * vocab)), start });
  return [[sequence(1, 7, 4)], [sequence(2, 7, 4)], [sequence(3, 4, 1), sequence(4, 6, 3)]];
}

export interface SmallRunOptions {
  recipe?: Partial<TrainRecipe>;
  config?: Record<string, unknown>;
  settings?: Partial<CurvatureSettings>;
  records?: Sequence[][];
}

/** A random model and a run on it: two steps an epoch, the first in two parts; for tests. */
export function smallRun(backend: Backend, { recipe: change = {}, config = {}, settings = {}, records }: SmallRunOptions = {}): { model: Model; plan: RunPlan } {
  const model = randomModel(backend, smallConfig({ max_position_embeddings: 64, hidden_size: 12, intermediate_size: 20, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 6, vocab_size: 40, num_hidden_layers: 1, ...config }), 3);
  const recipe: TrainRecipe = { ...DEFAULT_RECIPE, rank: 2, alpha: 4, targets: ['q_proj', 'v_proj', 'down_proj'], epochs: 2, batch: 2, rate: 0.02, ...change };
  return { model, plan: new RunPlan({ config: model.config, recipe, settings: { checkpoints: 2, draws: 1, dimension: 128, damping: 0.5, seed: 5, ...settings }, records: records ?? smallRecords(model.config.vocab) }) };
}

/** Of the run's units; for tests. */
export async function unitTracer(backend: Backend, model: Model, { subject: { recipe }, ledgerOptions: ledger }: RunPlan): Promise<UnitTracer> {
  const lora = initialLora(backend, model.config, recipe, recipe.seed);
  try {
    return await UnitTracer.of(backend, model, lora, { ledger });
  } finally {
    freeLora(backend, lora);
  }
}
