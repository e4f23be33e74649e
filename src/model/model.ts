import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import { type Format, type Matrix, createMatrix, freeMatrix, writeRows } from '../kernels/matrix/matrix.ts';
import { size } from '../kernels/operation.ts';
import type { ModelConfig } from './config.ts';
import { TARGETS, linearShape, moduleOf } from './lora.ts';
import { ropeTables } from './rope.ts';
import type { Tensors } from './safetensors.ts';

/** A base model on a backend. Weights by their Hugging Face names without the leading `model.`, `.weight` and `.bias` included. */
export interface Model {
  backend: Backend;
  config: ModelConfig;
  /** The linear layers' weights, `embed_tokens.weight` and, where it is not tied, `lm_head.weight`. */
  matrices: Map<string, Matrix>;
  /** Weights of norms, and biases. */
  vectors: Map<string, Tensor>;
  /** Longest sequence there are rotary tables for: the model's own context, or less where that is a great deal. */
  positions: number;
  /** Rotary tables [positions, headDim/2]. */
  cos: Tensor;
  sin: Tensor;
}

/** Positions prepared where the caller names none. 8,192 take 4 MiB at 128 values a head. */
export const MOST_POSITIONS = 8192;

/** A weight of the model by its name here; matrices have two dimensions, vectors one. */
export interface WeightShape {
  name: string;
  shape: [number] | [number, number];
}

/** Every weight this configuration has, one after the other: a hostile one may name any number of layers. */
function* eachWeight(config: ModelConfig): Generator<WeightShape> {
  yield { name: 'embed_tokens.weight', shape: [config.vocab, config.hidden] };
  for (let layer = 0; layer < config.layers; layer++) {
    yield { name: `layers.${layer}.input_layernorm.weight`, shape: [config.hidden] };
    yield { name: `layers.${layer}.post_attention_layernorm.weight`, shape: [config.hidden] };
    for (const target of TARGETS) {
      const [out, input] = linearShape(config, target);
      const name = `layers.${layer}.${moduleOf(target)}.${target}`;
      yield { name: `${name}.weight`, shape: [out, input] };
      if (config.biases.includes(target)) yield { name: `${name}.bias`, shape: [out] };
    }
  }
  yield { name: 'norm.weight', shape: [config.hidden] };
  if (!config.tied) yield { name: 'lm_head.weight', shape: [config.vocab, config.hidden] };
}

/** Names and shapes of every weight this configuration has. */
export function weightShapes(config: ModelConfig): Map<string, number[]> {
  return new Map([...eachWeight(config)].map(({ name, shape }) => [name, shape]));
}

/**
 * Finds each weight of a configuration among tensors with Hugging Face names, with or without `model.`. Throws
 * `model/weights-do-not-fit` naming the first missing or misshapen one; extra tensors (inverse frequencies, a tied
 * head's copy) are left.
 */
export function fitWeights<T extends { shape: readonly number[] }>(config: ModelConfig, tensors: ReadonlyMap<string, T>): (WeightShape & { tensor: T })[] {
  const found: (WeightShape & { tensor: T })[] = [];
  for (const { name, shape } of eachWeight(config)) {
    const tensor = tensors.get(`model.${name}`) ?? tensors.get(name);
    if (!tensor || tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
      throw new OpenLedgerError({
        code: 'model/weights-do-not-fit',
        what: 'The weights do not fit the model’s config.json.',
        why: tensor ? `"${name}" has the shape [${tensor.shape}], not [${shape}].` : `"${name}" is missing.`,
        next: 'Fetch the model again, or choose another.',
      });
    }
    found.push({ name, shape, tensor });
  }
  return found;
}

/**
 * The format a matrix has in a model of that format. In 4 bits the embedding and the head stay in 8: every token passes
 * them, they decide between near words, and in tied models they are the same table.
 */
export function heldFormat(name: string, format: Format): Format {
  return format === 'q4' && (name === 'embed_tokens.weight' || name === 'lm_head.weight') ? 'q8' : format;
}

/**
 * Uploads a model whose tensors are in memory; loadModel (weights/load-model.ts) streams greater ones. Throws what
 * fitWeights throws. `constant` false: the weights are to be trained.
 */
export function uploadModel(backend: Backend, config: ModelConfig, tensors: Tensors, constant = true, format: Format = 'f32'): Model {
  const matrices = new Map<string, Matrix>();
  const vectors = new Map<string, Tensor>();
  for (const { name, shape, tensor } of fitWeights(config, tensors)) {
    if (shape.length === 1) vectors.set(name, backend.upload(name, shape, tensor.values, constant));
    else {
      const created = createMatrix(backend, name, shape[0], shape[1], heldFormat(name, format), constant);
      matrices.set(name, created);
      writeRows(backend, created, 0, tensor.values);
    }
  }
  return assembleModel(backend, config, matrices, vectors);
}

/** A model of weights that are on the backend already. `positions` is bounded by the model's context. */
export function assembleModel(backend: Backend, config: ModelConfig, matrices: Map<string, Matrix>, vectors: Map<string, Tensor>, positions = MOST_POSITIONS): Model {
  const rows = Math.min(config.context, positions);
  return { backend, config, matrices, vectors, positions: rows, ...uploadRope(backend, config, rows) };
}

function uploadRope(backend: Backend, config: ModelConfig, positions: number): { cos: Tensor; sin: Tensor } {
  const { cos, sin } = ropeTables(config, positions);
  const shape = [positions, config.headDim / 2];
  return { cos: backend.upload('rope.cos', shape, cos, true), sin: backend.upload('rope.sin', shape, sin, true) };
}

export function freeModel(model: Model): void {
  for (const tensor of [...model.vectors.values(), model.cos, model.sin]) model.backend.free(tensor);
  for (const one of model.matrices.values()) freeMatrix(model.backend, one);
  model.vectors.clear();
  model.matrices.clear();
}

/** A matrix by its name; a missing one is a programming error. */
export function matrix(model: Model, name: string): Matrix {
  const found = model.matrices.get(name);
  if (!found) throw new RangeError(`no weight ${name}`);
  return found;
}

/** A norm's weight by its name; a missing one is a programming error. */
export function vector(model: Model, name: string): Tensor {
  const found = model.vectors.get(name);
  if (!found) throw new RangeError(`no weight ${name}`);
  return found;
}

/** How many numbers the base has. */
export function parameterCount(model: Model): number {
  const inMatrices = [...model.matrices.values()].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  return [...model.vectors.values()].reduce((sum, { shape }) => sum + size(shape), inMatrices);
}

/** Every weight as one float32 tensor, in the order of `weightShapes`, to train the base itself. RangeError for other formats. */
export function trainableWeights(model: Model): Map<string, Tensor> {
  return new Map(
    [...weightShapes(model.config).keys()].map((name) => {
      const held = model.matrices.get(name);
      if (held && (held.format !== 'f32' || held.parts.length !== 1)) throw new RangeError(`${name} is not one float32 tensor`);
      return [name, held ? held.parts[0]!.codes : vector(model, name)];
    }),
  );
}

/** The output projection: the embedding's own table where tied. */
export function headWeight(model: Model): Matrix {
  return matrix(model, model.config.tied ? 'embed_tokens.weight' : 'lm_head.weight');
}
