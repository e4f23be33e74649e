import { describe, expect, it } from 'vitest';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { OpenLedgerError } from '../errors.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { combineLora } from './combine-lora.ts';
import { parseConfig } from './config.ts';
import { adapterBaseWarning, adaptedLayers, downloadLora, factorKey, linearShape, loraConfigJson, parseLoraConfig, uploadLora } from './lora.ts';
import { modulePattern, patternBudget } from './module-pattern.ts';
import { type Tensors, parseSafetensors, writeSafetensors } from './safetensors.ts';

const failure = (work: () => unknown): OpenLedgerError => {
  try {
    work();
  } catch (error) {
    if (error instanceof OpenLedgerError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const plain = { peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['q_proj', 'v_proj'] };
const namesOf = (change: object, layers = 3) => adaptedLayers({ layers }, parseLoraConfig({ ...plain, ...change })).map(({ name }) => name);

describe('patterns of module names', () => {
  const matches = (pattern: string, name: string) => modulePattern(pattern).matches(name, patternBudget());

  // JavaScript's RegExp reads all of these as Python does.
  const names = ['', 'a', 'model.layers.0.self_attn.q_proj', 'model.layers.11.mlp.down_proj', 'lm_head', 'model.vision.layers.1.q_proj', 'aab', '-', 'x]y'];
  it.each([
    '.*\\.(q|v)_proj', '(?!.*vision).*(?:q_proj|down_proj)', 'model\\.layers\\.(0|1\\d)\\..*', '^lm_head$', '.*[_.]proj', 'a*?a+b?', '[^.]+', '[a-z_]+',
    '(a|aa)*b', 'a{2}b', 'a{1,}b', 'a{,2}', '(?=.*attn)model.*', '\\w+', '.*\\bq_proj', '(?:.*?(?:self_attn|mlp).*?(?:k_proj|q_proj).*?)|(?:lm_head)', '[]x]+y', '[\\d\\-]', '(?:)', 'a|', '\\S*', '(((a*)*)*)*b?',
  ])('%s is read as a regular expression', (pattern) => {
    const known = pattern === '[]x]+y' ? /^[\]x]+y$/ : pattern === 'a{,2}' ? /^a{0,2}$/ : new RegExp(`^(?:${pattern})$`);
    for (const name of names) expect(matches(pattern, name), name).toBe(known.test(name));
  });

  it.each(['(', 'a)', '[a', '*a', 'a**', 'a\\', '(?<=a)b', '(a)\\1', '(?i)a', 'a{2000}', '[z-a]', 'x'.repeat(3000), '('.repeat(200) + ')'.repeat(200)])('%s is refused', (pattern) => {
    expect(failure(() => modulePattern(pattern)).code).toBe('adapter/unsupported');
  });

  it('takes no exponential time', () => {
    const began = performance.now();
    expect(matches('(a+)+b', 'a'.repeat(2000))).toBe(false);
    expect(matches(`${'(a|a?)*'.repeat(30)}b`, 'a'.repeat(60))).toBe(false);
    for (const [pattern, name] of [['((.?){1000}){1000}', 'ab'.repeat(1000)], [`((${'|'.repeat(1900)}){1000}){1000}`, 'a']] as const) {
      expect(failure(() => modulePattern(pattern).matches(name, { steps: 1_000_000 })).code).toBe('adapter/unsupported');
    }
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe('which layers a PEFT config adapts', () => {
  it('by ends of names, by full names, by all-linear', () => {
    expect(namesOf({})).toEqual([0, 1, 2].flatMap((n) => [`layers.${n}.self_attn.q_proj`, `layers.${n}.self_attn.v_proj`]));
    expect(namesOf({ target_modules: ['model.layers.1.mlp.up_proj', 'self_attn.k_proj'] }, 2)).toEqual(['layers.0.self_attn.k_proj', 'layers.1.self_attn.k_proj', 'layers.1.mlp.up_proj']);
    // An end of a name begins after a dot: layer 11 is not layer 1.
    expect(namesOf({ target_modules: ['1.mlp.up_proj'] }, 12)).toEqual(['layers.1.mlp.up_proj']);
    expect(namesOf({ target_modules: 'all-linear' }, 2).length).toBe(14);
  });

  it('by a pattern for the whole name', () => {
    expect(namesOf({ target_modules: '.*\\.layers\\.[01]\\..*(q_proj|down_proj)' })).toEqual([0, 1].flatMap((n) => [`layers.${n}.self_attn.q_proj`, `layers.${n}.mlp.down_proj`]));
    expect(namesOf({ target_modules: 'q_proj' })).toEqual([]);
  });

  it('without the excluded, and in some layers only', () => {
    expect(namesOf({ exclude_modules: ['layers.0.self_attn.q_proj'] }, 2)).toEqual(['layers.0.self_attn.v_proj', 'layers.1.self_attn.q_proj', 'layers.1.self_attn.v_proj']);
    expect(namesOf({ exclude_modules: '.*v_proj' }, 2)).toEqual(['layers.0.self_attn.q_proj', 'layers.1.self_attn.q_proj']);
    expect(namesOf({ layers_to_transform: [2], target_modules: ['q_proj'] })).toEqual(['layers.2.self_attn.q_proj']);
    expect(namesOf({ layers_to_transform: 1, layers_pattern: 'layers', target_modules: ['q_proj'] })).toEqual(['layers.1.self_attn.q_proj']);
    expect(namesOf({ layers_to_transform: [1], layers_pattern: ['h'], target_modules: ['q_proj'] })).toEqual([]);
    // PEFT: a module listed by its full name is taken whatever the layers.
    expect(namesOf({ layers_to_transform: [1], target_modules: ['q_proj', 'model.layers.0.mlp.up_proj'] })).toEqual(['layers.0.mlp.up_proj', 'layers.1.self_attn.q_proj']);
  });

  it('with ranks and alphas by the first pattern that matches', () => {
    const layers = adaptedLayers({ layers: 12 }, parseLoraConfig({
      ...plain, target_modules: ['q_proj', 'v_proj'],
      rank_pattern: { 'layers.1.self_attn.q_proj': 2, v_proj: 16, '^model\\.layers\\.\\d\\.': 3, 'layers\\.(2|3)\\.self_attn\\.q_proj': 32 },
      alpha_pattern: { 'model.layers.1.self_attn.q_proj': 64 },
    }));
    const of = (name: string) => layers.find((layer) => layer.name === name)!;
    expect(of('layers.1.self_attn.q_proj')).toMatchObject({ rank: 2, scale: 32 });
    expect(of('layers.11.self_attn.q_proj')).toMatchObject({ rank: 4, scale: 2 });
    expect(of('layers.2.self_attn.q_proj')).toMatchObject({ rank: 32, scale: 0.25 });
    expect(of('layers.5.self_attn.v_proj')).toMatchObject({ rank: 16, scale: 0.5 });
    const [first] = adaptedLayers({ layers: 1 }, parseLoraConfig({ ...plain, use_rslora: true, rank_pattern: { q_proj: 16 } }));
    expect(first).toMatchObject({ rank: 16, scale: 2 });
  });

  it('goes to PEFT’s file and back', () => {
    for (const change of [
      {}, { target_modules: '.*q_proj' }, { target_modules: ['layers.0.mlp.up_proj'], exclude_modules: 'a' }, { layers_to_transform: [0, 2], layers_pattern: ['layers'] },
      { rank_pattern: { q_proj: 2 }, alpha_pattern: { 'x.*': 1.5 }, use_rslora: true }, { target_modules: 'all-linear' },
    ]) {
      const config = parseLoraConfig({ ...plain, ...change });
      expect(parseLoraConfig(JSON.parse(JSON.stringify(loraConfigJson(config, 'base'))))).toEqual(config);
    }
  });
});

describe('what the engine lacks', () => {
  it.each([
    [{ use_dora: true }, 'use_dora'], [{ bias: 'lora_only' }, 'bias'], [{ modules_to_save: ['lm_head'] }, 'modules_to_save'], [{ lora_bias: true }, 'lora_bias'],
    [{ fan_in_fan_out: true }, 'fan_in_fan_out'], [{ megatron_config: { a: 1 } }, 'megatron_config'], [{ layer_replication: [[0, 1]] }, 'layer_replication'],
    [{ trainable_token_indices: [1] }, 'trainable_token_indices'], [{ target_parameters: ['w'] }, 'target_parameters'],
    [{ init_lora_weights: 'pissa_niter_16' }, 'changes the base'], [{ init_lora_weights: 'olora' }, 'init_lora_weights'], [{ init_lora_weights: 'loftq' }, 'init_lora_weights'],
    [{ init_lora_weights: 'corda' }, 'init_lora_weights'], [{ init_lora_weights: 'new' }, 'init_lora_weights'], [{ loftq_config: { loftq_bits: 4 } }, 'loftq_config'],
    [{ target_modules: ['lm_head'] }, 'lm_head'], [{ target_modules: ['q_proj', 'embed_tokens'] }, 'embed_tokens'], [{ target_modules: ['c_attn'] }, 'c_attn'],
    [{ target_modules: null }, 'target_modules'], [{ target_modules: '.*(' }, 'closed'], [{ r: 0 }, 'r = 0'], [{ r: 2000 }, 'r'], [{ lora_alpha: -1 }, 'lora_alpha'],
    [{ rank_pattern: { q_proj: 0 } }, 'rank_pattern'], [{ alpha_pattern: { q_proj: 'x' } }, 'alpha_pattern'], [{ layers_to_transform: [-1] }, 'layers_to_transform'],
    [{ target_modules: 'x', layers_to_transform: [1] }, 'layers_to_transform'], [{ peft_type: 'IA3' }, 'peft_type'],
  ])('%j is named', (change, named) => {
    const error = failure(() => parseLoraConfig({ ...plain, ...change }));
    expect(error.code).toBe('adapter/unsupported');
    expect(error.message).toContain(named);
  });
  it('a pattern that takes in the head is refused by the module’s name', () => {
    expect(failure(() => adaptedLayers({ layers: 2 }, parseLoraConfig({ ...plain, target_modules: '.*' }))).message).toContain('embed_tokens');
    expect(failure(() => adaptedLayers({ layers: 2 }, parseLoraConfig({ ...plain, target_modules: '(.*_proj|lm_head)' }))).message).toContain('lm_head');
    expect(namesOf({ target_modules: '.*', exclude_modules: ['embed_tokens', 'lm_head'] }, 1).length).toBe(7);
  });
  it('starts that leave the base alone are read', () => {
    for (const start of [true, false, 'gaussian', 'orthogonal', 'eva']) expect(parseLoraConfig({ ...plain, init_lora_weights: start }).rank).toBe(4);
  });
});

describe('factors', async () => {
  const backend = await createCpuBackend();
  const model = parseConfig(configJson(64, 2, 160, 512));
  const factors = (json: object, key = factorKey, seed = 1): Tensors => {
    const config = parseLoraConfig(json);
    const value = (i: number) => Math.fround(Math.sin(seed + i * 1.7) * 0.1);
    return new Map(adaptedLayers(model, config).flatMap(({ name, target, rank }) => {
      const [out, input] = linearShape(model, target);
      return ([['A', rank, input], ['B', out, rank]] as const).map(([letter, rows, columns]) =>
        [key(name, letter), { shape: [rows, columns], values: Float32Array.from({ length: rows * columns }, (_, i) => value(i)) }] as const);
    }));
  };

  it.each([
    ['PEFT’s names', factorKey],
    ['names with the adapter’s', (name: string, letter: string) => `base_model.model.model.${name}.lora_${letter}.default.weight`],
    ['names without prefix', (name: string, letter: string) => `model.${name}.lora_${letter}.weight`],
  ])('%s are read', async (_, key) => {
    const lora = uploadLora(backend, model, parseLoraConfig(plain), factors(plain, key));
    expect(await downloadLora(backend, lora)).toEqual(factors(plain));
    expect([...lora.pairs.values()].map(({ rank, scale }) => [rank, scale])).toEqual([[4, 2], [4, 2], [4, 2], [4, 2]]);
  });

  it('of two adapters in one file are refused', () => {
    const both = new Map([...factors(plain), ...factors(plain, (name, letter) => `base_model.model.model.${name}.lora_${letter}.other.weight`)]);
    expect(failure(() => uploadLora(backend, model, parseLoraConfig(plain), both)).message).toContain('more than one adapter');
  });

  it('may be there for some layers only, each with its rank and scale', () => {
    const json = { ...plain, rank_pattern: { 'layers.1.self_attn.q_proj': 2 } };
    const some = new Map([...factors(json)].filter(([name]) => !name.includes('layers.0.self_attn.q_proj')));
    const lora = uploadLora(backend, model, parseLoraConfig(json), some);
    expect([...lora.pairs].map(([name, { rank, scale }]) => [name, rank, scale])).toEqual([
      ['layers.0.self_attn.v_proj', 4, 2], ['layers.1.self_attn.q_proj', 2, 4], ['layers.1.self_attn.v_proj', 4, 2],
    ]);
    expect(failure(() => uploadLora(backend, model, parseLoraConfig(plain), factors(json))).message).toContain('needs [4,64]');
    expect(failure(() => uploadLora(backend, model, parseLoraConfig(plain), new Map())).code).toBe('adapter/does-not-fit');
    const deep = new Map([...factors(plain)].map(([name, tensor]) => [name.replace('layers.1', 'layers.7'), tensor]));
    expect(failure(() => uploadLora(backend, model, parseLoraConfig(plain), deep)).message).toContain('of 2 layers');
    expect(failure(() => uploadLora(backend, model, parseLoraConfig({ ...plain, exclude_modules: ['q_proj'] }), factors(plain))).message).toContain('does not name');
  });

  it('in float16 are those values in float32', async () => {
    const half = parseSafetensors(writeSafetensors(factors(plain), 'F16'));
    const lora = uploadLora(backend, model, parseLoraConfig(plain), half);
    expect(await downloadLora(backend, lora)).toEqual(half);
  });

  it('of several adapters stand side by side, B scaled in RF32', () => {
    const second = { ...plain, r: 2, lora_alpha: 8, target_modules: ['v_proj', 'up_proj'] };
    const one = factors(plain);
    const two = factors(second, factorKey, 9);
    const { config, tensors } = combineLora([{ config: parseLoraConfig(plain), tensors: one, weight: 0.75 }, { config: parseLoraConfig(second), tensors: two, weight: -0.3 }]);
    const lora = uploadLora(backend, model, config, tensors);
    expect(lora.pairs.size).toBe(6);
    for (const { scale } of lora.pairs.values()) expect(scale).toBe(1);
    const name = 'layers.1.self_attn.v_proj';
    expect(lora.pairs.get(name)!.rank).toBe(6);
    const [a, b] = (['A', 'B'] as const).map((letter) => tensors.get(factorKey(name, letter))!);
    expect(a!.shape).toEqual([6, 64]);
    expect(a!.values.subarray(0, 256)).toEqual(one.get(factorKey(name, 'A'))!.values);
    expect(b!.values[6 * 5 + 3]).toBe(Math.fround(one.get(factorKey(name, 'B'))!.values[4 * 5 + 3]! * 1.5));
    expect(b!.values[6 * 5 + 4]).toBe(Math.fround(two.get(factorKey(name, 'B'))!.values[2 * 5]! * Math.fround(-1.2)));
    // The exported folder is PEFT's, patterns included.
    expect(parseLoraConfig(loraConfigJson(config, 'base'))).toEqual(config);
  });

  it('that cannot be combined are refused', () => {
    const big = { ...plain, r: 600 };
    const part = (json: object, weight = 1) => ({ config: parseLoraConfig(json), tensors: factors(json), weight });
    expect(failure(() => combineLora([part(big), part(big)])).message).toContain('1200');
    expect(failure(() => combineLora([part(plain, NaN)])).code).toBe('adapter/cannot-combine');
    expect(failure(() => combineLora([{ config: parseLoraConfig(plain), tensors: new Map(), weight: 1 }])).code).toBe('adapter/cannot-combine');
    expect(failure(() => combineLora([])).code).toBe('adapter/cannot-combine');
  });
});

describe('an adapter of another base', () => {
  it('is told of, unless the config names this base', () => {
    const identity = { name: 'TinyLlama-1.1B', cid: 'bafybase' };
    expect(adapterBaseWarning({ base_model_name_or_path: 'TinyLlama/TinyLlama-1.1B' }, identity)).toBeUndefined();
    expect(adapterBaseWarning({ base_model_name_or_path: '/home/me/tinyllama-1.1b/' }, identity)).toBeUndefined();
    expect(adapterBaseWarning({ base_model_name_or_path: 'TinyLlama/TinyLlama-1.1B-Chat' }, identity)).toContain('TinyLlama-1.1B-Chat');
    for (const unknown of [{}, { base_model_name_or_path: '' }, null, { base_model_name_or_path: 4 }]) expect(adapterBaseWarning(unknown, identity)).toContain('does not say');
  });
});
