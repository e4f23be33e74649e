import { freeLora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { recipeOfRun } from '../../model/recipe.ts';
import { initialLora } from '../../model/train.ts';
import type { Hex } from '../../protocol/bytes.ts';
import type { DatanetRecord } from '../../protocol/record.ts';
import type { RunFile } from '../../protocol/run.ts';
import type { Backend } from '../../kernels/backend.ts';
import { settingsOf } from '../adapters.ts';
import type { Engine } from '../engine.ts';
import { UnitTracer } from '../trace/unit-tracer.ts';
import { RunPlan, type RunSubject } from './plan.ts';
import { type ReplayOptions, RunReplay } from './replay.ts';
import { PlanTree, makeOutputRoots } from './statement.ts';

/** A run that can be made again here, and disputed. */
export interface OpenRun {
  plan: RunPlan;
  replay: RunReplay;
  tracer: UnitTracer;
}

/** The run that an adapter's run.json tells of. `records`: all of the Datanet version, copies too. Throws `record/…`, `train/bad-recipe`, `run/too-long`, `cancelled`. */
export async function openRun(engine: Engine, run: RunFile, records: readonly DatanetRecord[], { signal, tracing }: { signal?: AbortSignal | undefined; tracing?: Backend | undefined } = {}): Promise<OpenRun> {
  const { clusters } = run.datanet;
  const trained = clusters ? records.filter((_, k) => clusters[k] === k) : records;
  const subject: RunSubject = { config: engine.model.config, recipe: recipeOfRun(run.recipe), settings: settingsOf(run), records: engine.sequences(trained) };
  // Units are traced on the CPU, whatever trains: their many small products do not pay on a graphics processor.
  const backend = tracing ?? (engine.backend.kind === 'webgpu' ? await (await import('../../kernels/cpu/backend.ts')).createCpuBackend() : engine.backend);
  return openSubject(engine.model, subject, backend, signal);
}

/** `tracing` multiplies where units are traced; the model may be on another. */
export async function openSubject(model: Model, subject: RunSubject, tracing: Backend, signal?: AbortSignal): Promise<OpenRun> {
  const plan = new RunPlan(subject);
  const { recipe } = subject;
  const lora = initialLora(model.backend, model.config, recipe, recipe.seed);
  try {
    const tracer = await UnitTracer.of(tracing, model, lora, { signal, ledger: plan.ledgerOptions });
    return { plan, replay: new RunReplay(model, plan, tracer), tracer };
  } finally {
    freeLora(model.backend, lora);
  }
}

/** What an adapter's owner vouches for: Runs.vouch. `bytes`: the list that is posted with it. */
export interface MadeStatement {
  planRoot: Hex;
  outputsRoot: Hex;
  units: number;
  bytes: Uint8Array;
}

/** Makes the whole run again. Throws what RunReplay.follow throws. */
export async function makeStatement({ plan, replay, tracer }: OpenRun, options: ReplayOptions = {}): Promise<MadeStatement> {
  const outputs = await makeOutputRoots(replay, options);
  const planned = new PlanTree(plan, (kind) => tracer.programHash(kind), outputs.of(0));
  return { planRoot: planned.root, outputsRoot: outputs.root, units: plan.count, bytes: outputs.bytes };
}
