import { describe, expect, it } from 'vitest';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { initialWeights } from '../../scripts/pretrain/initial-weights.ts';
import { configParameters, parseConfig } from './config.ts';

const good = configJson(64, 2, 160, 512);
const LLAMA3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

describe('config.json', () => {
  it('reads what it should', () => {
    expect(parseConfig(good)).toMatchObject({ family: 'llama', hidden: 64, heads: 2, groups: 2, headDim: 32, tied: true, eos: [2], biases: [] });
    expect(parseConfig({ ...good, model_type: 'qwen2' }).biases).toEqual(['q_proj', 'k_proj', 'v_proj']);
    expect(parseConfig({ ...good, attention_bias: true, mlp_bias: true }).biases).toHaveLength(7);
    expect(parseConfig({ ...good, head_dim: 48 }).headDim).toBe(48);
    expect(parseConfig({ ...good, eos_token_id: [128, 5, 9999] }).eos).toEqual([128, 5]);
  });

  it('takes what transformers takes where a field is absent', () => {
    const bare = { hidden_size: 4096, intermediate_size: 64, num_hidden_layers: 40, num_attention_heads: 32, vocab_size: 100 };
    expect(parseConfig({ ...bare, model_type: 'llama' })).toMatchObject({ groups: 32, context: 2048, eps: 1e-6, ropeTheta: 10000, tied: false, window: undefined });
    expect(parseConfig({ ...bare, model_type: 'mistral' })).toMatchObject({ groups: 8, context: 131072, window: 4096 });
    expect(parseConfig({ ...bare, model_type: 'mistral', sliding_window: null, num_key_value_heads: null })).toMatchObject({ groups: 32, window: undefined });
    expect(parseConfig({ ...bare, model_type: 'qwen2' })).toMatchObject({ groups: 32, context: 32768, window: undefined });
  });

  it('gives a window to all layers or to none', () => {
    expect(parseConfig({ ...good, model_type: 'mistral', sliding_window: 32 }).window).toBe(32);
    const qwen = { ...good, model_type: 'qwen2', sliding_window: 16, num_hidden_layers: 4 };
    expect(parseConfig(qwen).window).toBeUndefined();
    expect(parseConfig({ ...qwen, use_sliding_window: true, max_window_layers: 4 }).window).toBeUndefined();
    expect(parseConfig({ ...qwen, use_sliding_window: true, max_window_layers: 0 }).window).toBe(16);
    expect(parseConfig({ ...qwen, use_sliding_window: true, layer_types: Array(4).fill('full_attention') }).window).toBeUndefined();
    expect(parseConfig({ ...qwen, use_sliding_window: true, layer_types: Array(4).fill('sliding_attention') }).window).toBe(16);
    expect(parseConfig({ ...good, model_type: 'mistral', sliding_window: null, layer_types: Array(good.num_hidden_layers).fill('full_attention') }).window).toBeUndefined();
  });

  it('reads every kind of rotary scaling, in the old form and in that of transformers 5', () => {
    const rope = (change: object) => parseConfig({ ...good, ...change });
    expect(rope({ rope_scaling: { type: 'linear', factor: 4 }, rope_theta: 100000 })).toMatchObject({ ropeTheta: 100000, ropeScaling: { type: 'linear', factor: 4 } });
    const llama3 = { type: 'llama3', factor: 8, lowFrequency: 1, highFrequency: 4, original: 8192 };
    expect(rope({ rope_scaling: LLAMA3 }).ropeScaling).toEqual(llama3);
    expect(rope({ rope_parameters: { ...LLAMA3, rope_theta: 500000.5 } })).toMatchObject({ ropeTheta: 500000.5, ropeScaling: llama3 });
    expect(rope({ rope_parameters: { rope_type: 'default', rope_theta: 1e6 } })).toMatchObject({ ropeTheta: 1e6, ropeScaling: undefined });
    expect(rope({ rope_scaling: { type: 'dynamic', factor: 2 } }).ropeScaling).toBeUndefined();
    expect(rope({ rope_scaling: { type: 'yarn', factor: 4 } }).ropeScaling).toMatchObject({ type: 'yarn', original: good.max_position_embeddings, betaFast: 32, betaSlow: 1 });
  });

  it('counts the numbers that the weights hold', () => {
    const count = (config: ReturnType<typeof parseConfig>) => [...initialWeights(config, 1).values()].reduce((sum, { values }) => sum + values.length, 0);
    for (const change of [{}, { tie_word_embeddings: false, head_dim: 48, num_key_value_heads: 1 }]) {
      const config = parseConfig({ ...good, ...change });
      expect(configParameters(config)).toBe(count(config));
    }
    expect(configParameters({ ...parseConfig(good), biases: ['q_proj', 'down_proj'] }) - configParameters(parseConfig(good))).toBe(2 * (64 + 64));
  });

  it.each([
    [{ model_type: 'gpt2' }, 'model/unsupported-config', 'model_type'],
    [{ model_type: 'qwen3' }, 'model/unsupported-config', 'model_type'],
    [{ hidden_act: 'gelu' }, 'model/unsupported-config', 'hidden_act'],
    [{ architectures: ['LlamaForSequenceClassification'] }, 'model/unsupported-config', 'architectures'],
    [{ quantization_config: { quant_method: 'gptq' } }, 'model/unsupported-config', 'quantization_config'],
    [{ partial_rotary_factor: 0.5 }, 'model/unsupported-config', 'partial_rotary_factor'],
    [{ rope_scaling: { rope_type: 'longrope', factor: 2 } }, 'model/unsupported-config', 'rope_scaling.rope_type'],
    [{ rope_scaling: { type: 'su' } }, 'model/unsupported-config', 'rope_scaling.type'],
    [{ rope_scaling: { factor: 2 } }, 'model/unsupported-config', 'rope_scaling.factor'],
    [{ rope_parameters: { full_attention: { rope_type: 'default' } } }, 'model/unsupported-config', 'rope_parameters.full_attention'],
    [{ rope_scaling: { type: 'linear' } }, 'model/bad-config', 'rope_scaling.factor'],
    [{ rope_scaling: { type: 'linear', factor: 1e300 } }, 'model/bad-config', 'rope_scaling.factor'],
    [{ rope_scaling: { ...LLAMA3, high_freq_factor: 1 } }, 'model/bad-config', 'high_freq_factor'],
    [{ rope_scaling: 'linear' }, 'model/bad-config', 'rope_scaling'],
    [{ model_type: 'qwen2', use_sliding_window: true, max_window_layers: 1 }, 'model/unsupported-config', 'max_window_layers'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, 'model/unsupported-config', 'layer_types'],
    [{ model_type: 'mistral', attention_bias: true }, 'model/unsupported-config', 'attention_bias'],
    [{ num_key_value_heads: 3 }, 'model/bad-config', 'num_key_value_heads'],
    [{ hidden_size: '64' }, 'model/bad-config', 'hidden_size'],
    [{ hidden_size: 2 ** 40 }, 'model/bad-config', 'hidden_size'],
    [{ num_hidden_layers: 1e6 }, 'model/bad-config', 'num_hidden_layers'],
    [{ vocab_size: 1e15 }, 'model/bad-config', 'vocab_size'],
    [{ head_dim: 33 }, 'model/bad-config', 'head_dim'],
    [{ rms_norm_eps: 0 }, 'model/bad-config', 'rms_norm_eps'],
    [{ rope_theta: -1 }, 'model/bad-config', 'rope_theta'],
    [{ tie_word_embeddings: 'yes' }, 'model/bad-config', 'tie_word_embeddings'],
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
