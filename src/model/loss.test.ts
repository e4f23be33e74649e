import { describe, expect, it } from 'vitest';
import { initialWeights } from '../../scripts/pretrain/initial-weights.ts';
import { configJson } from '../../scripts/pretrain/recipe.ts';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { Scope } from '../kernels/scope.ts';
import { packBatch } from './batch.ts';
import { type LoraPart, combineLora } from './combine-lora.ts';
import { parseConfig } from './config.ts';
import { type LoraConfig, TARGETS, freeLora, moduleOf, uploadLora } from './lora.ts';
import { type LossOptions, loss } from './loss.ts';
import { uploadModel } from './model.ts';
import { factorsOf } from './testing/factors.ts';

const backend = await createCpuBackend();
const config = parseConfig({ ...configJson(64, 3, 96, 300), model_type: 'mistral', sliding_window: 5 });
const model = uploadModel(backend, config, initialWeights(config, 2));
const sequence = (seed: number, length: number, start: number) => ({ ids: Array.from({ length }, (_, i) => (seed * 37 + i * 11) % 300), start });
const batch = packBatch([[sequence(1, 9, 1)], [sequence(2, 14, 4), sequence(3, 6, 2)], [sequence(4, 21, 1)]], (g, s, at) => 0.1 + 0.01 * (g + s + at), config.window);

const every: LoraConfig = { rank: 3, alpha: 6, rslora: false, targets: [...TARGETS] };

/** The first pass leaves packed forms of the base's weights. */
let warm = false;

/** All results of one pass, by name. */
async function pass(lora: LoraConfig, options: LossOptions, want: 'loss' | 'adapter' = 'adapter'): Promise<Map<string, Float32Array>> {
  const adapter = uploadLora(backend, config, lora, factorsOf(config, lora), false);
  const before = backend.memory().bytes;
  const scope = new Scope(backend);
  const { losses, total, gradients } = loss(scope, model, adapter, batch, want, options);
  const out = new Map<string, Float32Array>();
  for (const [name, tensor] of [['losses', losses], ['total', total], ...gradients] as const) out.set(name, (await backend.read(tensor)) as Float32Array);
  scope.release();
  if (warm) expect(backend.memory().bytes).toBe(before);
  warm = true;
  freeLora(backend, adapter);
  return out;
}

describe('a pass has the same bits', async () => {
  const kept = await pass(every, { keep: 'layers' });
  it('when layers are computed again', async () => {
    expect(kept.size).toBe(2 + 3 * 14);
    expect(await pass(every, { keep: 'inputs' })).toEqual(kept);
  });
  it.each([1, 7, 41, 42])('when logits are computed %i rows at a time', async (rows) => {
    expect(batch.targets.length).toBe(42);
    expect(await pass(every, { logitBytes: rows * 300 * 4 })).toEqual(kept);
    const { losses, total } = Object.fromEntries(await pass(every, { logitBytes: rows * 300 * 4 }, 'loss'));
    expect([losses, total]).toEqual([kept.get('losses'), kept.get('total')]);
  });

  // Below the lowest adapted layer, and in it, only what leads to something to learn is computed.
  const some: [string, Partial<LoraConfig>][] = [
    ...TARGETS.map((target): [string, Partial<LoraConfig>] => [`${target} of layer 1`, { modules: [`layers.1.${/gate|up|down/.test(target) ? 'mlp' : 'self_attn'}.${target}`], targets: [target] }]),
    ['v_proj of layer 2 and up_proj of all', { modules: ['layers.2.self_attn.v_proj', 'up_proj'], targets: ['v_proj', 'up_proj'] }],
    ['ranks by pattern', { rankPattern: { 'layers.1.mlp.down_proj': 7, 'layers.0..*': 1 } }],
  ];
  it.each(some)('with %s, however activations are kept', async (_, change) => {
    const lora = { ...every, ...change };
    const all = await pass(lora, { keep: 'layers' });
    expect(await pass(lora, { keep: 'inputs' })).toEqual(all);
  });
  it.each(TARGETS)('with %s of layer 1 alone as where all else is adapted by zeros', async (target) => {
    const layer = `layers.1.${moduleOf(target)}.${target}`;
    const alone = await pass({ ...every, modules: [layer], targets: [target] }, {});
    expect(alone.size).toBe(4);
    const factors = factorsOf(config, every);
    for (const [name, { values }] of factors) if (!name.includes(layer)) values.fill(0);
    const adapter = uploadLora(backend, config, every, factors, false);
    const scope = new Scope(backend);
    const { gradients } = loss(scope, model, adapter, batch, 'adapter');
    for (const letter of ['A', 'B']) expect(await backend.read(gradients.get(`${layer}.lora_${letter}`)!)).toEqual(alone.get(`${layer}.lora_${letter}`));
    scope.release();
    freeLora(backend, adapter);
  });
});

describe('several adapters at once', () => {
  const other: LoraConfig = { rank: 2, alpha: 3, rslora: true, targets: ['q_proj', 'down_proj'] };
  const totalOf = async (parts: LoraPart[]) => {
    const { config: lora, tensors } = combineLora(parts);
    const adapter = uploadLora(backend, config, lora, tensors, false);
    const scope = new Scope(backend);
    const [total] = (await backend.read(loss(scope, model, adapter, batch, 'loss').total)) as Float32Array;
    scope.release();
    freeLora(backend, adapter);
    return total!;
  };
  const one = (weight: number): LoraPart => ({ config: every, tensors: factorsOf(config, every), weight });
  const two = (weight: number): LoraPart => ({ config: other, tensors: factorsOf(config, other, 5), weight });

  it('are what they sum to', async () => {
    const alone = (await pass(every, {}, 'loss')).get('total')![0]!;
    expect(await totalOf([one(1)])).toBeCloseTo(alone, 4);
    expect(await totalOf([one(0.25), one(0.75)])).toBeCloseTo(alone, 4);
    expect(await totalOf([one(1), two(1), two(-1)])).toBeCloseTo(alone, 4);
    expect(Math.abs((await totalOf([one(1), two(1)])) - alone)).toBeGreaterThan(1e-3);
  });
});

it('a sequence beyond the rotary tables is refused', () => {
  const scope = new Scope(backend);
  expect(() => loss(scope, { ...model, positions: 20 }, undefined, batch, 'loss')).not.toThrow();
  expect(() => loss(scope, { ...model, positions: 19 }, undefined, batch, 'loss')).toThrow('20 tokens');
  scope.release();
});

describe('memory', () => {
  const peak = (options: LossOptions) => {
    const adapter = uploadLora(backend, config, every, factorsOf(config, every), false);
    const scope = new Scope(backend);
    backend.heap.peakBytes = backend.heap.bytes;
    const before = backend.memory().bytes;
    loss(scope, model, adapter, batch, 'adapter', options);
    const used = backend.memory().peakBytes - before;
    scope.release();
    freeLora(backend, adapter);
    return used;
  };
  it('is less when layers are computed again, and when logits are bounded', () => {
    expect(peak({ keep: 'inputs' })).toBeLessThan(0.75 * peak({ keep: 'layers' }));
    expect(peak({ keep: 'inputs', logitBytes: 4096 })).toBeLessThan(peak({ keep: 'inputs' }));
  });
});
