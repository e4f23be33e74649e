import { LoggerWithoutDebug, Wllama } from '@wllama/wllama/esm/index.js';
import wllamaWasm from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { FastLane } from '../../../src/fast/lane.ts';
import type { Provider } from '../../../src/fast/runtime.ts';
import type { Backend } from '../../../src/kernels/backend.ts';
import { generate } from '../../../src/model/generate.ts';
import { uploadLora } from '../../../src/model/lora.ts';
import { uploadModel } from '../../../src/model/model.ts';
import { type Base, CONTEXT } from '../base.ts';

/** One prompt in the forms that contenders take. */
export interface Prompt {
  ids: number[];
  /** The same, special tokens included, for one that takes text only. */
  text: string;
}

/** Something that answers greedily, with the adapter, never stopping early. */
export interface Contender {
  name: string;
  /** Resolves to the answer's token ids. */
  answer(prompt: Prompt, tokens: number): Promise<number[]>;
  /** The same at any price, where `answer` resolves to no ids. */
  ids?(prompt: Prompt, tokens: number): Promise<number[]>;
  /** Decoded tokens a second of the fastest answer so far, where a contender measures by itself. */
  ownClock?(): number;
  close(): Promise<void>;
}

/** Our exact lane. */
export function openOurs(backend: Backend, { config, tensors, adapter }: Base): Contender {
  const model = uploadModel(backend, config, tensors);
  const lora = uploadLora(backend, config, adapter.config, adapter.tensors);
  return {
    name: `exact lane on ${backend.device}`,
    answer: (prompt, tokens) => generate(model, lora, prompt.ids, { maxTokens: tokens, stop: [] }),
    close: async () => backend.destroy(),
  };
}

/** ONNX Runtime Web with the graph that the fast lane builds. */
export async function openOrt(provider: Provider, { config, tensors, adapter }: Base): Promise<Contender> {
  const source = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const lane = await FastLane.open({ config, tensors: source, provider });
  lane.loadAdapter(0, adapter.config, adapter.tensors);
  return {
    name: `ONNX Runtime Web, ${provider}`,
    answer: (prompt, tokens) => lane.generate(prompt.ids, { maxTokens: tokens, stop: [], slot: 0 }),
    close: () => lane.close(),
  };
}

const blob = async (path: string) => (await fetch(path)).blob();

/** What llama.cpp's server answers besides what wllama's types name. */
interface Completion {
  choices: { logprobs?: { content?: { id: number }[] } | null }[];
  usage: { prompt_tokens: number; completion_tokens: number };
  timings?: { predicted_n: number; predicted_per_second: number };
}

/**
 * llama.cpp in WebAssembly, one thread, float32 weights and cache. It takes text only, and gives token ids back only
 * with probabilities, which cost time: `answer` resolves to no ids, `ids` to them.
 */
export async function openWllama(): Promise<Contender> {
  const wllama = new Wllama({ default: new URL(wllamaWasm, location.href).href }, { logger: LoggerWithoutDebug as never, suppressNativeLog: true });
  wllama.setCompat(null);
  await wllama.loadModel([await blob('/gguf/base.gguf'), await blob('/gguf/adapter.gguf')], {
    n_ctx: CONTEXT, n_batch: CONTEXT, n_ubatch: CONTEXT, n_threads: 1, n_gpu_layers: 0, n_parallel: 1,
    cache_type_k: 'f32', cache_type_v: 'f32',
    // wllama numbers the files that it was given.
    lora_adapters: [{ path: 'models/model-00002-of-00002.gguf', scale: 1 }],
  });
  let fastest = 0;
  const complete = async ({ ids, text }: Prompt, tokens: number, more: { n_probs?: number } = {}): Promise<Completion> => {
    const request = { prompt: text, max_tokens: tokens, temperature: 0, ignore_eos: true, cache_prompt: false, ...more };
    const completion = (await wllama.createCompletion(request)) as unknown as Completion;
    const { prompt_tokens: read, completion_tokens: written } = completion.usage;
    if (read !== ids.length || written !== tokens) throw new Error(`llama.cpp read ${read} tokens of ${ids.length} and wrote ${written} of ${tokens}`);
    if (completion.timings && completion.timings.predicted_n > 1) fastest = Math.max(fastest, completion.timings.predicted_per_second);
    return completion;
  };
  return {
    name: 'wllama, one thread',
    ids: async (prompt, tokens) => (await complete(prompt, tokens, { n_probs: 1 })).choices[0]?.logprobs?.content?.map(({ id }) => id) ?? [],
    answer: async (prompt, tokens) => {
      await complete(prompt, tokens);
      return [];
    },
    ownClock: () => fastest,
    close: () => wllama.exit(),
  };
}
