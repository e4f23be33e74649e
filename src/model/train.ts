import { permutation, randomUnit } from '../arithmetic/random.ts';
import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import { breathe } from '../kernels/breathe.ts';
import { addTensors } from '../kernels/elementwise/operation.ts';
import { size } from '../kernels/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { type Sequence, packBatch } from './batch.ts';
import type { ModelConfig } from './config.ts';
import { type Lora, type LoraConfig, adaptedLayers, downloadLora, linearShape } from './lora.ts';
import { type LossOptions, loss } from './loss.ts';
import type { Model } from './model.ts';
import { ADAMW, AdamW, stepRate } from './optimizer.ts';
import { DEFAULT_ACCUMULATE, type TrainRecipe, checkRecipe, stepCount } from './recipe.ts';
import { recordWeight } from './record-loss.ts';
import type { Tensors } from './safetensors.ts';

/** A uniform in ±1/sqrt(in), B zero, as PEFT starts. The factors change: upload without `constant`. */
export function initialLora(backend: Backend, model: ModelConfig, config: LoraConfig, seed: number): Lora {
  const pairs: Lora['pairs'] = new Map();
  adaptedLayers(model, config).forEach(({ name, target, rank, scale }, stream) => {
    const [out, input] = linearShape(model, target);
    const bound = 1 / Math.sqrt(input);
    const a = Float32Array.from({ length: rank * input }, (_, i) => (2 * randomUnit(seed, stream + 1, i) - 1) * bound);
    pairs.set(name, {
      a: backend.upload(`${name}.lora_A`, [rank, input], a),
      b: backend.upload(`${name}.lora_B`, [out, rank], new Float32Array(out * rank)),
      rank,
      scale,
    });
  });
  return { config, pairs };
}

/** The records of step t, in order: each epoch is a fresh permutation. */
export function stepRecords(recipe: TrainRecipe, n: number, t: number): number[] {
  const perEpoch = Math.ceil(n / recipe.batch);
  const epoch = Math.floor(t / perEpoch);
  const order = permutation(n, recipe.seed, 1_000_000 + epoch);
  return order.slice((t % perEpoch) * recipe.batch, (t % perEpoch + 1) * recipe.batch);
}

/** A step's records in the parts in which they are computed, in order. */
export function stepParts<R>(recipe: Pick<TrainRecipe, 'accumulate'>, chosen: readonly R[]): R[][] {
  const each = Math.ceil(chosen.length / (recipe.accumulate ?? DEFAULT_ACCUMULATE));
  return Array.from({ length: Math.ceil(chosen.length / each) }, (_, part) => chosen.slice(part * each, (part + 1) * each));
}

/** A record's sequences. */
export type Example = readonly Sequence[];

/** Sum of the weighted losses of some of `all` records of a step, divided by `all`, with its gradients if wanted. Owned by `scope`. */
export function partLoss(
  scope: Scope, model: Model, lora: Lora, part: readonly Example[], all: number, want: 'loss' | 'adapter',
  { weightOf = () => 1, ...options }: LossOptions & { weightOf?: ((record: Example) => number) | undefined } = {},
) {
  const owner = part.flatMap((record) => record.map((_, s) => ({ record, s })));
  const batch = packBatch([part.flat()], (_g, at) => (weightOf(owner[at]!.record) * recordWeight(owner[at]!.record, owner[at]!.s)) / all, model.config.window);
  return loss(scope, model, lora, batch, want, options);
}

export interface StepOptions extends LossOptions {
  /** By how much a record counts: 1 where undefined. */
  weightOf?: ((record: Example) => number) | undefined;
  /** What the sum of losses is divided by: the records of the parts where undefined. */
  all?: number | undefined;
  /** Takes the sum after each part but the last; those stay until `scope` ends. */
  sums?: Map<string, Tensor>[] | undefined;
}

/** Gradients of a whole step, summed over its parts in order, each part's share of the loss and the losses of its predicted tokens. Owned by `scope`. */
export function stepGradient(
  scope: Scope, model: Model, lora: Lora, parts: readonly (readonly Example[])[],
  { all = parts.reduce((sum, part) => sum + part.length, 0), sums, ...options }: StepOptions = {},
): { gradients: Map<string, Tensor>; totals: Tensor[]; losses: Tensor[] } {
  let gradients = new Map<string, Tensor>();
  const totals: Tensor[] = [];
  const losses: Tensor[] = [];
  for (const part of parts) {
    const inner = new Scope(scope.backend);
    try {
      const { gradients: more, total, losses: each } = partLoss(inner, model, lora, part, all, 'adapter', options);
      scope.take(inner, [total, each]);
      totals.push(total);
      losses.push(each);
      if (gradients.size === 0) {
        scope.take(inner, more.values());
        gradients = more;
      } else {
        sums?.push(new Map(gradients));
        for (const [name, sum] of gradients) {
          gradients.set(name, scope.one(addTensors, name, [sum, more.get(name)!]));
          if (!sums) scope.free(sum);
          inner.free(more.get(name)!);
        }
      }
    } finally {
      inner.release();
    }
  }
  return { gradients, totals, losses };
}

/** Fed tokens per pass of `meanLoss`. */
const ROWS_PER_PASS = 768;

/** Mean loss of records, without gradients. */
export async function meanLoss(model: Model, lora: Lora, records: readonly Example[]): Promise<number> {
  let sum = 0;
  for (let first = 0; first < records.length; ) {
    let end = first + 1;
    for (let rows = fedTokens(records[first]!); end < records.length && (rows += fedTokens(records[end]!)) <= ROWS_PER_PASS; ) end++;
    const scope = new Scope(model.backend);
    try {
      const { total } = partLoss(scope, model, lora, records.slice(first, end), records.length, 'loss');
      sum += (await model.backend.read(total))[0]!;
    } finally {
      scope.release();
    }
    first = end;
    await breathe();
  }
  return sum;
}

/** Tokens fed for a record: the last of each sequence is only predicted. */
export const fedTokens = (record: Example) => record.reduce((sum, { ids }) => sum + ids.length - 1, 0);

export interface StepReport {
  step: number;
  steps: number;
  /** Mean record loss of the step, before its update. */
  loss: number;
  /** Tokens fed so far. */
  tokens: number;
  /** Mean loss of the records held out, after the last step of each epoch. */
  heldOut?: number;
}

/** All that a run needs to go on after `step` steps as if it had never stopped; plain data, to be stored as it is. */
export interface TrainCheckpoint {
  step: number;
  tokens: number;
  /** By parameter, such as `layers.0.mlp.up_proj.lora_A`: its values and AdamW's moments. */
  parameters: { name: string; values: Float32Array; m: Float32Array; v: Float32Array }[];
  /** The adapter as it was after earlier steps that were asked for. */
  snapshots?: Snapshot[];
}

/** An adapter's factors after some steps, under PEFT's names. */
export interface Snapshot {
  step: number;
  tensors: Tensors;
}

/** What a step made, as it stands on the device; by parameter. */
export interface StepMade {
  /** Steps done, this one included. */
  step: number;
  /** Sum of the gradients after each of the step's parts but the last. */
  sums: readonly ReadonlyMap<string, Tensor>[];
  parameters: ReadonlyMap<string, Tensor>;
  moments: ReadonlyMap<string, { m: Tensor; v: Tensor }>;
}

export interface TrainOptions {
  signal?: AbortSignal | undefined;
  onStep?: ((report: StepReport) => void) | undefined;
  /** Go on from here; the base, records and recipe must be those of the run that gave it. */
  checkpoint?: TrainCheckpoint | undefined;
  /** Given every `checkpointEvery` steps (50 by default), and when the run is cancelled between two steps. */
  onCheckpoint?: ((checkpoint: TrainCheckpoint) => void | Promise<void>) | undefined;
  /** A number of steps, or asked after every step whether it is time; then the last step may have one too. */
  checkpointEvery?: number | ((report: StepReport) => boolean) | undefined;
  /** Records that are not trained on: their loss is reported after every epoch. They change no bit. */
  heldOut?: readonly Example[] | undefined;
  /**
   * Weight of each record's loss, 1 where undefined. A record of weight 0 keeps its place in the schedule and takes no
   * part: what the run would have given without it. A step is divided by its records, whatever they weigh.
   */
  weights?: readonly number[] | undefined;
  /** After which steps `onSnapshot` is given the adapter; a run that goes on gives those before its checkpoint again. */
  snapshotSteps?: readonly number[] | undefined;
  onSnapshot?: ((snapshot: Snapshot) => void) | undefined;
  /** Sees what each step made before the next begins, for whoever commits to every step (attribution/runs). Changes no bit. */
  observe?: ((made: StepMade) => Promise<void>) | undefined;
  /** The run ends early, after so many steps, as if it had been interrupted there: a stretch of it is made again. */
  until?: number | undefined;
}

/**
 * Fine-tunes a LoRA adapter. The same base, records and recipe give the same bits on every backend, whether the run is
 * interrupted or not. The adapter belongs to the caller.
 * Throws `cancelled`, `rf32/out-of-range`, `train/bad-recipe`, `train/bad-checkpoint`.
 */
export async function train(model: Model, examples: readonly Example[], recipe: TrainRecipe, options: TrainOptions = {}): Promise<Lora> {
  const { backend } = model;
  // Records are told apart by identity: one that stands there twice may have two weights.
  const records = options.weights ? examples.map((record) => [...record]) : examples;
  const { signal, onStep, checkpoint, onCheckpoint, checkpointEvery = 50, heldOut = [], weights, snapshotSteps = [], onSnapshot, observe, until = Infinity } = options;
  checkRecipe(recipe);
  const lora = initialLora(backend, model.config, recipe, recipe.seed);
  if (!lora.pairs.size) {
    throw new OpenLedgerError({ code: 'train/bad-recipe', what: 'The recipe cannot be followed: it adapts no layer.', why: 'No layer of this model is among its targets, layers and patterns.', next: 'Choose targets.' });
  }
  const parameters = new Map([...lora.pairs].flatMap(([name, { a, b }]) => [[`${name}.lora_A`, a] as const, [`${name}.lora_B`, b] as const]));
  const optimizer = new AdamW(backend, parameters, ADAMW);
  const steps = stepCount(recipe, records.length);
  const perEpoch = steps / recipe.epochs;
  const weightByRecord = weights && new Map(records.map((record, k) => [record, weights[k] ?? 1]));
  const weightOf = weightByRecord && ((record: Example) => weightByRecord.get(record)!);
  let tokens = 0;
  let given = -1;
  const giveCheckpoint = async (step: number) => {
    if (!onCheckpoint || given === step) return;
    given = step;
    const state = await readCheckpoint(backend, parameters, optimizer, step, tokens);
    await onCheckpoint(snapshots.length ? { ...state, snapshots: [...snapshots] } : state);
  };
  const snapshots: Snapshot[] = [];
  const keepSnapshot = (snapshot: Snapshot) => {
    snapshots.push(snapshot);
    onSnapshot?.(snapshot);
  };
  try {
    if (checkpoint) {
      restore(backend, parameters, optimizer, checkpoint, steps);
      tokens = checkpoint.tokens;
      given = checkpoint.step;
      const missing = snapshotSteps.find((step) => step <= checkpoint.step && !checkpoint.snapshots?.some((one) => one.step === step));
      if (missing !== undefined) throw unfit(`It does not hold the adapter after step ${missing}.`);
      checkpoint.snapshots?.forEach(keepSnapshot);
    }
    for (let step = checkpoint?.step ?? 0; step < Math.min(steps, until); step++) {
      if (signal?.aborted) await giveCheckpoint(step);
      throwIfAborted(signal);
      const places = stepRecords(recipe, records.length, step);
      const chosen = places.filter((k) => weights?.[k] !== 0).map((k) => records[k]!);
      const report: StepReport = { step: step + 1, steps, loss: 0, tokens: (tokens += chosen.reduce((sum, record) => sum + fedTokens(record), 0)) };
      const scope = new Scope(backend);
      try {
        const sums: StepOptions['sums'] = observe && [];
        const { gradients, totals } = stepGradient(scope, model, lora, stepParts(recipe, chosen), { all: places.length, weightOf, sums });
        // Without any record the step still follows its momentum.
        if (!gradients.size) for (const [name, { shape }] of parameters) gradients.set(name, scope.create(name, shape, 'f32'));
        optimizer.step(gradients, stepRate(recipe, step, steps));
        for (const total of totals) report.loss += (await backend.read(total))[0]!;
        if (sums) await observe?.({ step: step + 1, sums, parameters, moments: optimizer.moments });
      } finally {
        scope.release();
      }
      if (heldOut.length && (step + 1) % perEpoch === 0) report.heldOut = await meanLoss(model, lora, heldOut);
      if (snapshotSteps.includes(step + 1)) keepSnapshot({ step: step + 1, tensors: await downloadLora(backend, lora) });
      onStep?.(report);
      const due = typeof checkpointEvery === 'function' ? checkpointEvery(report) : (step + 1) % checkpointEvery === 0 && step + 1 < steps;
      if (due) await giveCheckpoint(step + 1);
      await breathe();
    }
    return lora;
  } catch (error) {
    for (const tensor of parameters.values()) backend.free(tensor);
    throw error;
  } finally {
    optimizer.release();
  }
}

const unfit = (why: string) => new OpenLedgerError({ code: 'train/bad-checkpoint', what: 'Training cannot go on from what was kept.', why, next: 'Begin it again.' });

async function readCheckpoint(backend: Backend, parameters: Map<string, Tensor>, optimizer: AdamW, step: number, tokens: number): Promise<TrainCheckpoint> {
  const read = async (tensor: Tensor) => (await backend.read(tensor)) as Float32Array;
  const out: TrainCheckpoint = { step, tokens, parameters: [] };
  for (const [name, tensor] of parameters) {
    const { m, v } = optimizer.moments.get(name)!;
    out.parameters.push({ name, values: await read(tensor), m: await read(m), v: await read(v) });
  }
  return out;
}

function restore(backend: Backend, parameters: Map<string, Tensor>, optimizer: AdamW, checkpoint: TrainCheckpoint, steps: number): void {
  if (!Number.isSafeInteger(checkpoint.step) || checkpoint.step < 0 || checkpoint.step > steps) throw unfit(`Step ${checkpoint.step} is not one of ${steps}.`);
  const kept = new Map(checkpoint.parameters.map((parameter) => [parameter.name, parameter]));
  if (kept.size !== parameters.size) throw unfit(`It has ${kept.size} tensors; this recipe has ${parameters.size}.`);
  for (const [name, tensor] of parameters) {
    const { values, m, v } = kept.get(name) ?? {};
    if ([values, m, v].some((part) => part?.length !== size(tensor.shape))) throw unfit(`It does not fit ${name}.`);
    const moments = optimizer.moments.get(name)!;
    backend.write(tensor, 0, values!);
    backend.write(moments.m, 0, m!);
    backend.write(moments.v, 0, v!);
  }
  optimizer.resumeAt(checkpoint.step);
}
