import type { Engine, LoadedAdapter, PlainAdapter } from '../attribution/engine.ts';
import { OpenLedgerError } from '../errors.ts';
import { generate } from '../model/generate.ts';
import type { EngineLibrary } from './engine-library.ts';
import type { AdapterRef, Answer, AskOptions, KernelProfile, LibraryAdapterRef } from './engine.api.ts';
import { type Opened, type Report, forward } from './opened-engine.ts';

/** Adapters of the library held on the device. */
const MAX_PLAIN = 4;

/** Tokens of which the pace is measured. */
const MEASURED_TOKENS = 8;

/** What is asked about an attribution beyond the scores is fetched when it is first asked for. */
const loadAttribution = () => import('./attribution.ts');

type Asked = AdapterRef | LibraryAdapterRef | undefined;

interface Options {
  openLibrary: () => Promise<EngineLibrary>;
  signal: AbortSignal;
  onProgress: Report;
}

/** See EngineApi.ask. */
export async function ask(opened: Opened, ref: Asked, question: string, options: AskOptions, onText: (piece: string) => void, hooks: Options): Promise<Answer> {
  const { catalog, engine } = opened;
  const { signal } = hooks;
  const adapter = await adapterOf(opened, ref, hooks);
  const { prompt, retrieval } = options.retrieve && ref && 'cid' in ref
    ? (await loadAttribution()).promptWithRetrieved(engine, ref.datanet.cid, (await catalog.version(ref.datanet.cid, { signal })).records, adapter as LoadedAdapter, question, options.retrieve, options.maxTokens)
    : { prompt: engine.prompt(question), retrieval: undefined };
  const began = performance.now();
  const { tokens, pieces, text, stopped } = await engine.answer(adapter, prompt, {
    signal, maxTokens: options.maxTokens, sampling: options.sampling, stopTexts: options.stop, onText,
  });
  return {
    promptTokens: prompt, answerTokens: tokens, text, pieces, seconds: (performance.now() - began) / 1000, stopped,
    ...(options.sampling ? { sampling: options.sampling } : {}),
    ...(retrieval ? { retrieval } : {}),
    ...warningOf(adapter),
  };
}

/** See EngineApi.confirm. */
export async function confirm(opened: Opened, ref: Asked, question: string, written: readonly number[], options: AskOptions, hooks: Options): Promise<Answer> {
  const { engine } = opened;
  const prompt = engine.prompt(question);
  const adapter = await adapterOf(opened, ref, hooks);
  const began = performance.now();
  const { tokens, pieces, text, stopped, agreed } = await engine.confirm(adapter, prompt, written, { signal: hooks.signal, maxTokens: options.maxTokens, stopTexts: options.stop });
  return {
    promptTokens: prompt, answerTokens: tokens, text, pieces, seconds: (performance.now() - began) / 1000, stopped, lane: 'fast',
    ...(agreed < written.length ? { corrected: agreed } : {}),
    ...warningOf(adapter),
  };
}

const warningOf = (adapter: LoadedAdapter | PlainAdapter | undefined) => (adapter && 'warning' in adapter && adapter.warning ? { warning: adapter.warning } : {});

async function adapterOf(opened: Opened, ref: Asked, { openLibrary, signal, onProgress }: Options): Promise<LoadedAdapter | PlainAdapter | undefined> {
  if (!ref) return undefined;
  if ('library' in ref) return plainAdapter(opened, ref.library, openLibrary, signal);
  return opened.catalog.adapter(opened.engine, ref.cid, { signal, onProgress: forward(onProgress) });
}

async function plainAdapter({ engine, plain }: Opened, id: string, openLibrary: () => Promise<EngineLibrary>, signal: AbortSignal): Promise<PlainAdapter> {
  const known = plain.get(id);
  plain.delete(id);
  const adapter = known ?? engine.loadPlainAdapters([{ files: await (await openLibrary()).adapter(id, signal), weight: 1 }]);
  plain.set(id, adapter);
  for (const [old, held] of plain) {
    if (plain.size <= MAX_PLAIN) break;
    plain.delete(old);
    engine.unloadAdapter(held);
  }
  return adapter;
}

/** See EngineApi.measure. */
export async function measure(engine: Engine, question: string, signal: AbortSignal): Promise<number> {
  const prompt = engine.prompt(question);
  // Whether or not the model would end: only the pace is asked for. The first round compiles and packs.
  let rate = 0;
  for (let round = 0; round < 2; round++) {
    const times: number[] = [];
    await generate(engine.model, undefined, prompt, { maxTokens: MEASURED_TOKENS, stop: [], signal, onToken: () => times.push(performance.now()) });
    rate = ((times.length - 1) * 1000) / Math.max(1e-3, times[times.length - 1]! - times[0]!);
  }
  return rate;
}

/** See EngineApi.profile. */
export async function profile({ catalog, engine, choice }: Opened, ref: AdapterRef | undefined, question: string, signal: AbortSignal): Promise<KernelProfile> {
  const adapter = ref && (await catalog.adapter(engine, ref.cid, { signal }));
  const prompt = engine.prompt(question);
  const answer = () => engine.generate(adapter, prompt, { signal, maxTokens: 24 });
  // Once unmeasured: programs are compiled at their first use.
  await answer();
  const { profile } = choice.backend;
  if (!profile) throw new OpenLedgerError({ code: 'engine/no-profile', what: 'This device tells no times.', next: 'Choose another device on the page Device.' });
  profile.start();
  try {
    const tokens = (await answer()).length;
    return { ...(await profile.stop()), tokens };
  } catch (error) {
    await profile.stop().catch(() => undefined);
    throw error;
  }
}
