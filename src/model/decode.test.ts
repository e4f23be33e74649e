import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { argmax } from '../kernels/argmax/operation.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { NO_SLOT } from '../kernels/decode/rows.ts';
import type { Format } from '../kernels/matrix/matrix.ts';
import { ReferenceBackend } from '../kernels/reference/backend.ts';
import { AdapterPool } from './adapter-pool.ts';
import { DecodeStep } from './decode-step.ts';
import { generate } from './generate.ts';
import { Batch, generateBatch } from './generate-batch.ts';
import { KvCache } from './kv-cache.ts';
import { type LoraConfig, TARGETS, parseLoraConfig, uploadLora } from './lora.ts';
import type { Model } from './model.ts';
import { type Adapter, prefill } from './prefill.ts';
import { factorsOf } from './testing/factors.ts';
import { randomModel, smallConfig } from './testing/random-model.ts';

const cpu = await createCpuBackend();
const loraConfig = (rank: number, change: Record<string, unknown> = {}): LoraConfig =>
  parseLoraConfig({ peft_type: 'LORA', r: rank, lora_alpha: 2 * rank, target_modules: [...TARGETS], ...change });
const bits = (values: Float32Array) => [...new Uint32Array(values.slice().buffer)];
const prompt = (seed: number, length: number) => Array.from({ length }, (_, i) => 3 + ((seed * 37 + i * 11) % 90));

/** Logits of a prompt's tokens one after the other, by fused steps and by the separate operations. */
async function both(model: Model, lora: LoraConfig | undefined, tokens: number[]): Promise<[number[][], number[][]]> {
  const { backend, config } = model;
  const adapter = lora && { config: lora, tensors: factorsOf(config, lora) };
  const pool = adapter && new AdapterPool(model, { slots: 3, rank: 5 });
  if (adapter) pool!.load(1, adapter);
  const own: Adapter = { lora: adapter && uploadLora(backend, config, adapter.config, adapter.tensors) };
  const caches = [new KvCache(model, 2, 8), new KvCache(model, 1, 8)] as const;
  const step = new DecodeStep(model, pool, caches[0], 1);
  const results: [number[][], number[][]] = [[], []];
  for (const [position, id] of tokens.entries()) {
    caches[0].reserve(1, position + 1);
    const ids = backend.upload('ids', [1], Uint32Array.of(id));
    const logits = step.logitsOf([{ slot: adapter ? 1 : NO_SLOT, position, base: caches[0].base(1) }], ids);
    results[0].push(bits((await backend.read(logits)) as Float32Array));
    caches[1].reserve(0, position + 1);
    const expected = prefill(model, own, caches[1], 0, position, [id]);
    results[1].push(bits((await backend.read(expected)) as Float32Array));
    backend.free(expected);
    backend.free(ids);
  }
  return results;
}

describe('a fused step has the bits of the separate operations', () => {
  const shapes: [string, Record<string, unknown>][] = [
    ['grouped queries', {}],
    ['biases, tied', { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'], tie_word_embeddings: true }],
    ['biases everywhere attention has any', { attention_bias: true, head_dim: 6 }],
    ['a window', { model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: 5 }],
    ['one key head', { num_key_value_heads: 1 }],
    ['a head for each', { num_key_value_heads: 6, head_dim: 6 }],
    ['sums of several blocks', { hidden_size: 520, intermediate_size: 300, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 130 }],
  ];
  it.each(shapes)('%s', async (_, change) => {
    const config = smallConfig(change);
    for (const backend of [cpu, new ReferenceBackend()]) {
      const [fused, apart] = await both(randomModel(backend, config), loraConfig(3), prompt(1, backend === cpu ? 20 : 7));
      expect(fused).toEqual(apart);
    }
  });

  it.each(['f16', 'bf16', 'q8', 'q4'] as Format[])('weights in %s', async (format) => {
    const [fused, apart] = await both(randomModel(cpu, smallConfig(), 2, format), loraConfig(4), prompt(2, 8));
    expect(fused).toEqual(apart);
  });

  it('without an adapter, and with one that has only some layers and ranks', async () => {
    const model = randomModel(cpu, smallConfig());
    const [base, apart] = await both(model, undefined, prompt(3, 9));
    expect(base).toEqual(apart);
    const some = loraConfig(2, { target_modules: ['q_proj', 'down_proj', 'up_proj'], rank_pattern: { down_proj: 5 }, alpha_pattern: { q_proj: 3 }, layers_to_transform: [1] });
    const [fused, separate] = await both(model, some, prompt(3, 9));
    expect(fused).toEqual(separate);
    expect(fused).not.toEqual(base);
  });

  it('takes eight dispatches a layer', async () => {
    const model = randomModel(cpu, smallConfig());
    const cache = new KvCache(model, 1, 4);
    cache.reserve(0, 1);
    const step = new DecodeStep(model, undefined, cache, 1);
    step.logitsOf([{ slot: NO_SLOT, position: 0, base: 0 }], cpu.upload('ids', [1], Uint32Array.of(5)));
    expect(step.dispatches.layers).toBe(8 * model.config.layers);
  });
});

describe('generation', () => {
  const config = smallConfig();
  const model = randomModel(cpu, config, 4);
  const tensors = factorsOf(config, loraConfig(4), 7);
  const lora = uploadLora(cpu, config, loraConfig(4), tensors);

  it('gives the tokens of one operation after the other, also where the cache grows', async () => {
    const reference = new ReferenceBackend();
    const there = randomModel(reference, config, 4);
    const slow = await generate(there, uploadLora(reference, config, loraConfig(4), tensors), prompt(5, 6), { maxTokens: 12, stop: [] });
    expect(await generate(model, lora, prompt(5, 6), { maxTokens: 12, stop: [] })).toEqual(slow);

    const before = cpu.memory().bytes;
    const long = await generate(model, lora, prompt(6, 20), { maxTokens: 300, stop: [] });
    const expected: number[] = [];
    const cache = new KvCache(model, 1, 400);
    cache.reserve(0, 400);
    for (let next = prompt(6, 20), at = 0; expected.length < 300; ) {
      const logits = prefill(model, { lora }, cache, 0, at, next);
      at += next.length;
      const best = cpu.run(argmax, 'next', [logits])[0]!;
      expected.push((await cpu.read(best))[0]!);
      next = expected.slice(-1);
      cpu.free(logits);
      cpu.free(best);
    }
    cache.free();
    expect(long).toEqual(expected);
    expect(cpu.memory().bytes).toBe(before);
  });

  it('stops at a stop token or run of tokens, which are part of the answer', async () => {
    const whole = await generate(model, lora, prompt(7, 5), { maxTokens: 30, stop: [] });
    const at = whole.indexOf(whole[6]!);
    expect(await generate(model, lora, prompt(7, 5), { maxTokens: 30, stop: [whole[6]!] })).toEqual(whole.slice(0, at + 1));
    const run = whole.slice(9, 12);
    const ends = whole.findIndex((_, i) => run.every((id, j) => whole[i + j] === id)) + 3;
    expect(await generate(model, lora, prompt(7, 5), { maxTokens: 30, stop: [], stopSequences: [[999], run, []] })).toEqual(whole.slice(0, ends));
  });

  it('asks a picker for each token', async () => {
    const seen: number[] = [];
    const pick = (logits: Float32Array, answer: readonly number[]) => {
      seen.push(answer.length);
      // The second best.
      return [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b)[1]!;
    };
    const picked = await generate(model, lora, prompt(8, 5), { maxTokens: 6, stop: [], pick });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    const reference = new ReferenceBackend();
    expect(await generate(randomModel(reference, config, 4), uploadLora(reference, config, loraConfig(4), tensors), prompt(8, 5), { maxTokens: 6, stop: [], pick })).toEqual(picked);
  });

  it('fills the context to its end and is cancelled between tokens', async () => {
    const small = randomModel(cpu, smallConfig({ max_position_embeddings: 24 }), 4);
    expect(await generate(small, undefined, prompt(1, 20), { maxTokens: 99, stop: [] })).toHaveLength(5);
    await expect(generate(small, undefined, prompt(1, 24), { maxTokens: 9, stop: [] })).rejects.toMatchObject({ code: 'model/prompt-too-long' });
    const before = cpu.memory().bytes;
    const controller = new AbortController();
    const got: number[] = [];
    const answer = generate(model, lora, prompt(9, 5), { maxTokens: 50, stop: [], signal: controller.signal, onToken: (id) => got.push(id) === 4 && controller.abort() });
    await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
    expect(got).toHaveLength(4);
    expect(cpu.memory().bytes).toBe(before);
  });
});

describe('batches of different adapters', async () => {
  const config = smallConfig();
  const model = randomModel(cpu, config, 9);
  const adapters = [1, 2, 3, 4].map((seed) => ({ config: loraConfig(seed), tensors: factorsOf(config, loraConfig(seed), seed) }));
  const pool = new AdapterPool(model, { slots: 4, rank: 4 });
  adapters.forEach((adapter, slot) => pool.load(slot, adapter));
  const slots = [0, 3, undefined, 1, 1, 2, 0, 3, 2, undefined];
  const alone = await Promise.all(
    slots.map((slot, i) => {
      const lora = slot === undefined ? undefined : uploadLora(cpu, config, adapters[slot]!.config, adapters[slot]!.tensors);
      return generate(model, lora, prompt(i, 4 + i), { maxTokens: 5 + 3 * i, stop: [] });
    }),
  );
  const requests = slots.map((slot, i) => ({ slot, prompt: prompt(i, 4 + i), maxTokens: 5 + 3 * i, stop: [] }));

  it('gives every request the tokens that it has alone, whatever the places', async () => {
    for (const sequences of [1, 3, 8, 10]) expect(await generateBatch(model, pool, requests, sequences)).toEqual(alone);
    expect(await generate(model, { pool, slot: 3 }, requests[1]!.prompt, requests[1]!)).toEqual(alone[1]);
    expect(await generateBatch(model, undefined, [{ ...requests[2]!, slot: undefined }])).toEqual([alone[2]]);
  });

  it('takes requests in between, streams, stops and cancels each for itself', async () => {
    const before = cpu.memory().bytes;
    const batch = new Batch(model, pool, { sequences: 4, rows: 8 });
    const controller = new AbortController();
    const streamed: number[] = [];
    let late: Promise<number[]> | undefined;
    const first = batch.add({ ...requests[9]!, onToken: (id) => { if (streamed.push(id) === 3) late = batch.add(requests[3]!); } });
    const gone = batch.add({ ...requests[8]!, signal: controller.signal, onToken: () => controller.abort() });
    const stopped = batch.add({ ...requests[7]!, stop: [alone[7]![4]!] });
    const picked = batch.add({ ...requests[6]!, pick: (logits) => logits.indexOf(Math.max(...logits)) });
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
    await expect(batch.add({ ...requests[0]!, prompt: [] })).rejects.toMatchObject({ code: 'model/empty-prompt' });
    expect(await first).toEqual(alone[9]);
    expect(streamed).toEqual(alone[9]);
    expect(await late).toEqual(alone[3]);
    expect(await stopped).toEqual(alone[7]!.slice(0, alone[7]!.indexOf(alone[7]![4]!) + 1));
    expect(await picked).toEqual(alone[6]);
    // After a pause it goes on.
    expect(await batch.add(requests[5]!)).toEqual(alone[5]);
    const never = expect(batch.add(requests[1]!)).rejects.toMatchObject({ code: 'cancelled' });
    await batch.close();
    await never;
    expect(cpu.memory().bytes).toBe(before);
  });

  it('keeps adapters by use, and never takes the place of one in use', async () => {
    const small = new AdapterPool(model, { slots: 2, rank: 4 });
    const reads: string[] = [];
    const acquire = (key: string, index: number) => small.acquire(key, () => { reads.push(key); return adapters[index]!; });
    const [a, again] = await Promise.all([acquire('a', 0), acquire('a', 0)]);
    expect(again).toBe(a);
    const b = await acquire('b', 1);
    expect(reads).toEqual(['a', 'b']);
    await expect(acquire('c', 2)).rejects.toMatchObject({ code: 'adapter/pool-full' });
    small.release('b');
    small.release('a');
    expect(small.evict('a')).toBe(false); // one of its two users is still there
    expect(await acquire('c', 2)).toBe(b);
    expect(small.slotOf('b')).toBeUndefined();
    small.release('a');
    small.release('c');
    expect(await acquire('b', 1)).toBe(a); // the least recently used
    const slot = small.slotOf('b')!;
    expect(await generateBatch(model, small, [{ ...requests[3]!, slot }])).toEqual([alone[3]]);
    await expect(small.acquire('d', () => ({ config: loraConfig(5), tensors: factorsOf(config, loraConfig(5)) }))).rejects.toMatchObject({ code: 'adapter/rank-too-large' });
    expect(small.slotOf('d')).toBeUndefined();
    small.free();
  });
});

describe('WebGPU generates the tokens of the CPU', () => {
  // SwiftShader compiles for seconds, so it gets fewer models.
  it.each([['opengles', '5'], ['swiftshader', '2']])('%s', { timeout: 300_000 }, async (kind, models) => {
    const script = fileURLToPath(new URL('testing/decode-equality.node.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, kind, models], { timeout: 280_000 });
    const report = JSON.parse(stdout.trimEnd().split('\n').pop()!) as { skipped?: string; cases: number; differences: string[] };
    if (report.skipped) return console.warn(`NOT TESTED: ${kind}. ${report.skipped}`);
    expect(report.differences).toEqual([]);
    expect(report.cases).toBeGreaterThan(10);
  });
});
