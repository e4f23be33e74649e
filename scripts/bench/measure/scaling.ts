import { randomUnit } from '../../../src/arithmetic/random.ts';
import { exponentOf } from '../../../src/kernels/bench/scaling.ts';
import type { Backend } from '../../../src/kernels/backend.ts';
import { Scope } from '../../../src/kernels/scope.ts';
import { packBatch } from '../../../src/model/batch.ts';
import { type ModelConfig, parseConfig } from '../../../src/model/config.ts';
import { loss } from '../../../src/model/loss.ts';
import { type Model, freeModel, uploadModel, weightShapes } from '../../../src/model/model.ts';
import type { Tensors } from '../../../src/model/safetensors.ts';
import { inTurns, median } from '../timing.ts';

export interface Shape {
  layers: number;
  width: number;
  context: number;
  batch: number;
}

/** Time of reading `batch` sequences of `context` tokens, as one of the four grows. */
export interface Scaling {
  along: keyof Shape;
  sizes: number[];
  /** Milliseconds, medians. */
  ms: number[];
  /** Slope of log(multiply-adds), and of log(time), over log(size). */
  expected: number;
  measured: number;
}

const HEAD_DIM = 32;
const VOCAB = 256;

function configOf({ layers, width, context }: Shape): ModelConfig {
  return parseConfig({
    model_type: 'llama', hidden_size: width, intermediate_size: 3 * width, num_hidden_layers: layers, num_attention_heads: width / HEAD_DIM,
    vocab_size: VOCAB, max_position_embeddings: context, rms_norm_eps: 1e-5, tie_word_embeddings: true,
  });
}

/** Multiply-adds of one pass: the linear layers, causal attention, and the head of every token. */
export function multiplyAdds({ layers, width, context, batch }: Shape): number {
  const linear = 4 * width * width + 3 * width * (3 * width);
  const attention = 2 * width * ((context + 1) / 2);
  return batch * context * (layers * (linear + attention) + width * VOCAB);
}

function randomModel(backend: Backend, config: ModelConfig): Model {
  const tensors: Tensors = new Map([...weightShapes(config)].map(([name, shape], stream) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const bound = shape.length === 1 ? 0 : 1 / Math.sqrt(shape[1]!);
    return [name, { shape, values: Float32Array.from({ length: count }, (_, i) => (bound ? (2 * randomUnit(3, stream + 1, i) - 1) * bound : 1)) }];
  }));
  return uploadModel(backend, config, tensors);
}

/** Each of layers, width, context and batch doubled twice from `smallest`, the others staying. */
export async function measureScaling(backend: Backend, smallest: Shape, rounds: number, budgetMs: number): Promise<Scaling[]> {
  const along = Object.keys(smallest) as (keyof Shape)[];
  const shapes = new Map<string, Shape>();
  const key = (shape: Shape) => JSON.stringify(shape);
  const grown = (name: keyof Shape, factor: number): Shape => ({ ...smallest, [name]: smallest[name] * factor });
  for (const name of along) for (const factor of [1, 2, 4]) shapes.set(key(grown(name, factor)), grown(name, factor));

  const models: Model[] = [];
  const passes = Object.fromEntries([...shapes].map(([name, shape]) => {
    const model = randomModel(backend, configOf(shape));
    models.push(model);
    const sequences = Array.from({ length: shape.batch }, (_, s) => ({ ids: Array.from({ length: shape.context }, (_, i) => 1 + ((i * 37 + s * 11) % (VOCAB - 1))), start: 1 }));
    const batch = packBatch([sequences], () => 1 / shape.batch, undefined);
    return [name, async () => {
      const scope = new Scope(backend);
      try {
        await backend.read(loss(scope, model, undefined, batch, 'loss').total);
      } finally {
        scope.release();
      }
    }];
  }));
  try {
    const times = await inTurns(passes, { rounds, budgetMs });
    return along.map((name) => {
      const steps = [1, 2, 4].map((factor) => grown(name, factor));
      const sizes = steps.map((shape) => shape[name]);
      const ms = steps.map((shape) => median(times[key(shape)]!));
      return { along: name, sizes, ms, expected: exponentOf(sizes, steps.map(multiplyAdds)), measured: exponentOf(sizes, ms) };
    });
  } finally {
    for (const model of models) freeModel(model);
  }
}
