/**
 * A training run made once more, with the states between its steps: what reversing it needs. The run is the recorded
 * one to the bit, which `isPublished` lets the caller check. Plain data besides the model: nothing of it is held on the device.
 */
import { OpenLedgerError } from '../../errors.ts';
import { downloadLora, freeLora } from '../../model/lora.ts';
import type { Model } from '../../model/model.ts';
import { ADAMW, scheduledRate } from '../../model/optimizer.ts';
import { type TrainRecipe, checkRecipe, stepCount } from '../../model/recipe.ts';
import type { Tensors } from '../../model/safetensors.ts';
import { type Example, type TrainCheckpoint, type TrainOptions, initialLora, stepRecords, train } from '../../model/train.ts';
import { type State, stepConstants } from './reverse-adamw.ts';
import type { RunStep } from './reverse-steps.ts';

/** Where each adapter tensor lies in the P values of a state. */
export interface Place {
  name: string;
  at: number;
  length: number;
}

interface KeptState extends State {
  step: number;
  /** Fed up to here: part of a checkpoint. */
  tokens: number;
  theta: Float32Array;
  m: Float32Array;
  v: Float32Array;
}

export interface Trajectory {
  model: Model;
  records: readonly Example[];
  recipe: TrainRecipe;
  weights: readonly number[] | undefined;
  steps: number;
  layout: Place[];
  /** P: values of the adapter. */
  values: number;
  /** States of steps 0, `every`, 2·`every`, …, and that after the last. 12 P bytes each. */
  kept: KeptState[];
  every: number;
  /** The adapter that the run ends with, under PEFT's names. */
  factors: Tensors;
}

export interface RecordRunOptions {
  signal?: AbortSignal | undefined;
  /** Weights of the records' losses that the run had: 1 where undefined; see TrainOptions. */
  weights?: readonly number[] | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Whether these factors are the published adapter's. Without it nothing is compared. */
  isPublished?: ((factors: Tensors) => boolean) | undefined;
  /**
   * Up to so many bytes of states all of them are kept (256 MiB where undefined). Of a longer run, every ⌈√T⌉-th of T steps is
   * and the rest made again, a stretch at a time: some 24 √T · P bytes, and the time of one more run for each reverse.
   */
  keepBytes?: number | undefined;
}

const KEEP_BYTES = 256 * 2 ** 20;
const BYTES_PER_VALUE = 12;

/** Bytes of states that a reverse holds on the host: those kept and those of one stretch. */
export function trajectoryBytes(values: number, steps: number, keepBytes = KEEP_BYTES): number {
  const every = stretch(values, steps, keepBytes);
  const states = Math.floor(steps / every) + 2;
  return BYTES_PER_VALUE * values * (every === 1 ? steps + 1 : states + every + 1);
}

const stretch = (values: number, steps: number, keepBytes: number) =>
  (steps + 1) * BYTES_PER_VALUE * values <= keepBytes ? 1 : Math.max(1, Math.ceil(Math.sqrt(steps)));

/**
 * Follows a recorded run again. `records` are all that it was trained on, in their order, and `model` is its base.
 * Throws `replay/no-records`, `replay/other-adapter` where `isPublished` says no, and what `train` throws.
 */
export async function recordRun(model: Model, records: readonly Example[], recipe: TrainRecipe, options: RecordRunOptions = {}): Promise<Trajectory> {
  const { signal, weights, onProgress, isPublished, keepBytes = KEEP_BYTES } = options;
  checkRecipe(recipe);
  if (!records.length) {
    throw new OpenLedgerError({ code: 'replay/no-records', what: 'This run cannot be replayed: it has no records.', next: 'Choose an adapter that was trained on records.' });
  }
  const start = await initialState(model, recipe);
  const layout: Place[] = [];
  let values = 0;
  for (const { name, values: tensor } of start.parameters) {
    layout.push({ name, at: values, length: tensor.length });
    values += tensor.length;
  }
  const steps = stepCount(recipe, records.length);
  const every = stretch(values, steps, keepBytes);
  const trajectory: Trajectory = { model, records, recipe, weights, steps, layout, values, kept: [flat(layout, values, start)], every, factors: new Map() };
  const lora = await train(model, records, recipe, {
    signal, weights,
    onStep: ({ step }) => onProgress?.(step, steps),
    checkpointEvery: ({ step }) => step % every === 0 || step === steps,
    onCheckpoint: (checkpoint) => void trajectory.kept.push(flat(layout, values, checkpoint)),
  });
  try {
    trajectory.factors = await downloadLora(model.backend, lora);
  } finally {
    freeLora(model.backend, lora);
  }
  if (isPublished && !isPublished(trajectory.factors)) {
    throw new OpenLedgerError({
      code: 'replay/other-adapter',
      what: 'The replayed run ends with another adapter than the one that answered.',
      why: 'Its base, its records or its recipe are not those the adapter was made with, or it was not made by this program.',
      next: 'Compare the adapter’s base and Datanet version with its run.json, or train it again.',
    });
  }
  return trajectory;
}

/** The steps of a run from the last to the first, in stretches that are made again where they were not kept. */
export async function* stepsBackwards(trajectory: Trajectory, signal?: AbortSignal): AsyncGenerator<{ t: number; step: RunStep }> {
  const { steps, every, kept } = trajectory;
  for (let end = steps; end > 0; ) {
    const first = Math.floor((end - 1) / every) * every;
    const states = every === 1 ? [kept[first]!, kept[end]!] : await madeAgain(trajectory, kept[first / every]!, end, signal);
    for (let t = end - 1; t >= first; t--) yield { t, step: runStep(trajectory, t, states[t - first]!, states[t - first + 1]!) };
    end = first;
  }
}

/** The states from a kept one up to step `end`. */
async function madeAgain({ model, records, recipe, weights, layout, values }: Trajectory, from: KeptState, end: number, signal: AbortSignal | undefined): Promise<KeptState[]> {
  const states = [from];
  const options: TrainOptions = {
    signal, weights, until: end,
    ...(from.step > 0 && { checkpoint: asCheckpoint(layout, from) }),
    checkpointEvery: () => true,
    // A run that is cancelled gives its state once more.
    onCheckpoint: (checkpoint) => void states.push(flat(layout, values, checkpoint)),
  };
  freeLora(model.backend, await train(model, records, recipe, options));
  return states;
}

function runStep({ records, recipe, weights, steps }: Trajectory, t: number, before: KeptState, after: KeptState): RunStep {
  const places = stepRecords(recipe, records.length, t);
  const warmup = Math.max(1, Math.floor(steps / 10));
  return {
    before, after,
    constants: stepConstants(ADAMW, scheduledRate(recipe.rate, t, steps, warmup, recipe.schedule), t),
    records: places.filter((k) => weights?.[k] !== 0),
    divisor: places.length,
  };
}

/** What a run begins with. */
async function initialState({ backend, config }: Model, recipe: TrainRecipe): Promise<TrainCheckpoint> {
  const lora = initialLora(backend, config, recipe, recipe.seed);
  try {
    const parameters: TrainCheckpoint['parameters'] = [];
    for (const [name, { a, b }] of lora.pairs) {
      for (const [letter, tensor] of [['A', a], ['B', b]] as const) {
        const values = (await backend.read(tensor)) as Float32Array;
        parameters.push({ name: `${name}.lora_${letter}`, values, m: new Float32Array(values.length), v: new Float32Array(values.length) });
      }
    }
    return { step: 0, tokens: 0, parameters };
  } finally {
    freeLora(backend, lora);
  }
}

function flat(layout: readonly Place[], values: number, { step, tokens, parameters }: TrainCheckpoint): KeptState {
  const state: KeptState = { step, tokens, theta: new Float32Array(values), m: new Float32Array(values), v: new Float32Array(values) };
  layout.forEach(({ at }, i) => {
    const parameter = parameters[i]!;
    state.theta.set(parameter.values, at);
    state.m.set(parameter.m, at);
    state.v.set(parameter.v, at);
  });
  return state;
}

function asCheckpoint(layout: readonly Place[], { step, tokens, theta, m, v }: KeptState): TrainCheckpoint {
  const part = (all: Float32Array, { at, length }: Place) => all.subarray(at, at + length);
  return { step, tokens, parameters: layout.map((place) => ({ name: place.name, values: part(theta, place), m: part(m, place), v: part(v, place) })) };
}
