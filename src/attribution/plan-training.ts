import { OpenLedgerError } from '../errors.ts';
import type { Format } from '../kernels/matrix/matrix.ts';
import type { CountingOptions } from '../kernels/counting/backend.ts';
import { sizeClass } from '../kernels/webgpu/buffer-pool.ts';
import { fittingRecipe, planTraining } from '../model/memory-plan.ts';
import { type TrainRecipe, DEFAULT_ACCUMULATE, checkRecipe } from '../model/recipe.ts';
import { fedTokens } from '../model/train.ts';
import { memoryAllowed } from '../model/weights/plan-weights.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import type { Engine } from './engine.ts';
import { curvatureBytes, requireCurvatureMemory } from './curvature/curvature-ledger.ts';
import { CURVATURE } from './curvature/settings.ts';
import { ledgerShapes } from './ledger-shapes.ts';
import { LEDGER_ROWS } from './record-gradients.ts';

/** What a run will take of this device, counted before anything of it is allocated. Bytes. */
export interface TrainingNeeds {
  /** As it is followed here: in more parts to a step where the memory asks for it. */
  recipe: TrainRecipe;
  /** The base, which is loaded already. */
  weights: number;
  /** The most while it learns: base, adapter with its moments, gradients, activations. */
  training: number;
  /** The most while the records' gradients are taken afterwards. */
  ledger: number;
  /** Undefined where the device does not say. */
  allowed: number | undefined;
}

/** Beside its tensors the CPU keeps every float32 matrix in two further orders, for the way forward and the way back. */
function furtherForms({ backend, model }: Engine): number {
  if (backend.kind !== 'cpu') return 0;
  return 2 * [...model.matrices.values()].reduce((sum, { format, rows, columns }) => sum + (format === 'f32' ? 4 * rows * columns : 0), 0);
}

/**
 * How a run fits into this device's memory, by counting what the same code would allocate. Throws `train/bad-recipe`,
 * `train/no-records`, `train/out-of-memory`, `ledger/too-large`, and `record/…` for records that cannot be learned.
 */
export async function planTrainingRun(engine: Engine, records: readonly DatanetRecord[], given: TrainRecipe): Promise<TrainingNeeds> {
  checkRecipe(given);
  if (!records.length) throw new OpenLedgerError({ code: 'train/no-records', what: 'There is nothing to learn from.', next: 'Choose a version with records.' });
  const { backend, model } = engine;
  const { config } = model;
  const format: Format = model.matrices.get('layers.0.self_attn.q_proj.weight')?.format ?? 'f32';
  const device: CountingOptions = { kind: backend.kind, maxBinding: backend.maxBinding, ...(backend.kind === 'webgpu' && { rounded: sizeClass }) };
  const sequences = engine.sequences(records);
  const longest = sequences.reduce((most, record) => Math.max(most, ...record.map(({ ids }) => ids.length - 1)), 0);
  const counts = sequences.map(fedTokens).sort((a, b) => b - a);
  const sum = (list: number[]) => list.reduce((total, count) => total + count, 0);

  // Tokens of a pass over the records afterwards.
  const pass = await planTraining(config, format, given, Math.min(sum(counts), Math.max(LEDGER_ROWS, counts[0]!)), device, longest);
  const forms = furtherForms(engine);
  const allowed = memoryAllowed(backend) + pass.weights;
  const recipe = Number.isFinite(allowed) ? await fittingRecipe(config, format, given, sequences, allowed - forms, device) : given;
  const part = sum(counts.slice(0, Math.ceil(recipe.batch / (recipe.accumulate ?? DEFAULT_ACCUMULATE))));
  const training = await planTraining(config, format, recipe, part, device, longest);
  const values = ledgerShapes(config, recipe).reduce((total, tensor) => total + tensor.values, 0);
  requireCurvatureMemory(backend, records.length, values, CURVATURE);
  return {
    recipe,
    weights: training.weights,
    training: training.peak + forms,
    ledger: training.weights + forms + curvatureBytes(records.length, values, CURVATURE).building + pass.activations,
    allowed: Number.isFinite(allowed) ? allowed : undefined,
  };
}
