import { OpenLedgerError } from '../errors.ts';
import type { Backend } from '../kernels/backend.ts';
import type { ModelConfig } from '../model/config.ts';
import { type Lora, type LoraConfig, freeLora, uploadLora } from '../model/lora.ts';
import { stepCount } from '../model/recipe.ts';
import { type Tensors, parseSafetensors, writeSafetensors } from '../model/safetensors.ts';
import type { Snapshot } from '../model/train.ts';
import type { Hex } from '../protocol/bytes.ts';
import type { RunFile } from '../protocol/run.ts';
import { tensorsRoot } from '../protocol/tensors.ts';
import { rowsOf } from './tensor-rows.ts';
import { checkpointSteps } from './curvature/settings.ts';

/** States of the adapter along its run, in one file: PEFT's names after `step-000123.`. */
export function checkpointsFile(snapshots: readonly Snapshot[]): { bytes: Uint8Array; root: Hex } {
  const tensors: Tensors = new Map(snapshots.flatMap(({ step, tensors: own }) => [...own].map(([name, tensor]) => [`${prefix(step)}${name}`, tensor] as const)));
  return { bytes: writeSafetensors(tensors, 'F32', { format: 'pt' }), root: tensorsRoot(rowsOf(tensors)) };
}

const prefix = (step: number) => `step-${String(step).padStart(6, '0')}.`;

/** After which steps a run's checkpoints are. `trained`: records that were trained on. */
export function keptSteps(recipe: Pick<RunFile['recipe'], 'epochs' | 'batch'>, trained: number, checkpoints: number): number[] {
  return checkpointSteps(stepCount(recipe, trained), checkpoints);
}

/** Uploads a run's checkpoints. Throws `adapter/other-checkpoints`, `adapter/does-not-fit`, `safetensors/…`. */
export function readCheckpoints(backend: Backend, model: ModelConfig, config: LoraConfig, bytes: Uint8Array | undefined, steps: readonly number[], root: Hex): Lora[] {
  const tensors: Tensors = bytes ? parseSafetensors(bytes, 'checkpoints.safetensors') : new Map();
  const found = tensorsRoot(rowsOf(tensors));
  if (found !== root) {
    throw new OpenLedgerError({
      code: 'adapter/other-checkpoints',
      what: bytes ? 'The checkpoints in this adapter’s folder are not those that its run names.' : 'This adapter’s folder has no checkpoints.',
      why: `run.json commits to ${root.slice(0, 12)}…; the file has ${found.slice(0, 12)}….`,
      next: 'Fetch the whole folder again, or follow the run again from its records: it gives the same checkpoints.',
    });
  }
  const loaded: Lora[] = [];
  try {
    for (const step of steps) {
      const own: Tensors = new Map([...tensors].filter(([name]) => name.startsWith(prefix(step))).map(([name, tensor]) => [name.slice(prefix(step).length), tensor]));
      loaded.push(uploadLora(backend, model, config, own));
    }
  } catch (error) {
    for (const lora of loaded) freeLora(backend, lora);
    throw error;
  }
  return loaded;
}
