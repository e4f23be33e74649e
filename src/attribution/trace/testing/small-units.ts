import { randomUnit } from '../../../arithmetic/random.ts';
import type { Backend } from '../../../kernels/backend.ts';
import { Scope } from '../../../kernels/scope.ts';
import type { Sequence } from '../../../model/batch.ts';
import type { Lora } from '../../../model/lora.ts';
import type { Model } from '../../../model/model.ts';
import { ADAMW, stepRate } from '../../../model/optimizer.ts';
import { DEFAULT_RECIPE, type TrainRecipe, stepCount } from '../../../model/recipe.ts';
import { recordWeight } from '../../../model/record-loss.ts';
import { type Example, type TrainCheckpoint, initialLora, stepGradient, stepParts, stepRecords, train } from '../../../model/train.ts';
import { randomModel, smallConfig } from '../../../model/testing/random-model.ts';
import { LOSS_SCALE, type Labels, eachLabelGradients } from '../../record-gradients.ts';
import { layersOf } from '../program.ts';
import type { Matrix } from '../run.ts';
import type { Text, UnitInputs } from '../unit.ts';
import { type UnitKind, partKind, stateShapes } from '../unit-program.ts';
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

/** Models and recipes with every awkward size. */
export const UNIT_MODELS: readonly [string, SmallOptions, Partial<TrainRecipe>][] = [
  ['grouped heads, three parts a step', {}, {}],
  ['a sliding window, two parts', { config: { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 5 } }, { accumulate: 2 }],
  ['biases, a tied head, one part a step', { config: { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: true, num_key_value_heads: 6 } }, { accumulate: 1, batch: 3, epochs: 1 }],
  ['rows of several pieces, sums of several blocks', { config: { hidden_size: 300, intermediate_size: 1100, vocab_size: 600, num_hidden_layers: 1 } }, { accumulate: 5, epochs: 1 }],
  ['weights of four bits, only values and gates adapted', { format: 'q4', lora: { targets: ['v_proj', 'gate_proj'] } }, { epochs: 2 }],
];

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

/** Every unit of a run's training; `made` is what train() itself gives, and of parts its sums of gradients. */
export async function trainingUnits({ model, records, recipe, lora }: SmallRun): Promise<SmallUnit[]> {
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
    const at = loraOf(scope, lora, states[step]!);
    const sums = parts.slice(0, -1).map((_, part) => stepGradient(scope, model, at, parts.slice(0, part + 1), { all: chosen.length }).gradients);
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
function loraOf(scope: Scope, lora: Lora, { parameters }: TrainCheckpoint): Lora {
  const values = new Map(parameters.map((parameter) => [parameter.name, parameter.values]));
  const pairs: Lora['pairs'] = new Map([...lora.pairs].map(([name, { a, b, rank, scale }]) => [
    name, { a: scope.upload(name, a.shape, values.get(`${name}.lora_A`)!), b: scope.upload(name, b.shape, values.get(`${name}.lora_B`)!), rank, scale },
  ]));
  return { config: lora.config, pairs };
}

/** Inputs of the unit that makes record `number`'s gradient. */
function gradientInputs(record: Example, number: number, labels: Labels): UnitInputs {
  const weights = texts(record, (s) => (labels === 'own' ? recordWeight(record, s) : Math.sqrt(recordWeight(record, s))) * LOSS_SCALE);
  const predicted = record.reduce((sum, { ids, start }) => sum + ids.length - start, 0);
  // As eachLabelGradients draws them.
  const stream = (draw: number) => Math.imul(number, 0x9e3779b1) + draw;
  return { texts: weights, scalars: labels === 'own' ? [] : Array.from({ length: predicted }, (_, token) => Math.fround(randomUnit(labels.seed, stream(labels.draw), token))) };
}

/** Units of all records' gradients at a state, as eachLabelGradients computes them. */
export async function gradientUnits({ model, records, lora }: SmallRun, state: Matrix[], labels: Labels[]): Promise<SmallUnit[]> {
  const { backend } = model;
  const shapes = stateShapes(layersOf(lora));
  const scope = new Scope(backend);
  const units: SmallUnit[] = [];
  try {
    const weight = (name: string, shape: readonly number[]) => scope.upload(name, shape, state[shapes.findIndex((one) => one.name === name)]!.values);
    const at = { config: lora.config, pairs: new Map([...lora.pairs].map(([name, { a, b, rank, scale }]) => [name, { a: weight(`${name}.lora_A`, a.shape), b: weight(`${name}.lora_B`, b.shape), rank, scale }])) };
    await eachLabelGradients(model, at, records, [...records.keys()], labels, async (_scope, gradients, label, first, count) => {
      const read = await Promise.all([...at.pairs.keys()].flatMap((name) => ['A', 'B'].map(async (factor) => {
        const tensor = gradients.get(`${name}.lora_${factor}`)!;
        return { rows: tensor.shape[1]!, columns: tensor.shape[2]!, values: (await backend.read(tensor)) as Float32Array };
      })));
      for (let k = 0; k < count; k++) {
        const own = labels[label] === 'own';
        units.push({
          what: `record ${first + k}, ${own ? 'own' : 'drawn'} labels`, kind: own ? 'own' : 'drawn', inputs: gradientInputs(records[first + k]!, first + k, labels[label]!), sources: [state],
          made: read.map(({ rows, columns, values }) => ({ rows, columns, values: values.slice(k * rows * columns, (k + 1) * rows * columns) })),
        });
      }
    });
    return units;
  } finally {
    scope.release();
  }
}
