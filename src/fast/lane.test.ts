import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SAMPLE_NAMES, buildEvaluation } from '../../scripts/samples/records.ts';
import { randomUnit } from '../arithmetic/random.ts';
import { Engine } from '../attribution/engine.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { type ModelConfig, parseConfig } from '../model/config.ts';
import { generate } from '../model/generate.ts';
import { type LoraConfig, parseLoraConfig, uploadLora } from '../model/lora.ts';
import { uploadModel, weightShapes } from '../model/model.ts';
import { type Tensors, parseSafetensors } from '../model/safetensors.ts';
import { factorsOf } from '../model/testing/factors.ts';
import { memoryFolder } from '../protocol/model-folder.ts';
import { agreement } from './agreement.ts';
import { FastLane } from './lane.ts';
import { modelTensors } from './model-tensors.ts';

const files = (folder: string) => {
  const path = fileURLToPath(new URL(`../../public/${folder}`, import.meta.url));
  return Object.fromEntries(readdirSync(path).map((name) => [name, new Uint8Array(readFileSync(join(path, name)))]));
};

describe('the shipped base and adapters', () => {
  it('chooses the exact lane’s tokens', async () => {
    const folder = memoryFolder('base', files('base'));
    const engine = await Engine.open(await createCpuBackend(), { name: 'base', cid: 'bafylocal00' }, folder);
    const lane = await FastLane.open({ config: engine.model.config, tensors: modelTensors(engine.model.config, folder), provider: 'wasm' });
    let tokens = 0, same = 0;
    for (const [slot, name] of [undefined, ...SAMPLE_NAMES].entries()) {
      const adapterFiles = name === undefined ? undefined : files(`adapters/${name}`);
      const adapter = adapterFiles && engine.loadAdapter(adapterFiles);
      if (adapterFiles) lane.loadAdapter(slot, parseLoraConfig(JSON.parse(new TextDecoder().decode(adapterFiles['adapter_config.json']))), parseSafetensors(adapterFiles['adapter_model.safetensors']!));
      for (const { question } of buildEvaluation(name ?? 'exploits').slice(0, 3)) {
        const prompt = engine.prompt(question);
        const answer = await engine.generate(adapter, prompt, { maxTokens: 48 });
        tokens += answer.length;
        same += await agreement(lane, adapter && slot, prompt, answer);
        expect(await lane.generate(prompt, { maxTokens: 48, stop: [2], slot: adapter && slot })).toEqual(answer);
      }
    }
    expect(tokens).toBeGreaterThan(30);
    expect(same / tokens).toBeGreaterThanOrEqual(0.995);
    await lane.close();
  });
});

it('a base rounded to 4 bits is the exact lane’s rounded base', async () => {
  const folder = memoryFolder('base', files('base'));
  const engine = await Engine.open(await createCpuBackend(), { name: 'base', cid: 'bafylocal00' }, folder, { format: 'q4' });
  const { config } = engine.model;
  const logits = async (lane: FastLane) => {
    const seen: Float32Array[] = [];
    await lane.generate(prompt, { maxTokens: 1, stop: [], pick: (values) => seen.push(values.slice()) });
    await lane.close();
    return seen[0]!;
  };
  const prompt = engine.prompt('Who repairs clocks?');
  let exact = new Float32Array();
  await generate(engine.model, undefined, prompt, { maxTokens: 1, stop: [], pick: (values) => (exact = values.slice()).length && 0 });
  const off = (values: Float32Array) => Math.max(...values.map((value, i) => Math.abs(value - exact[i]!))) / Math.max(...exact.map(Math.abs));
  const open = (format?: 'q4') => FastLane.open({ config, tensors: modelTensors(config, folder, { format }), provider: 'wasm' });
  expect(off(await logits(await open('q4')))).toBeLessThan(1e-5);
  expect(off(await logits(await open()))).toBeGreaterThan(1e-3);
});

const LORA: LoraConfig = { rank: 3, alpha: 6, rslora: false, targets: ['q_proj', 'v_proj', 'gate_proj', 'down_proj'], rankPattern: { 'layers.1.mlp.down_proj': 5 } };

function weights(config: ModelConfig): Tensors {
  let stream = 0;
  return new Map([...weightShapes(config)].map(([name, shape]) => {
    stream++;
    const size = shape.reduce((a, b) => a * b, 1);
    const isNorm = name.endsWith('norm.weight');
    const width = 1.7 / Math.sqrt(shape[1] ?? 4);
    return [name, { shape, values: Float32Array.from({ length: size }, (_, i) => (isNorm ? 1 : 0) + (isNorm ? 0.4 : 2 * width) * (randomUnit(7, stream, i) - 0.5)) }];
  }));
}

const small = { vocab_size: 61, hidden_size: 32, intermediate_size: 40, num_hidden_layers: 2, num_attention_heads: 4, max_position_embeddings: 64, hidden_act: 'silu', eos_token_id: 2 };
const FAMILIES: Record<string, object> = {
  'llama, untied, rotated by plain operators': { ...small, model_type: 'llama' },
  'llama, grouped keys, rotated in attention, llama3 scaling, biases of all layers': {
    ...small, model_type: 'llama', head_dim: 16, num_key_value_heads: 2, tie_word_embeddings: true, attention_bias: true, mlp_bias: true, rope_theta: 500000,
    rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 32 },
  },
  'llama, heads of 24 values, linear scaling': { ...small, model_type: 'llama', head_dim: 24, num_key_value_heads: 1, rope_scaling: { type: 'linear', factor: 2 } },
  'mistral, window of 4': { ...small, model_type: 'mistral', head_dim: 16, num_key_value_heads: 2, sliding_window: 4 },
  'qwen2, biases on q, k and v, tied': { ...small, model_type: 'qwen2', num_key_value_heads: 2, head_dim: 16, tie_word_embeddings: true },
};

describe('families', () => {
  for (const [name, json] of Object.entries(FAMILIES)) {
    it(`${name}: logits of the exact lane, prompt and cache, with and without an adapter`, async () => {
      const config = parseConfig(json);
      const tensors = weights(config);
      const factors = factorsOf(config, LORA);
      const model = uploadModel(await createCpuBackend(), config, tensors);
      const lora = uploadLora(model.backend, config, LORA, factors);
      const lane = await FastLane.open({ config, tensors: [...tensors].map(([name, tensor]) => ({ name, ...tensor })), provider: 'wasm' });
      lane.loadAdapter(5, LORA, factors);
      const prompt = [1, 17, 33, 5, 60, 8, 41];
      const forced = [3, 9, 27, 14, 55, 0, 12, 30];
      const record = (seen: Float32Array[]) => ({
        maxTokens: forced.length, stop: [],
        pick: (logits: Float32Array, answer: readonly number[]) => {
          seen.push(logits.slice());
          return forced[answer.length]!;
        },
      });
      const seen: Float32Array[][] = [];
      for (const adapted of [false, true]) {
        const exact: Float32Array[] = [], fast: Float32Array[] = [];
        await generate(model, adapted ? lora : undefined, prompt, record(exact));
        await lane.generate(prompt, { ...record(fast), slot: adapted ? 5 : undefined });
        expect(fast.length).toBe(forced.length);
        for (const [step, logits] of exact.entries()) {
          const scale = Math.max(...logits.map(Math.abs));
          const off = Math.max(...logits.map((value, i) => Math.abs(value - fast[step]![i]!)));
          expect(off / scale, `step ${step}`).toBeLessThan(1e-5);
        }
        seen.push(exact.map((logits) => logits.slice()));
      }
      // The adapter changes something, or the comparison above says nothing of it.
      expect(seen[0]![0]![3]).not.toBeCloseTo(seen[1]![0]![3]!, 3);
      await lane.close();
    });
  }
});

describe('what goes wrong', () => {
  const config = parseConfig(FAMILIES['qwen2, biases on q, k and v, tied']);
  const list = () => [...weights(config)].map(([name, tensor]) => ({ name, ...tensor }));
  const open = (tensors = list()) => FastLane.open({ config, tensors, provider: 'wasm' });

  it('names weights that are missing, misshapen or there twice', async () => {
    const fit = { code: 'model/weights-do-not-fit' };
    await expect(open(list().filter(({ name }) => name !== 'layers.1.self_attn.k_proj.bias'))).rejects.toMatchObject({ ...fit, why: '"layers.1.self_attn.k_proj.bias" is missing.' });
    await expect(open([...list(), list()[0]!])).rejects.toMatchObject({ ...fit, why: '"embed_tokens.weight" comes twice.' });
    await expect(open(list().map((one, i) => (i === 3 ? { ...one, shape: [...one.shape].reverse() } : one)))).rejects.toMatchObject(fit);
  });

  it('names what ONNX Runtime lacks', async () => {
    await expect(FastLane.open({ config: { ...config, headDim: 10 }, tensors: [], provider: 'wasm' })).rejects.toMatchObject({ code: 'fast/unsupported' });
  });

  it('refuses models beyond WebAssembly’s memory before anything is loaded', async () => {
    const large = { ...config, hidden: 4096, intermediate: 11008, layers: 32, vocab: 32000 };
    await expect(FastLane.open({ config: large, tensors: [], provider: 'wasm' })).rejects.toMatchObject({ code: 'fast/too-large' });
  });

  it('refuses what it cannot answer, one call at a time, and stops when told', async () => {
    const lane = await open();
    await expect(lane.generate([], { maxTokens: 1, stop: [] })).rejects.toMatchObject({ code: 'model/empty-prompt' });
    await expect(lane.generate(Array(64).fill(1), { maxTokens: 1, stop: [] })).rejects.toMatchObject({ code: 'model/prompt-too-long' });
    await expect(lane.generate([1], { maxTokens: 1, stop: [], slot: 3 })).rejects.toMatchObject({ code: 'fast/no-such-slot' });
    expect(() => lane.loadAdapter(1, { ...LORA, rank: 4 }, factorsOf(config, LORA))).toThrow(expect.objectContaining({ code: 'adapter/does-not-fit' }));
    const controller = new AbortController();
    const first = lane.generate([1, 2], { maxTokens: 20, stop: [], signal: controller.signal, onToken: () => controller.abort() });
    await expect(lane.generate([1], { maxTokens: 1, stop: [] })).rejects.toMatchObject({ code: 'fast/busy' });
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    expect(await lane.generate([1, 2], { maxTokens: 200, stop: [] })).toHaveLength(63);
    await lane.close();
    await expect(lane.generate([1], { maxTokens: 1, stop: [] })).rejects.toMatchObject({ code: 'fast/busy' });
  });
});
