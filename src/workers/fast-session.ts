import { OpenLedgerError } from '../errors.ts';
import { fastGenerate, measureSpeed } from '../fast/bench.ts';
import { FastLane } from '../fast/lane.ts';
import { modelTensors } from '../fast/model-tensors.ts';
import type { Provider } from '../fast/runtime.ts';
import { isSoftware, requestAdapter } from '../kernels/webgpu/device.ts';
import { parseConfig } from '../model/config.ts';
import { type Language, readLanguage } from '../model/language-files.ts';
import { parseLoraConfig } from '../model/lora.ts';
import { parseSafetensors } from '../model/safetensors.ts';
import { parseSampling, sampleToken } from '../model/sampling.ts';
import { createStopStream } from '../model/stop.ts';
import { type ModelFolder, readJsonFile, readSmallFile } from '../protocol/model-folder.ts';
import { openBrowserCache } from '../storage/browser-cache.ts';
import { ContentStore } from '../storage/content-store.ts';
import { cidFolder } from '../storage/models/cid-folder.ts';
import type { AdapterRef, Answered, AskOptions, LibraryAdapterRef, LoadProgress } from './engine.api.ts';
import type { FastAnswer, FastApi, FastSource, FastStatus } from './fast.api.ts';
import { JobQueue } from './job-queue.ts';

interface Opened {
  lane: FastLane;
  language: Language;
  store: ContentStore;
  gateways: readonly string[];
  status: FastStatus;
  /** Slots of adapters by what they were asked as; least recently used first. */
  slots: Map<string, number>;
}

type Ref = AdapterRef | LibraryAdapterRef;

const MAX_ADAPTERS = 4;
const ADAPTER_BYTES = 512 * 2 ** 20;
const MEASURED = { decodeTokens: 8, prefillTokens: 16, rounds: 3 };

/** The fast worker without the worker, as EngineSession is the model worker's. One call at a time uses the lane. */
export class FastSession implements FastApi {
  private opened: Opened | undefined;
  private readonly jobs = new JobQueue();
  private nextSlot = 0;

  open(source: FastSource, provider: Provider | 'auto', onProgress: (progress: LoadProgress) => void) {
    return this.answer(undefined, async () => {
      await this.release();
      const began = performance.now();
      const { cache } = await openBrowserCache();
      const store = new ContentStore({ gateways: source.gateways, cache });
      const { base } = source;
      const folder = 'cid' in base ? cidFolder(store, base.cid) : (await (await openLibrary(source.gateways)).base(base.id, undefined, onProgress)).folder;
      const config = parseConfig(await readJsonFile(folder, 'config.json'));
      const language = await readLanguage(folder, config);
      const format = 'format' in base && (base.format === 'q8' || base.format === 'q4') ? base.format : undefined;
      const lane = await FastLane.open({
        config, provider: provider === 'auto' ? await bestProvider() : provider,
        tensors: modelTensors(config, folder, { format, onProgress: (done, total) => onProgress({ what: 'Weights for the fast lane', done, total, unit: 'bytes' }) }),
      });
      const status = { provider: lane.provider, context: lane.context, weightBytes: lane.weightBytes, loadSeconds: (performance.now() - began) / 1000 };
      this.opened = { lane, language, store, gateways: source.gateways, status, slots: new Map() };
      return status;
    });
  }

  status() {
    return this.answer(undefined, async () => this.ready().status, false);
  }

  loadAdapter(adapter: Ref) {
    return this.answer(undefined, async (signal): Promise<void> => void (await this.slotOf(adapter, signal)));
  }

  ask(job: string, adapter: Ref | undefined, question: string, options: AskOptions, onText: (piece: string) => void) {
    return this.answer(job, async (signal): Promise<FastAnswer> => {
      const { lane, language } = this.ready();
      const promptTokens = this.prompt(question);
      const slot = await this.slotOf(adapter, signal);
      const began = performance.now();
      const written = await write(lane, language, promptTokens, slot, options, signal, onText);
      return { lane: 'fast', promptTokens, ...written, seconds: (performance.now() - began) / 1000 };
    });
  }

  async cancel(job: string): Promise<void> {
    this.jobs.cancel(job);
  }

  measure(adapter: Ref | undefined, question: string) {
    return this.answer(undefined, async (signal) => {
      const { lane } = this.ready();
      const generate = fastGenerate(lane, await this.slotOf(adapter, signal));
      const [speed] = await measureSpeed([generate], { prompt: this.prompt(question), context: lane.context, ...MEASURED });
      return speed!.decodeTokensPerSecond;
    });
  }

  async close(): Promise<void> {
    this.jobs.cancelAll();
    await this.answer(undefined, () => this.release());
  }

  private async release(): Promise<void> {
    const opened = this.opened;
    this.opened = undefined;
    await opened?.lane.close();
  }

  private prompt(question: string): number[] {
    const text = question.normalize('NFC').replace(/\s+/gu, ' ').trim();
    if (!text) throw new OpenLedgerError({ code: 'model/empty-prompt', what: 'There is nothing to answer.', next: 'Type a question.' });
    return this.ready().language.prompts.question(text);
  }

  private async slotOf(ref: Ref | undefined, signal: AbortSignal): Promise<number | undefined> {
    if (!ref) return undefined;
    const { lane, slots, store, gateways } = this.ready();
    const key = 'library' in ref ? `library ${ref.library}` : ref.cid;
    const slot = slots.get(key) ?? this.nextSlot++;
    if (!slots.delete(key)) {
      const { config, weights } = 'library' in ref ? await fromLibrary(gateways, ref.library, signal) : await fromFolder(cidFolder(store, ref.cid), signal);
      lane.loadAdapter(slot, parseLoraConfig(config), parseSafetensors(weights, 'adapter_model.safetensors'));
    }
    slots.set(key, slot);
    for (const [old, held] of slots) {
      if (slots.size <= MAX_ADAPTERS) break;
      slots.delete(old);
      lane.unloadAdapter(held);
    }
    return slot;
  }

  private ready(): Opened {
    if (this.opened) return this.opened;
    throw new OpenLedgerError({ code: 'fast/not-open', what: 'The fast lane is not loaded.', next: 'Load it, or let the exact lane answer.' });
  }

  private answer<T>(job: string | undefined, work: (signal: AbortSignal) => Promise<T>, queued = true): Promise<Answered<T>> {
    return this.jobs.run(job, work, queued);
  }
}

/** Writes an answer as Engine.answer does: pieces of whole characters, ended by the model's ids, a stop text or `maxTokens`. */
async function write(
  lane: FastLane, { tokenizer, prompts }: Language, prompt: readonly number[], slot: number | undefined,
  options: AskOptions, signal: AbortSignal, onText: (piece: string) => void,
): Promise<{ answerTokens: number[]; pieces: string[]; text: string; stopped: boolean }> {
  const sampling = parseSampling(options.sampling ?? {});
  const samples = sampling.temperature > 0 || sampling.repetitionPenalty !== 1;
  const decoding = tokenizer.createDecodeStream();
  const stops = createStopStream([...prompts.stopTexts, ...(options.stop ?? [])]);
  const ended = new AbortController();
  const stop = () => ended.abort();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const answerTokens: number[] = [];
  const pieces: string[] = [];
  const give = (piece: string) => {
    if (piece) onText(piece);
    return piece;
  };
  try {
    await lane.generate(prompt, {
      maxTokens: options.maxTokens ?? 96, stop: prompts.stop, slot, signal: ended.signal,
      ...(samples ? { pick: (logits: Float32Array, answer: readonly number[]) => sampleToken(logits, [...prompt, ...answer], { ...sampling, step: answer.length }) } : {}),
      onToken: (id) => {
        answerTokens.push(id);
        pieces.push(give(stops.push(decoding.push(id))));
        if (stops.stopped) stop();
      },
    });
  } catch (error) {
    // Stopping keeps what is there; only an answer of nothing is an error.
    if (!stops.stopped && (!signal.aborted || !answerTokens.length)) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (!stops.stopped) {
    const rest = give(stops.push(decoding.end()) + stops.end());
    if (pieces.length) pieces[pieces.length - 1] += rest;
  }
  return { answerTokens, pieces, text: pieces.join('').trim(), stopped: signal.aborted && !stops.stopped };
}

/** A graphics processor that is one; ONNX Runtime on WebAssembly outruns those that are programs. */
async function bestProvider(): Promise<Provider> {
  try {
    return isSoftware((await requestAdapter()).info) ? 'wasm' : 'webgpu';
  } catch {
    return 'wasm';
  }
}

async function openLibrary(gateways: readonly string[]) {
  const { EngineLibrary } = await import('./engine-library.ts');
  return EngineLibrary.open(gateways);
}

async function fromLibrary(gateways: readonly string[], id: string, signal: AbortSignal): Promise<{ config: unknown; weights: Uint8Array }> {
  const files = await (await openLibrary(gateways)).adapter(id, signal);
  const [config, weights] = [files['adapter_config.json'], files['adapter_model.safetensors']];
  if (!config || !weights) throw new OpenLedgerError({ code: 'engine/missing-file', what: 'The adapter’s folder is not whole.', next: 'Fetch it again.' });
  return { config: JSON.parse(new TextDecoder().decode(config)), weights };
}

async function fromFolder(folder: ModelFolder, signal: AbortSignal): Promise<{ config: unknown; weights: Uint8Array }> {
  return {
    config: await readJsonFile(folder, 'adapter_config.json', signal),
    weights: await readSmallFile(folder, 'adapter_model.safetensors', signal, ADAPTER_BYTES),
  };
}
