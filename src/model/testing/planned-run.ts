import { initialWeights } from '../../../scripts/pretrain/initial-weights.ts';
import { configJson } from '../../../scripts/pretrain/recipe.ts';
import type { Backend } from '../../kernels/backend.ts';
import { parseConfig } from '../config.ts';
import { freeLora } from '../lora.ts';
import { freeModel, uploadModel } from '../model.ts';
import { DEFAULT_RECIPE, type TrainRecipe } from '../recipe.ts';
import { train } from '../train.ts';

export const smallConfig = parseConfig(configJson(64, 2, 160, 512));
export const smallRecipe: TrainRecipe = { ...DEFAULT_RECIPE, rank: 4, alpha: 8 };
export const smallTokens = 40;

/** The run that `planTraining` of the same values counts, on a backend that computes. Returns its peak. */
export async function plannedRun(backend: Backend): Promise<number> {
  // Not constant: a CPU keeps packed forms of constants beside its tensors.
  const model = uploadModel(backend, smallConfig, initialWeights(smallConfig, 1), false);
  const record = [{ ids: Array.from({ length: smallTokens + 1 }, (_, i) => i * 7), start: 1 }];
  freeLora(backend, await train(model, [record, record], { ...smallRecipe, epochs: 1, batch: 2, accumulate: 2 }));
  const { peakBytes } = backend.memory();
  freeModel(model);
  return peakBytes;
}
