import { hostPow, hostSinCos } from '../arithmetic/host.ts';
import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import type { ModelConfig } from './config.ts';
import { TARGETS, linearShape, moduleOf } from './lora.ts';
import type { Tensors } from './safetensors.ts';

/** A base model on a backend. Weights by their Hugging Face names without the leading `model.`. */
export interface Model {
  backend: Backend;
  config: ModelConfig;
  weights: Map<string, Tensor>;
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
 */
export function uploadModel(backend: Backend, config: ModelConfig, tensors: Tensors, constant = true): Model {
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
  const weights = new Map(found.map(([name, shape, values]) => [name, backend.upload(name, shape, values, constant)]));
  return { backend, config, weights, ...ropeTables(backend, config) };
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
  for (const tensor of [...model.weights.values(), model.cos, model.sin]) model.backend.free(tensor);
  model.weights.clear();
}

/** A weight by its name; a missing one is a programming error. */
export function weight(model: Model, name: string): Tensor {
  const tensor = model.weights.get(name);
  if (!tensor) throw new RangeError(`no weight ${name}`);
  return tensor;
}

/** The output projection: the embedding's own table where tied. */
export function headWeight(model: Model): Tensor {
  return weight(model, model.config.tied ? 'embed_tokens.weight' : 'lm_head.weight');
}
