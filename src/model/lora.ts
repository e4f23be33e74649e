import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import type { AdapterPool } from './adapter-pool.ts';
import type { ModelConfig } from './config.ts';
import { type AdaptedLayer, type LoraConfig, adaptedLayers, linearShape } from './lora-config.ts';
import type { NamedTensor, Tensors } from './safetensors.ts';

export * from './lora-config.ts';

/** A linear layer's pair: A[rank,in], B[out,rank]; y += scale · (x Aᵀ) Bᵀ. */
export interface LoraPair {
  a: Tensor;
  b: Tensor;
  rank: number;
  scale: number;
}

/** Factors on a backend, by linear layer name such as `layers.0.self_attn.q_proj`; layers without a pair are the base's alone. */
export interface Lora {
  config: LoraConfig;
  pairs: Map<string, LoraPair>;
  /** The factors do not change: what is derived from them may be kept. */
  constant?: boolean;
  /** The factors as decoding reads them, made at the first answer. */
  placed?: AdapterPool | undefined;
}

/** A layer's factors as values. */
export interface Factors {
  a: NamedTensor;
  b: NamedTensor;
}

function unfit(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'adapter/does-not-fit',
    what: 'This adapter cannot be used with this model.',
    why,
    next: 'Choose the base model that the adapter was made for, or another adapter.',
  });
}

/** The name under which PEFT saves a factor. */
export const factorKey = (name: string, factor: 'A' | 'B') => `base_model.model.model.${name}.lora_${factor}.weight`;

/** PEFT's names, also those of a state that was saved without PEFT: with the adapter's own name in them. */
const KEY = /^(?:base_model\.model\.)?(?:model\.)?(layers\.(?:0|[1-9]\d{0,4})\.(?:self_attn|mlp)\.[a-z]+_proj)\.lora_([AB])(?:\.([\w-]{1,60}))?\.weight$/;

/**
 * Factors by layer name. Throws `adapter/does-not-fit` for tensors that are no factors of a linear layer, for factors
 * of more than one adapter, and for one factor without the other.
 */
export function factorsByLayer(tensors: Tensors): Map<string, Factors> {
  const halves = new Map<string, { a?: NamedTensor; b?: NamedTensor }>();
  let adapter: string | undefined;
  for (const [key, tensor] of tensors) {
    const [, name, letter, own = ''] = KEY.exec(key) ?? [];
    if (name === undefined) throw unfit(`The adapter has ${key.slice(0, 120)}, which this model has no place for.`);
    adapter ??= own;
    if (own !== adapter) throw unfit(`The file holds factors of more than one adapter: ${key.slice(0, 120)} is of another than the first.`);
    const pair = halves.get(name) ?? {};
    const factor = letter === 'A' ? 'a' : 'b';
    if (pair[factor]) throw unfit(`The adapter has ${key.slice(0, 120)} twice.`);
    pair[factor] = tensor;
    halves.set(name, pair);
  }
  const found = new Map<string, Factors>();
  for (const [name, { a, b }] of halves) {
    if (!a || !b) throw unfit(`The adapter has no ${factorKey(name, a ? 'B' : 'A')}.`);
    found.set(name, { a, b });
  }
  return found;
}

/** An adapter's factors with the layers that they are for. Throws `adapter/does-not-fit` naming the first that does not belong. */
export function fittedFactors(model: ModelConfig, config: LoraConfig, tensors: Tensors): (AdaptedLayer & Factors)[] {
  const factors = factorsByLayer(tensors);
  const checked = adaptedLayers(model, config).flatMap((layer) => {
    const found = factors.get(layer.name);
    if (!found) return [];
    factors.delete(layer.name);
    const [out, input] = linearShape(model, layer.target);
    expectFactor(layer.name, 'A', found.a, layer.rank, input);
    expectFactor(layer.name, 'B', found.b, out, layer.rank);
    return [{ ...layer, ...found }];
  });
  for (const name of factors.keys()) throw unfit(`The adapter has ${factorKey(name, 'A')}, which ${place(model, name)}.`);
  if (!checked.length) throw unfit('It has no factors for any layer of this model.');
  return checked;
}

/**
 * Uploads a PEFT adapter. Layers that the config names but that have no factors stay the base's alone, as a B of zeros
 * would leave them. Throws `adapter/does-not-fit` naming the first extra, halved or misshapen factor.
 */
export function uploadLora(backend: Backend, model: ModelConfig, config: LoraConfig, tensors: Tensors, constant = true): Lora {
  const pairs = new Map<string, LoraPair>();
  for (const { name, a, b, rank, scale } of fittedFactors(model, config, tensors)) {
    pairs.set(name, {
      a: backend.upload(`${name}.lora_A`, a.shape, a.values, constant),
      b: backend.upload(`${name}.lora_B`, b.shape, b.values, constant),
      rank,
      scale,
    });
  }
  return { config, pairs, constant };
}

function expectFactor(name: string, letter: 'A' | 'B', found: NamedTensor, rows: number, columns: number): void {
  if (found.shape.length === 2 && found.shape[0] === rows && found.shape[1] === columns) return;
  throw unfit(`${factorKey(name, letter)} has the shape [${found.shape}]; this model needs [${rows},${columns}].`);
}

const place = (model: ModelConfig, name: string) =>
  Number(name.split('.')[1]) >= model.layers ? `this model of ${model.layers} layers has no place for` : 'its own config does not name';

/** The factors' values under PEFT's names. */
export async function downloadLora(backend: Backend, lora: Lora): Promise<Tensors> {
  const tensors: Tensors = new Map();
  for (const [name, { a, b }] of lora.pairs) {
    tensors.set(factorKey(name, 'A'), { shape: [...a.shape], values: (await backend.read(a)) as Float32Array });
    tensors.set(factorKey(name, 'B'), { shape: [...b.shape], values: (await backend.read(b)) as Float32Array });
  }
  return tensors;
}

export function freeLora(backend: Backend, lora: Lora): void {
  for (const { a, b } of lora.pairs.values()) {
    backend.free(a);
    backend.free(b);
  }
  lora.placed?.free();
  lora.placed = undefined;
  lora.pairs.clear();
}
