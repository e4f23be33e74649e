import type { Backend } from '../kernels/backend.ts';
import { MAX_ROWS, NO_SLOT } from '../kernels/decode/rows.ts';
import { AdapterPool, type HostAdapter } from './adapter-pool.ts';
import { DecodeStep } from './decode-step.ts';
import { generate } from './generate.ts';
import { type BatchRequest, generateBatch } from './generate-batch.ts';
import { KvCache } from './kv-cache.ts';
import { freeLora, uploadLora } from './lora.ts';
import type { Model } from './model.ts';

/** Medians; rates in tokens a second over the whole of a batch, prompts left out. */
export interface DecodeTimings {
  backend: Backend['kind'];
  device: string;
  dispatchesPerLayer: number;
  /** Of a whole step: embedding, norms, head and choice included. */
  dispatchesPerToken: number;
  /** One answer at a time, with the adapter and with the base alone. */
  tokensPerSecond: number;
  tokensPerSecondBase: number;
  /** Eight answers in common steps: eight adapters, one adapter, the base alone. */
  batchDifferent: number;
  batchSame: number;
  batchBase: number;
  /** Median milliseconds of loading an adapter into a slot, its bytes in memory already, and its size. */
  loadMs: number;
  loadBytes: number;
  /** Choosing among resident adapters: the same step with another slot, milliseconds beyond a step that keeps its slot. */
  switchMs: number;
}

/** The same work at different moments: other work on the machine falls on all of them alike. */
async function interleaved(rounds: number, works: readonly (() => Promise<number>)[]): Promise<number[]> {
  const samples = works.map((): number[] => []);
  for (let round = 0; round < rounds; round++) for (const [i, work] of works.entries()) samples[i]!.push(await work());
  return samples.map((times) => times.sort((a, b) => a - b)[times.length >> 1]!);
}

/**
 * Speed of decoding on a model: one sequence and eight, with and without adapters, in one run. `adapter` is put into
 * eight slots; the arithmetic does not know that they are equal. `prompt` is read before the clock starts.
 */
export async function measureDecoding(model: Model, adapter: HostAdapter, prompt: readonly number[], { tokens = 40, rounds = 3 } = {}): Promise<DecodeTimings> {
  const { backend, config } = model;
  const lora = uploadLora(backend, config, adapter.config, adapter.tensors);
  const rank = Math.max(...[...lora.pairs.values()].map((pair) => pair.rank));
  const pool = new AdapterPool(model, { slots: MAX_ROWS, rank });
  const loads: number[] = [];
  for (let slot = 0; slot < MAX_ROWS; slot++) {
    const start = performance.now();
    pool.load(slot, adapter);
    // Anything that is read comes after what was written.
    const bell = backend.upload('bell', [1], new Float32Array(1));
    await backend.read(bell);
    backend.free(bell);
    loads.push(performance.now() - start);
  }
  /** Milliseconds from the first token, when the prompt is read, to the last. */
  const alone = (own: typeof lora | undefined) => async (): Promise<number> => {
    let first = 0;
    await generate(model, own, prompt, { maxTokens: tokens, stop: [], onToken: () => (first ||= performance.now()) });
    return performance.now() - first;
  };
  const batch = (slotOf: (i: number) => number | undefined) => async (): Promise<number> => {
    let began = 0;
    let started = 0;
    // Everyone's first token comes from its prompt.
    const requests = Array.from({ length: MAX_ROWS }, (_, i): BatchRequest => {
      let first = true;
      const onToken = () => {
        if (first && ++started === MAX_ROWS) began = performance.now();
        first = false;
      };
      return { prompt, slot: slotOf(i), maxTokens: tokens, stop: [], onToken };
    });
    await generateBatch(model, pool, requests);
    return performance.now() - began;
  };
  const works = [alone(lora), alone(undefined), batch((i) => i), batch(() => 0), batch(() => undefined)];
  await interleaved(1, works); // programs are compiled
  const [own, base, different, same, none] = await interleaved(rounds, works);
  const rate = (ms: number, sequences: number) => ((tokens - 1) * sequences * 1000) / ms;

  const cache = new KvCache(model, 1, 8);
  cache.reserve(0, 8);
  const step = new DecodeStep(model, pool, cache, 1);
  const ids = backend.upload('ids', [1], Uint32Array.of(prompt[0]!));
  const stepWith = (slot: number) => async (): Promise<number> => {
    const start = performance.now();
    const next = step.next([{ slot, position: 0, base: 0 }], ids);
    await backend.read(next);
    backend.free(next);
    return performance.now() - start;
  };
  let slot = 0;
  const [kept, switched] = await interleaved(15, [stepWith(0), () => stepWith((slot = (slot + 1) % MAX_ROWS))()]);
  await stepWith(NO_SLOT)();
  const timings: DecodeTimings = {
    backend: backend.kind, device: backend.device,
    dispatchesPerLayer: step.dispatches.layers / config.layers, dispatchesPerToken: step.dispatches.all,
    tokensPerSecond: rate(own!, 1), tokensPerSecondBase: rate(base!, 1),
    batchDifferent: rate(different!, MAX_ROWS), batchSame: rate(same!, MAX_ROWS), batchBase: rate(none!, MAX_ROWS),
    loadMs: loads.sort((a, b) => a - b)[loads.length >> 1]!, loadBytes: pool.bytes / MAX_ROWS,
    switchMs: Math.max(0, switched! - kept!),
  };
  backend.free(ids);
  step.free();
  cache.free();
  pool.free();
  freeLora(backend, lora);
  return timings;
}
