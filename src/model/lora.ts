import { OpenLedgerError } from '../errors.ts';
import type { Backend, Tensor } from '../kernels/backend.ts';
import type { ModelConfig } from './config.ts';
import type { Tensors } from './safetensors.ts';

export const TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type Target = (typeof TARGETS)[number];

/** The parts of PEFT's adapter_config.json that this engine uses. */
export interface LoraConfig {
  rank: number;
  alpha: number;
  rslora: boolean;
  targets: Target[];
}

/** A linear layer's pair: A[r,in], B[out,r]; y += scale · (x Aᵀ) Bᵀ. */
export interface LoraPair {
  a: Tensor;
  b: Tensor;
}

/** Factors on a backend, by linear layer name such as `layers.0.self_attn.q_proj`. */
export interface Lora {
  config: LoraConfig;
  scale: number;
  pairs: Map<string, LoraPair>;
}

export function moduleOf(target: Target): 'self_attn' | 'mlp' {
  return target.endsWith('proj') && ['q_proj', 'k_proj', 'v_proj', 'o_proj'].includes(target) ? 'self_attn' : 'mlp';
}

/** [out, in] of a linear layer. */
export function linearShape(config: ModelConfig, target: Target): [number, number] {
  const q = config.heads * config.headDim;
  const kv = config.groups * config.headDim;
  switch (target) {
    case 'q_proj': return [q, config.hidden];
    case 'k_proj':
    case 'v_proj': return [kv, config.hidden];
    case 'o_proj': return [config.hidden, q];
    case 'gate_proj':
    case 'up_proj': return [config.intermediate, config.hidden];
    case 'down_proj': return [config.hidden, config.intermediate];
  }
}

/** Names of all adapted layers, in the one order that ledgers and traces use: by layer, then by target. */
export function adaptedLayers(config: ModelConfig, lora: LoraConfig): { name: string; target: Target }[] {
  return Array.from({ length: config.layers }, (_, layer) =>
    TARGETS.filter((target) => lora.targets.includes(target)).map((target) => ({
      name: `layers.${layer}.${moduleOf(target)}.${target}`,
      target,
    })),
  ).flat();
}

export function loraScale(config: LoraConfig): number {
  return config.alpha / (config.rslora ? Math.sqrt(config.rank) : config.rank);
}

function unfit(why: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'adapter/does-not-fit',
    what: 'This adapter cannot be used with this model.',
    why,
    next: 'Choose the base model that the adapter was made for, or another adapter.',
  });
}

/** Reads PEFT's adapter_config.json; throws `adapter/unsupported` naming what the engine lacks. */
export function parseLoraConfig(json: unknown): LoraConfig {
  const raw = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  const lacks = (field: string) =>
    new OpenLedgerError({
      code: 'adapter/unsupported',
      what: `This adapter cannot be used: adapter_config.json has ${field} = ${String(JSON.stringify(raw[field])).slice(0, 80)}.`,
      why: 'The engine runs plain LoRA on the linear layers of attention and MLP.',
      next: 'Choose another adapter.',
    });
  if (raw.peft_type !== 'LORA') throw lacks('peft_type');
  if (raw.use_dora) throw lacks('use_dora');
  if ((raw.bias ?? 'none') !== 'none') throw lacks('bias');
  if (Array.isArray(raw.modules_to_save) && raw.modules_to_save.length) throw lacks('modules_to_save');
  for (const field of ['rank_pattern', 'alpha_pattern']) {
    if (raw[field] && Object.keys(raw[field] as object).length) throw lacks(field);
  }
  if (raw.layers_to_transform != null) throw lacks('layers_to_transform');
  if (raw.fan_in_fan_out) throw lacks('fan_in_fan_out');
  const rank = raw.r;
  if (typeof rank !== 'number' || !Number.isSafeInteger(rank) || rank < 1 || rank > 1024) throw lacks('r');
  const alpha = raw.lora_alpha ?? rank;
  if (typeof alpha !== 'number' || !(alpha > 0 && alpha < 2 ** 20)) throw lacks('lora_alpha');
  const named = raw.target_modules === 'all-linear' ? [...TARGETS] : raw.target_modules;
  if (!Array.isArray(named) || !named.length) throw lacks('target_modules');
  for (const target of named) if (!TARGETS.includes(target)) throw lacks('target_modules');
  return { rank, alpha, rslora: raw.use_rslora === true, targets: TARGETS.filter((target) => named.includes(target)) };
}

/** PEFT's adapter_config.json for the factors made here. */
export function loraConfigJson(config: LoraConfig, base: string): Record<string, unknown> {
  return {
    peft_type: 'LORA', task_type: 'CAUSAL_LM', r: config.rank, lora_alpha: config.alpha, lora_dropout: 0, bias: 'none',
    use_rslora: config.rslora, target_modules: config.targets, base_model_name_or_path: base, inference_mode: true,
  };
}

const key = (name: string, factor: 'A' | 'B') => `base_model.model.model.${name}.lora_${factor}.weight`;

/** Uploads a PEFT adapter. Throws `adapter/does-not-fit` naming the first missing, extra or misshapen factor. */
export function uploadLora(backend: Backend, model: ModelConfig, config: LoraConfig, tensors: Tensors, constant = true): Lora {
  const expected = new Set<string>();
  const checked = adaptedLayers(model, config).map(({ name, target }) => {
    const [out, input] = linearShape(model, target);
    const factor = (letter: 'A' | 'B', rows: number, columns: number) => {
      expected.add(key(name, letter));
      const found = tensors.get(key(name, letter));
      if (!found) throw unfit(`The adapter has no ${key(name, letter)}.`);
      if (found.shape.length !== 2 || found.shape[0] !== rows || found.shape[1] !== columns) {
        throw unfit(`${key(name, letter)} has the shape [${found.shape}]; this model needs [${rows},${columns}].`);
      }
      return found;
    };
    return { name, a: factor('A', config.rank, input), b: factor('B', out, config.rank) };
  });
  for (const name of tensors.keys()) if (!expected.has(name)) throw unfit(`The adapter has ${name.slice(0, 120)}, which this model has no place for.`);
  const pairs = new Map<string, LoraPair>();
  for (const { name, a, b } of checked) {
    pairs.set(name, {
      a: backend.upload(`${name}.lora_A`, a.shape, a.values, constant),
      b: backend.upload(`${name}.lora_B`, b.shape, b.values, constant),
    });
  }
  return { config, scale: loraScale(config), pairs };
}

/** The factors' values under PEFT's names. */
export async function downloadLora(backend: Backend, lora: Lora): Promise<Tensors> {
  const tensors: Tensors = new Map();
  for (const [name, { a, b }] of lora.pairs) {
    tensors.set(key(name, 'A'), { shape: [...a.shape], values: (await backend.read(a)) as Float32Array });
    tensors.set(key(name, 'B'), { shape: [...b.shape], values: (await backend.read(b)) as Float32Array });
  }
  return tensors;
}

export function freeLora(backend: Backend, lora: Lora): void {
  for (const { a, b } of lora.pairs.values()) {
    backend.free(a);
    backend.free(b);
  }
  lora.pairs.clear();
}
