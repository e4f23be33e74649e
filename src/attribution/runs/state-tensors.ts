import { factorKey } from '../../model/lora.ts';
import type { Tensors } from '../../model/safetensors.ts';
import type { Matrix } from '../trace/run.ts';
import type { RunPlan } from './plan.ts';
import type { RunReplay } from './replay.ts';

/** The factors of a state, as a state's unit makes them, under PEFT's names. */
export function stateTensors({ tensors }: RunPlan, state: readonly Matrix[]): Tensors {
  return new Map(tensors.map(({ layer, factor, rows, columns }, k) => [factorKey(layer, factor), { shape: [rows, columns], values: state[2 * tensors.length + k]!.values }]));
}

/** The adapter after some steps of its run. Throws what RunReplay.outputsOf throws. */
export async function tensorsAfter(plan: RunPlan, replay: RunReplay, steps: readonly number[]): Promise<Map<number, Tensors>> {
  const made = await replay.outputsOf(steps.map((step) => plan.stateUnit(step)));
  return new Map(steps.map((step) => [step, stateTensors(plan, made.get(plan.stateUnit(step))!)]));
}
