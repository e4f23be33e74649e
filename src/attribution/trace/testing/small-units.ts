import { permutation, randomUnit } from '../../../arithmetic/random.ts';
import type { Backend, Tensor } from '../../../kernels/backend.ts';
import { Scope } from '../../../kernels/scope.ts';
import type { Sequence } from '../../../model/batch.ts';
import type { Lora } from '../../../model/lora.ts';
import type { Model } from '../../../model/model.ts';
import { ADAMW, stepRate } from '../../../model/optimizer.ts';
import { DEFAULT_RECIPE, type TrainRecipe, stepCount } from '../../../model/recipe.ts';
import { recordWeight } from '../../../model/record-loss.ts';
import { type Example, type TrainCheckpoint, initialLora, stepParts, stepRecords, train } from '../../../model/train.ts';
import { randomModel, smallConfig } from '../../../model/testing/random-model.ts';
import { LOSS_SCALE, type Labels } from '../../record-gradients.ts';
import type { Matrix } from '../run.ts';
import type { Text, UnitInputs } from '../unit.ts';
import { type UnitKind, partKind } from '../unit-program.ts';
import { UnitTracer } from '../unit-tracer.ts';
import type { SmallOptions } from './small-trace.ts';

/** A unit of a run with what it reads, and its outputs as the engine computes them. */
export interface SmallUnit {
  what: string;
  kind: UnitKind;
  inputs: UnitInputs;
  sources: Matrix[][];
  made: Matrix[];
}

export interface SmallRun {
  model: Model;
  tracer: UnitTracer;
  records: Example[];
  recipe: TrainRecipe;
  lora: Lora;
}

/** A random model and records of one to three texts, some longer than a window of 5; for tests. */
export async function smallRun(backend: Backend, { config: change = {}, lora = {}, format = 'f32' }: SmallOptions = {}, given: Partial<TrainRecipe> = {}): Promise<SmallRun> {
  const config = smallConfig({ max_position_embeddings: 64, ...change });
  const model = randomModel(backend, config, 3, format);
  const recipe: TrainRecipe = { ...DEFAULT_RECIPE, rank: 3, alpha: 6, epochs: 3, batch: 5, accumulate: 3, rate: 0.01, ...lora, ...given };
  const lengths = [[6, 2], [4, 1, 11, 5], [12, 6], [3, 2], [7, 3, 2, 1, 9, 4]];
  let token = 0;
  const records = lengths.map((record) => Array.from({ length: record.length / 2 }, (_, s): Sequence => {
    const [count, answer] = [record[2 * s]!, record[2 * s + 1]!];
    return { ids: Array.from({ length: count }, () => Math.floor(randomUnit(5, 6, token++) * config.vocab)), start: count - answer };
  }));
  const initial = initialLora(backend, config, recipe, recipe.seed);
  return { model, tracer: await UnitTracer.of(backend, model, initial, {}), records, recipe, lora: initial };
}

const matrix = (rows: number, values: Float32Array): Matrix => ({ rows, columns: values.length / rows, values });
const texts = (record: Example, weight: (sequence: number) => number): Text[] => record.map(({ ids, start }, s) => ({ tokens: ids, answer: ids.length - start, weight: Math.fround(weight(s)) }));

/** m, v, θ of all tensors. */
function stateOf({ parameters }: TrainCheckpoint, rows: readonly number[]): Matrix[] {
  return (['m', 'v', 'values'] as const).flatMap((which) => parameters.map((parameter, k) => matrix(rows[k]!, parameter[which])));
}

/** Every unit of a run's training; `made` is what train() itself gives, and of parts its sums of gradients as `partSums` gives them. */
export async function trainingUnits({ model, records, recipe, lora }: SmallRun, partSums: (lora: Lora, parts: Example[][], all: number) => Promise<Map<string, Tensor>[]>): Promise<SmallUnit[]> {
  const { backend } = model;
  const tensors = [...lora.pairs].flatMap(([name, { a, b }]) => [{ name: `${name}.lora_A`, tensor: a }, { name: `${name}.lora_B`, tensor: b }]);
  const rows = tensors.map(({ tensor }) => tensor.shape[0]!);
  const states: TrainCheckpoint[] = [{
    step: 0, tokens: 0,
    parameters: await Promise.all(tensors.map(async ({ name, tensor }) => {
      const values = (await backend.read(tensor)) as Float32Array;
      return { name, values, m: new Float32Array(values.length), v: new Float32Array(values.length) };
    })),
  }];
  await train(model, records, recipe, { onCheckpoint: (state) => void states.push(state), checkpointEvery: () => true });
  const units: SmallUnit[] = [];
  const steps = stepCount(recipe, records.length);
  let [power1, power2] = [1, 1];
  for (let step = 0; step < steps; step++) {
    power1 *= ADAMW.beta1;
    power2 *= ADAMW.beta2;
    const scalars = [stepRate(recipe, step, steps), 1 / (1 - power1), 1 / (1 - power2)].map(Math.fround);
    const before = stateOf(states[step]!, rows);
    const chosen = stepRecords(recipe, records.length, step).map((k) => records[k]!);
    const parts = stepParts(recipe, chosen);
    const scope = new Scope(backend);
    const sums = await partSums(loraOf(scope, lora, states[step]!), parts, chosen.length);
    let previous: Matrix[] | undefined;
    for (const [part, group] of parts.entries()) {
      const kind = partKind(part, parts.length);
      const last = part === parts.length - 1;
      const made: Matrix[] = last
        ? stateOf(states[step + 1]!, rows)
        : await Promise.all(tensors.map(async ({ name }, k) => matrix(rows[k]!, (await backend.read(sums[part]!.get(name)!)) as Float32Array)));
      units.push({
        what: `step ${step}, part ${part} (${kind})`, kind, made, sources: previous ? [before, previous] : [before],
        inputs: { texts: group.flatMap((record) => texts(record, (s) => recordWeight(record, s) / chosen.length)), scalars: last ? scalars : [] },
      });
      previous = made;
    }
    scope.release();
  }
  return units;
}

/** The adapter with the weights of a state. */
export function loraOf(scope: Scope, lora: Lora, { parameters }: TrainCheckpoint): Lora {
  const values = new Map(parameters.map((parameter) => [parameter.name, parameter.values]));
  const pairs: Lora['pairs'] = new Map([...lora.pairs].map(([name, { a, b, rank, scale }]) => [
    name, { a: scope.upload(name, a.shape, values.get(`${name}.lora_A`)!), b: scope.upload(name, b.shape, values.get(`${name}.lora_B`)!), rank, scale },
  ]));
  return { config: lora.config, pairs };
}

/** Inputs of the unit that makes record `number`'s gradient. */
export function gradientInputs(record: Example, number: number, labels: Labels): UnitInputs {
  const weights = texts(record, (s) => (labels === 'own' ? recordWeight(record, s) : Math.sqrt(recordWeight(record, s))) * LOSS_SCALE);
  const predicted = record.reduce((sum, { ids, start }) => sum + ids.length - start, 0);
  // As eachLabelGradients draws them.
  const stream = (draw: number) => Math.imul(number, 0x9e3779b1) + draw;
  return { texts: weights, scalars: labels === 'own' ? [] : Array.from({ length: predicted }, (_, token) => Math.fround(randomUnit(labels.seed, stream(labels.draw), token))) };
}

/** Values in no order of their own. */
export const shuffled = <T>(list: readonly T[], seed: number): T[] => permutation(list.length, seed, 1).map((k) => list[k]!);
