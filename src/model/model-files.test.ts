import { describe, expect, it } from 'vitest';
import { OpenLedgerError } from '../errors.ts';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { initialWeights } from '../../scripts/pretrain/initial-weights.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { parseConfig } from './config.ts';
import { parseLoraConfig, uploadLora } from './lora.ts';
import { uploadModel } from './model.ts';
import { type NamedTensor, type Tensors, parseSafetensors, toFloat16, writeSafetensors } from './safetensors.ts';

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof OpenLedgerError) return error.code;
    throw error;
  }
  return undefined;
};

const sample = new Map([
  ['b', { shape: [2, 2], values: Float32Array.of(1, -2, 0.5, 3) }],
  ['a', { shape: [3], values: Float32Array.of(0, 2 ** -14, 65504) }],
]);

describe('safetensors', () => {
  it.each(['F32', 'F16'] as const)('%s goes there and back', (dtype) => {
    const read = parseSafetensors(writeSafetensors(sample, dtype, { format: 'pt' }));
    expect(new Map([...read].map(([name, t]) => [name, t.values]))).toEqual(new Map([...sample].map(([name, t]) => [name, t.values])));
    expect(writeSafetensors(read, dtype, { format: 'pt' })).toEqual(writeSafetensors(sample, dtype, { format: 'pt' }));
  });
  it('writes float16 nearest, ties to even', () => {
    expect([1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -24, 2 ** -25, 65519, -2].map(toFloat16)).toEqual([0x3c00, 0x3c00, 0x3c02, 1, 0, 0x7bff, 0xc000]);
    expect(() => toFloat16(65520)).toThrow(RangeError);
  });
  it('says of any truncation, and of any header that lies, that the file is damaged', () => {
    const bytes = writeSafetensors(sample, 'F32');
    for (let length = 0; length < bytes.length; length++) expect(codeOf(() => parseSafetensors(bytes.subarray(0, length)))).toBe('safetensors/damaged');
    const text = (header: string, data = 8) => {
      const head = new TextEncoder().encode(header);
      const out = new Uint8Array(8 + head.length + data);
      new DataView(out.buffer).setBigUint64(0, BigInt(head.length), true);
      out.set(head, 8);
      return out;
    };
    for (const header of [
      '[]', 'null', '{', '{"a":1}',
      '{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}',
      '{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',
      '{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}',
      '{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,8]}}',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    ]) expect(codeOf(() => parseSafetensors(text(header))), header).toBe('safetensors/damaged');
    const nan = text('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}');
    new DataView(nan.buffer).setFloat32(nan.length - 4, NaN, true);
    expect(codeOf(() => parseSafetensors(nan))).toBe('safetensors/damaged');
  });
});

describe('config.json', () => {
  const good = configJson(64, 2, 160, 512);
  it('reads what it should', () => {
    expect(parseConfig(good)).toMatchObject({ family: 'llama', hidden: 64, heads: 2, groups: 2, headDim: 32, tied: true, eos: [2] });
    expect(parseConfig({ ...good, model_type: 'qwen2' }).qkvBias).toBe(true);
    expect(parseConfig({ ...good, model_type: 'mistral', sliding_window: 32 }).window).toBe(32);
  });
  it.each([
    [{ model_type: 'gpt2' }, 'model/unsupported-config', 'model_type'],
    [{ hidden_act: 'gelu' }, 'model/unsupported-config', 'hidden_act'],
    [{ rope_scaling: { type: 'linear', factor: 2 } }, 'model/unsupported-config', 'rope_scaling'],
    [{ num_key_value_heads: 3 }, 'model/bad-config', 'num_key_value_heads'],
    [{ hidden_size: '64' }, 'model/bad-config', 'hidden_size'],
    [{ rms_norm_eps: 0 }, 'model/bad-config', 'rms_norm_eps'],
  ])('names the field of %j', (change, code, field) => {
    let error: unknown;
    try {
      parseConfig({ ...good, ...change });
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(field);
  });
});

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
  it.each([{ use_dora: true }, { bias: 'all' }, { modules_to_save: ['lm_head'] }, { r: 0 }, { target_modules: ['lm_head'] }, { peft_type: 'IA3' }, { rank_pattern: { q_proj: 4 } }])('that ask for %j are refused by name', (change) => {
    expect(codeOf(() => parseLoraConfig({ peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj'], ...change }))).toBe('adapter/unsupported');
  });
});
