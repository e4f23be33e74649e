import { describe, expect, it } from 'vitest';
import { OpenLedgerError } from '../errors.ts';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { initialWeights } from '../../scripts/pretrain/initial-weights.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { parseConfig } from './config.ts';
import { parseLoraConfig, uploadLora } from './lora.ts';
import { uploadModel } from './model.ts';
import type { NamedTensor, Tensors } from './safetensors.ts';

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof OpenLedgerError) return error.code;
    throw error;
  }
  return undefined;
};

describe('weights and adapters', async () => {
  const backend = await createCpuBackend();
  const config = parseConfig(configJson(64, 2, 160, 512));
  const weights = initialWeights(config, 1);
  it('that do not fit are named', () => {
    const missing = new Map(weights);
    missing.delete('layers.1.mlp.up_proj.weight');
    expect(codeOf(() => uploadModel(backend, config, missing))).toBe('model/weights-do-not-fit');
    expect(() => uploadModel(backend, config, missing)).toThrow('layers.1.mlp.up_proj.weight');
    expect(codeOf(() => uploadModel(backend, parseConfig(configJson(64, 2, 192, 512)), weights))).toBe('model/weights-do-not-fit');
  });
  it('of another shape or with parts that have no place are refused, and nothing stays allocated', () => {
    const lora = parseLoraConfig({ peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj'] });
    const key = (layer: number, factor: string) => `base_model.model.model.layers.${layer}.self_attn.q_proj.lora_${factor}.weight`;
    const fitting: Tensors = new Map([0, 1].flatMap((layer): [string, NamedTensor][] => [
      [key(layer, 'A'), { shape: [2, 64], values: new Float32Array(128) }],
      [key(layer, 'B'), { shape: [64, 2], values: new Float32Array(128) }],
    ]));
    const before = backend.memory().bytes;
    expect(codeOf(() => uploadLora(backend, config, lora, new Map([...fitting].slice(1)) as Tensors))).toBe('adapter/does-not-fit');
    expect(codeOf(() => uploadLora(backend, config, lora, new Map([...fitting, ['extra', { shape: [1], values: new Float32Array(1) }]])))).toBe('adapter/does-not-fit');
    expect(codeOf(() => uploadLora(backend, config, lora, new Map([...fitting, [key(0, 'A'), { shape: [4, 32], values: new Float32Array(128) }]])))).toBe('adapter/does-not-fit');
    expect(backend.memory().bytes).toBe(before);
    expect(codeOf(() => uploadLora(backend, config, lora, fitting))).toBeUndefined();
  });
  it.each([{ use_dora: true }, { bias: 'all' }, { modules_to_save: ['lm_head'] }, { r: 0 }, { target_modules: ['lm_head'] }, { peft_type: 'IA3' }])('that ask for %j are refused by name', (change) => {
    expect(codeOf(() => parseLoraConfig({ peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj'], ...change }))).toBe('adapter/unsupported');
  });
});
