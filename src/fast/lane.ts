import type * as Ort from 'onnxruntime-web';
import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import { breathe } from '../kernels/breathe.ts';
import type { ModelConfig } from '../model/config.ts';
import type { LoraConfig } from '../model/lora.ts';
import { MOST_POSITIONS } from '../model/model.ts';
import { ropeTables } from '../model/rope.ts';
import type { Tensors } from '../model/safetensors.ts';
import { packFactors } from './adapter.ts';
import { attends, decoderGraph, rotatesInAttention } from './graph.ts';
import { type Provider, type Runtime, loadRuntime, messageOf } from './runtime.ts';
import { type SourceTensor, WeightPlan } from './weights.ts';

export interface FastLaneOptions {
  config: ModelConfig;
  /** The base's tensors in any order, by their Hugging Face names; taken one at a time. */
  tensors: AsyncIterable<SourceTensor> | Iterable<SourceTensor>;
  provider: Provider;
  /** Longest sequence; the exact lane's where not given, and never more than the model's own. */
  context?: number;
  /** On WebGPU, weights of up to so many bytes are handed to the session at once; larger ones go to the device one by one. */
  atOnceBytes?: number;
}

export interface FastGenerateOptions {
  maxTokens: number;
  /** Ids that end the answer; they are part of what is returned. */
  stop: readonly number[];
  /** The adapter's slot; undefined asks the base alone. */
  slot?: number | undefined;
  /** Chooses the next token of the logits [vocab]; the greatest, the lowest id among equals, where not given. */
  pick?: ((logits: Float32Array, answer: readonly number[]) => number) | undefined;
  signal?: AbortSignal | undefined;
  onToken?: ((id: number) => void) | undefined;
}

type Feeds = Record<string, Ort.Tensor>;
/** The cache on a graphics processor holds a multiple of so many tokens. */
const CACHE_STEP = 256;
/** See FastLaneOptions.atOnceBytes: what a page's heap may hold of weights. */
const AT_ONCE_BYTES = 128 * 2 ** 20;
/** ONNX Runtime on WASM has 4 GiB for weights, their packed copies and everything else. */
const WASM_BYTES = 1.5 * 2 ** 30;

/**
 * Text from ONNX Runtime Web, for speed alone: its sums run in an order of its own, so no number of it may enter a
 * receipt, a claim or a trace. What it answers is read again by the exact lane before anything is attributed.
 * One call at a time.
 */
export class FastLane {
  readonly provider: Provider;
  /** Longest sequence, prompt and answer together. */
  readonly context: number;
  /** What the base's weights take, as float32. */
  readonly weightBytes: number;
  private readonly runtime: Runtime;
  private readonly session: Ort.InferenceSession;
  private readonly config: ModelConfig;
  /** On WebGPU: where weights, factors and caches lie. */
  private readonly device: GPUDevice | undefined;
  /** Weights that are inputs of every run. */
  private readonly weights: Feeds = {};
  private readonly adapters = new Map<number, Feeds>();
  private readonly base: Feeds;
  private cache: { rows: number; feeds: Feeds; fetches: Feeds } | undefined;
  private busy = false;
  private closed = false;

  private constructor(runtime: Runtime, session: Ort.InferenceSession, config: ModelConfig, provider: Provider, context: number, weightBytes: number, device: GPUDevice | undefined) {
    this.runtime = runtime;
    this.session = session;
    this.config = config;
    this.provider = provider;
    this.context = context;
    this.weightBytes = weightBytes;
    this.device = device;
    this.base = this.placeFactors(packFactors(config));
  }

  /** Throws `fast/unsupported`, `fast/too-large`, `fast/unavailable`, `fast/failed`, `model/weights-do-not-fit` and what `tensors` throws. */
  static async open({ config, tensors, provider, context: longest, atOnceBytes = AT_ONCE_BYTES }: FastLaneOptions): Promise<FastLane> {
    if (!attends(config)) {
      throw new OpenLedgerError({
        code: 'fast/unsupported', what: 'The fast lane cannot run this model.',
        why: `Its head_dim is ${config.headDim}; ONNX Runtime's attention takes multiples of 8.`, next: 'The exact lane answers instead.',
      });
    }
    const plan = new WeightPlan(config);
    if (provider === 'wasm' && plan.bytes > WASM_BYTES) {
      throw new OpenLedgerError({
        code: 'fast/too-large', what: 'This model is too large for the fast lane on this machine.',
        why: `Its weights take ${Math.round(plan.bytes / 2 ** 20)} MiB as float32; ONNX Runtime on WebAssembly takes ${WASM_BYTES / 2 ** 20} MiB.`,
        next: 'The exact lane answers instead.',
      });
    }
    const context = Math.min(config.context, longest ?? MOST_POSITIONS);
    const atOnce = provider === 'wasm' || plan.bytes <= atOnceBytes;
    const runtime = await loadRuntime(provider);
    const model = decoderGraph(config, plan, { weights: atOnce ? 'external' : 'inputs', context });
    const { cos, sin } = ropeTables(config, context);
    const rope = [cos, sin].map((values, i) => ({ name: ['rope.cos', 'rope.sin'][i]!, shape: [context, config.headDim / 2], values }));
    const externalData: { path: string; data: Uint8Array }[] = [];
    if (atOnce) {
      const add = (name: string, values: Float32Array) => externalData.push({ path: name, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) });
      for (const { name, values } of rope) add(name, values);
      for await (const { name, values } of plan.fill(tensors)) add(name, values);
    }
    const session = await attempt('could not open the model', () =>
      runtime.InferenceSession.create(model, { executionProviders: [provider], externalData, graphOptimizationLevel: 'all', logSeverityLevel: 3 }));
    try {
      const device = provider === 'webgpu' ? ((await runtime.env.webgpu.device) as GPUDevice) : undefined;
      const lane = new FastLane(runtime, session, config, provider, context, plan.bytes, device);
      if (!atOnce) {
        const place = ({ name, shape, values }: { name: string; shape: number[]; values: Float32Array }) => (lane.weights[name] = lane.place(values, shape));
        rope.forEach(place);
        for await (const weight of plan.fill(tensors)) place(weight);
      }
      return lane;
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Keeps an adapter's factors under a number; switching between slots moves nothing. Throws `adapter/does-not-fit`. */
  loadAdapter(slot: number, config: LoraConfig, tensors: Tensors): void {
    const factors = packFactors(this.config, { config, tensors });
    this.unloadAdapter(slot);
    this.adapters.set(slot, this.placeFactors(factors));
  }

  unloadAdapter(slot: number): void {
    for (const tensor of Object.values(this.adapters.get(slot) ?? {})) this.discard(tensor);
    this.adapters.delete(slot);
  }

  /**
   * Answers a prompt of token ids. Returns the answer's ids, the stop token included where it came. Throws
   * `model/empty-prompt`, `model/prompt-too-long`, `fast/busy`, `fast/no-such-slot`, `fast/failed`, `cancelled`.
   */
  async generate(prompt: readonly number[], options: FastGenerateOptions): Promise<number[]> {
    if (!prompt.length) throw new OpenLedgerError({ code: 'model/empty-prompt', what: 'There is nothing to answer.', next: 'Type a question.' });
    if (prompt.length >= this.context) {
      throw new OpenLedgerError({
        code: 'model/prompt-too-long', what: 'The question is longer than this model can read.',
        why: `It has ${prompt.length} tokens; the fast lane reads ${this.context - 1} at most.`, next: 'Shorten it.',
      });
    }
    const factors = options.slot === undefined ? this.base : this.adapters.get(options.slot);
    if (!factors) throw new OpenLedgerError({ code: 'fast/no-such-slot', what: 'This adapter is not loaded in the fast lane.', next: 'Load it first.' });
    if (this.busy || this.closed) {
      throw new OpenLedgerError({ code: 'fast/busy', what: this.closed ? 'The fast lane is closed.' : 'The fast lane is answering already.', next: 'Wait for that answer, or stop it.' });
    }
    this.busy = true;
    try {
      return await this.decode(prompt, factors, options);
    } finally {
      this.busy = false;
    }
  }

  /** Frees the session and everything on the device. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const slot of [...this.adapters.keys()]) this.unloadAdapter(slot);
    this.freeCache();
    for (const tensor of [...Object.values(this.base), ...Object.values(this.weights)]) this.discard(tensor);
    await this.session.release();
  }

  private async decode(prompt: readonly number[], factors: Feeds, { maxTokens, stop, pick = greatest, signal, onToken }: FastGenerateOptions): Promise<number[]> {
    const rows = Math.min(this.context, prompt.length + maxTokens);
    const answer: number[] = [];
    let past = this.emptyCache(rows);
    let at = 0;
    let next = prompt;
    while (answer.length < maxTokens && at + next.length <= rows) {
      throwIfAborted(signal);
      const n = next.length;
      const feeds: Feeds = {
        ...this.weights, ...factors, ...past,
        ids: this.integers(next, [1, n]), rows: this.integers([n - 1]), last: this.integers([at + n - 1]), total: this.integers([at + n]),
      };
      if (!rotatesInAttention(this.config)) feeds.positions = this.integers(next.map((_, i) => at + i));
      const results = await attempt('could not compute a token', () => this.session.run(feeds, { logits: null, ...(this.cache?.fetches ?? presentNames(this.config)) }));
      if (!this.cache) past = this.grown(results);
      at += n;
      const id = pick(results.logits!.data as Float32Array, answer);
      answer.push(id);
      onToken?.(id);
      if (stop.includes(id)) break;
      next = [id];
      // Lets a worker hear "stop" between tokens.
      if (signal) await breathe();
    }
    return answer;
  }

  /** Keys and values before the first token: on WebGPU buffers that every run reads and writes, else tensors of no rows. */
  private emptyCache(rows: number): Feeds {
    const { layers, groups, headDim } = this.config;
    const names = Array.from({ length: layers }, (_, layer) => ['k', 'v'].map((which) => `${layer}.${which}`)).flat();
    if (!this.device) return Object.fromEntries(names.map((name) => [`past.${name}`, new this.runtime.Tensor('float32', new Float32Array(0), [1, groups, 0, headDim])]));
    if (!this.cache || this.cache.rows < rows) {
      this.freeCache();
      const capacity = Math.min(this.context, Math.ceil(rows / CACHE_STEP) * CACHE_STEP);
      const shape = [1, groups, capacity, headDim];
      const buffers = names.map((name) => [name, this.buffer(4 * groups * capacity * headDim)] as const);
      const tensors = (end: string) => Object.fromEntries(buffers.map(([name, buffer]) => [`${end}.${name}`, this.tensorOf(buffer, shape)]));
      this.cache = { rows: capacity, feeds: tensors('past'), fetches: tensors('present') };
    }
    return this.cache.feeds;
  }

  private grown(results: Ort.InferenceSession.OnnxValueMapType): Feeds {
    return Object.fromEntries(Object.keys(presentNames(this.config)).map((name) => [name.replace('present', 'past'), results[name] as Ort.Tensor]));
  }

  private freeCache(): void {
    for (const tensor of Object.values(this.cache?.feeds ?? {})) this.discard(tensor);
    this.cache = undefined;
  }

  private placeFactors(factors: ReturnType<typeof packFactors>): Feeds {
    return Object.fromEntries(factors.flatMap(({ name, rank, input, output, a, b }) => [
      [`${name}.lora_A`, this.place(a, [input, rank])],
      [`${name}.lora_B`, this.place(b, [rank, output])],
    ]));
  }

  /** Values as an input of runs: on the device where there is one. */
  private place(values: Float32Array, shape: readonly number[]): Ort.Tensor {
    if (!this.device) return new this.runtime.Tensor('float32', values, shape);
    const buffer = this.buffer(values.byteLength);
    this.device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    return this.tensorOf(buffer, shape);
  }

  private buffer(bytes: number): GPUBuffer {
    return this.device!.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC });
  }

  private tensorOf(buffer: GPUBuffer, shape: readonly number[]): Ort.Tensor {
    return this.runtime.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape });
  }

  private discard(tensor: Ort.Tensor): void {
    if (tensor.location === 'gpu-buffer') (tensor.gpuBuffer as GPUBuffer).destroy();
  }

  private integers(values: readonly number[], shape: readonly number[] = [values.length]): Ort.Tensor {
    return new this.runtime.Tensor('int32', Int32Array.from(values), shape);
  }
}

function presentNames(config: ModelConfig): Record<string, null> {
  return Object.fromEntries(Array.from({ length: config.layers }, (_, layer) => ['k', 'v'].map((which) => [`present.${layer}.${which}`, null])).flat());
}

/** The first of the greatest. */
export function greatest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new OpenLedgerError({
      code: 'fast/failed', what: `The fast lane ${what}.`, why: messageOf(cause), next: 'The exact lane answers instead.', cause,
    });
  }
}
