/**
 * One of two workers of a pretraining run. Each holds the whole model, takes its shard's gradient, adds both shards'
 * gradients in shard order and updates: both stay equal to the bit. Memory shared: [shards][parameters] gradients
 * and losses; a barrier counts arrivals.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CpuBackend } from '../../src/kernels/cpu/backend.ts';
import { addTensors, scaleTensor } from '../../src/kernels/elementwise/operation.ts';
import { size } from '../../src/kernels/operation.ts';
import { Scope } from '../../src/kernels/scope.ts';
import { packBatch } from '../../src/model/batch.ts';
import { parseConfig } from '../../src/model/config.ts';
import { loss } from '../../src/model/loss.ts';
import { trainableWeights, uploadModel } from '../../src/model/model.ts';
import { ADAMW, AdamW, scheduledRate } from '../../src/model/optimizer.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { makeCorpus } from './corpus/corpus.ts';
import { exampleSequence } from './example-sequence.ts';
import { initialWeights } from './initial-weights.ts';
import { type PretrainRecipe, SHARDS } from './recipe.ts';

export interface ShardStart {
  /** This file, for build/ts-worker.mjs. */
  module: string;
  shard: number;
  recipe: PretrainRecipe;
  tokenizer: object;
  tokenizerConfig: object;
  gradients: SharedArrayBuffer;
  barrier: SharedArrayBuffer;
  /** Steps done and state to continue from. */
  resume?: { step: number; state: Float32Array };
  checkpointEvery: number;
}

const start = workerData as ShardStart;
const { recipe, shard } = start;
const config = parseConfig(recipe.config);
const tokenizer = Tokenizer.fromJson(start.tokenizer, start.tokenizerConfig);
const corpus = makeCorpus(recipe.corpus);
const backend = await CpuBackend.create();
const model = uploadModel(backend, config, initialWeights(config, recipe.seed), false);
const weights = trainableWeights(model);
const optimizer = new AdamW(backend, weights, { ...ADAMW, decay: 0.01 });
const names = [...weights.keys()];
const sizes = names.map((name) => size(weights.get(name)!.shape));
const parameters = sizes.reduce((a, b) => a + b, 0);
/** Rows of parameters + 1: the last entry is the shard's loss. */
const shared = new Float32Array(start.gradients);
const arrivals = new Int32Array(start.barrier);

let firstStep = 0;
if (start.resume) {
  firstStep = start.resume.step;
  optimizer.resumeAt(firstStep);
  let at = 0;
  for (const [i, name] of names.entries()) {
    const { m, v } = optimizer.moments.get(name)!;
    for (const tensor of [weights.get(name)!, m, v]) {
      backend.write(tensor, 0, start.resume.state.subarray(at, at + sizes[i]!));
      at += sizes[i]!;
    }
  }
}

/** Waits until every shard has arrived `count` times. */
function meet(count: number): void {
  if (Atomics.add(arrivals, 0, 1) + 1 === count * SHARDS) Atomics.notify(arrivals, 0);
  for (let seen = Atomics.load(arrivals, 0); seen < count * SHARDS; seen = Atomics.load(arrivals, 0)) Atomics.wait(arrivals, 0, seen, 1000);
}

async function state(): Promise<Float32Array> {
  const out = new Float32Array(3 * parameters);
  let at = 0;
  for (const name of names) {
    const { m, v } = optimizer.moments.get(name)!;
    for (const tensor of [weights.get(name)!, m, v]) {
      const values = (await backend.read(tensor)) as Float32Array;
      out.set(values, at);
      at += values.length;
    }
  }
  return out;
}

let meetings = 0;
for (let step = firstStep; step < recipe.steps; step++) {
  const scope = new Scope(backend);
  const perShard = recipe.examples / SHARDS;
  const sequences = Array.from({ length: perShard }, (_, i) =>
    exampleSequence(tokenizer, corpus.example(step * recipe.examples + shard * perShard + i)),
  );
  // Every predicted token of the step counts alike; shards differ a little in length, so each takes the mean of its own.
  const count = sequences.reduce((sum, { ids, start: first }) => sum + ids.length - first, 0);
  const { gradients, total } = loss(scope, model, undefined, packBatch([sequences], () => 1 / (count * SHARDS)), 'base');
  const own = shared.subarray(shard * (parameters + 1), (shard + 1) * (parameters + 1));
  let at = 0;
  for (const name of names) {
    const values = (await backend.read(gradients.get(name)!)) as Float32Array;
    own.set(values, at);
    at += values.length;
  }
  own[parameters] = (await backend.read(total))[0]!;
  scope.release();
  meet(++meetings);
  const sum = new Scope(backend);
  const summed = new Map(
    names.map((name, i) => {
      const offset = sizes.slice(0, i).reduce((a, b) => a + b, 0);
      const { shape } = weights.get(name)!;
      const parts = Array.from({ length: SHARDS }, (_, s) =>
        sum.upload(name, shape, shared.subarray(s * (parameters + 1) + offset, s * (parameters + 1) + offset + sizes[i]!)),
      );
      return [name, parts.slice(1).reduce((a, b) => sum.one(addTensors, name, [a, b]), parts[0]!)] as const;
    }),
  );
  const stepLoss = Array.from({ length: SHARDS }, (_, s) => shared[s * (parameters + 1) + parameters]!).reduce((a, b) => a + b, 0);
  // Clipping by the global norm, taken on the host in float64 in the order of the parameters.
  let squares = 0;
  for (const name of names) for (const value of (await backend.read(summed.get(name)!)) as Float32Array) squares += value * value;
  const scale = Math.min(1, recipe.clip / Math.sqrt(squares));
  if (scale < 1) for (const name of names) summed.set(name, sum.one(scaleTensor, name, [summed.get(name)!], { scale }));
  optimizer.step(summed, scheduledRate(recipe.rate, step, recipe.steps, recipe.warmup));
  sum.release();
  // Nobody may write the next gradient before everybody has read this one.
  meet(++meetings);
  if (shard === 0) {
    const last = step + 1 === recipe.steps;
    const keep = last || (step + 1) % start.checkpointEvery === 0;
    parentPort!.postMessage({ step: step + 1, loss: stepLoss, tokens: count * SHARDS, ...(keep ? { state: await state() } : {}) });
  }
}
