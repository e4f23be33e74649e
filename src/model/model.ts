import { hostPow, hostSinCos } from '../arithmetic/host.ts';
import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import { type Format, type Matrix, createMatrix, freeMatrix, writeRows } from '../kernels/matrix/matrix.ts';
import { size } from '../kernels/operation.ts';
import type { ModelConfig } from './config.ts';
import { TARGETS, linearShape, moduleOf } from './lora.ts';
import type { Tensors } from './safetensors.ts';

/** A base model on a backend. Weights by their Hugging Face names without the leading `model.`, `.weight` and `.bias` included. */
export interface Model {
  backend: Backend;
  config: ModelConfig;
  /** The linear layers' weights, `embed_tokens.weight` and, where it is not tied, `lm_head.weight`. */
  matrices: Map<string, Matrix>;
  /** Weights of norms, and biases. */
  vectors: Map<string, Tensor>;
  /** Rotary tables [context, headDim/2]. */
  cos: Tensor;
  sin: Tensor;
}

/** Names and shapes of every weight this configuration has. */
export function weightShapes(config: ModelConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>([['embed_tokens.weight', [config.vocab, config.hidden]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    shapes.set(`layers.${layer}.input_layernorm.weight`, [config.hidden]);
    shapes.set(`layers.${layer}.post_attention_layernorm.weight`, [config.hidden]);
    for (const target of TARGETS) {
      const [out, input] = linearShape(config, target);
      const name = `layers.${layer}.${moduleOf(target)}.${target}`;
      shapes.set(`${name}.weight`, [out, input]);
      if (config.qkvBias && (target === 'q_proj' || target === 'k_proj' || target === 'v_proj')) shapes.set(`${name}.bias`, [out]);
    }
  }
  shapes.set('norm.weight', [config.hidden]);
  if (!config.tied) shapes.set('lm_head.weight', [config.vocab, config.hidden]);
  return shapes;
}

/**
 * Uploads a model. Takes Hugging Face names with or without `model.`. Throws `model/weights-do-not-fit` naming the
 * first missing or misshapen tensor; extra tensors (inverse frequencies, a tied head's copy) are ignored.
 * `constant` false: the weights are to be trained.
 */
export function uploadModel(backend: Backend, config: ModelConfig, tensors: Tensors, constant = true, format: Format = 'f32'): Model {
  const found = [...weightShapes(config)].map(([name, shape]) => {
    const tensor = tensors.get(`model.${name}`) ?? tensors.get(name);
    if (!tensor || tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
      throw new OpenLedgerError({
        code: 'model/weights-do-not-fit',
        what: 'The weights do not fit the model’s config.json.',
        why: tensor ? `"${name}" has the shape [${tensor.shape}], not [${shape}].` : `"${name}" is missing.`,
        next: 'Fetch the model again, or choose another.',
      });
    }
    return [name, shape, tensor.values] as const;
  });
  const matrices = new Map<string, Matrix>();
  const vectors = new Map<string, Tensor>();
  for (const [name, shape, values] of found) {
    if (shape.length === 1) vectors.set(name, backend.upload(name, shape, values, constant));
    else {
      const created = createMatrix(backend, name, shape[0]!, shape[1]!, format, constant);
      matrices.set(name, created);
      writeRows(backend, created, 0, values);
    }
  }
  return { backend, config, matrices, vectors, ...ropeTables(backend, config) };
}

/** cos and sin of p · θ^(−2i/E), computed in float64 by the host's own functions and rounded once. */
function ropeTables(backend: Backend, config: ModelConfig): { cos: Tensor; sin: Tensor } {
  const half = config.headDim / 2;
  const cos = new Float32Array(config.context * half);
  const sin = new Float32Array(config.context * half);
  const tiny = 2 ** -100;
  for (let i = 0; i < half; i++) {
    const frequency = 1 / hostPow(config.ropeTheta, (2 * i) / config.headDim);
    for (let p = 0; p < config.context; p++) {
      const [s, c] = hostSinCos(p * frequency);
      cos[p * half + i] = Math.abs(c) < tiny ? 0 : c;
      sin[p * half + i] = Math.abs(s) < tiny ? 0 : s;
    }
  }
  const shape = [config.context, half];
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
