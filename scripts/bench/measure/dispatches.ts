import type { Counts } from '../../../src/kernels/profile.ts';
import { generate } from '../../../src/model/generate.ts';
import { freeLora, uploadLora } from '../../../src/model/lora.ts';
import { freeModel, uploadModel } from '../../../src/model/model.ts';
import type { WebGpuBackend } from '../../../src/kernels/webgpu/backend.ts';
import type { Base } from '../base.ts';

/**
 * What a device is told for one decoded token, batch 1, with the adapter on all seven targets of every layer. A slow
 * device gets long dispatches in parts (webgpu/pace.ts): `all` and `byLayer` count a split one once, `split` its parts.
 */
export interface Dispatches {
  all: number;
  byLayer: number;
  split: number;
}

const TOKENS = 8;

/** Counts whole answers; a layer's part is the difference between the base and its first half. */
export async function measureDispatches(backend: WebGpuBackend, base: Base, prompt: readonly number[]): Promise<Dispatches> {
  const { layers } = base.config;
  const fewer = Math.floor(layers / 2);
  const [all, half] = [await ofToken(backend, base, prompt), await ofToken(backend, firstLayers(base, fewer), prompt)];
  return { all: all.calls, byLayer: (all.calls - half.calls) / (layers - fewer), split: all.dispatches };
}

async function ofToken(backend: WebGpuBackend, { config, tensors, adapter }: Base, prompt: readonly number[]): Promise<Counts> {
  const model = uploadModel(backend, config, tensors);
  const lora = uploadLora(backend, config, adapter.config, adapter.tensors);
  const counted = async (tokens: number): Promise<Counts> => {
    const before = { ...backend.counts() };
    await generate(model, lora, prompt, { maxTokens: tokens, stop: [] });
    const { calls, dispatches, submissions } = backend.counts();
    return { calls: calls - before.calls, dispatches: dispatches - before.dispatches, submissions: submissions - before.submissions };
  };
  try {
    // The first answer may prepare what later ones keep.
    await counted(2);
    const [many, few] = [await counted(2 + TOKENS), await counted(2)];
    const each = (name: keyof Counts) => (many[name] - few[name]) / TOKENS;
    return { calls: each('calls'), dispatches: each('dispatches'), submissions: each('submissions') };
  } finally {
    freeLora(backend, lora);
    freeModel(model);
  }
}

function firstLayers({ config, tensors, adapter }: Base, layers: number): Base {
  const kept = new Map([...adapter.tensors].filter(([name]) => Number(/layers\.(\d+)\./.exec(name)?.[1]) < layers));
  return { config: { ...config, layers }, tensors, adapter: { config: adapter.config, tensors: kept } };
}
