import { Catalog, parseJson } from '../attribution/catalog.ts';
import type { Files, LoadedAdapter, Engine } from '../attribution/engine.ts';
import { OpenLedgerError, toWire } from '../errors.ts';
import type { Backend } from '../kernels/backend.ts';
import type { DeviceTraits } from '../kernels/webgpu/wgsl.ts';
import { type SelfTestResult, selfTest } from '../kernels/self-test.ts';
import { type Choice, openBackend } from '../kernels/webgpu/select.ts';
import { generate } from '../model/generate.ts';
import { toHex } from '../protocol/bytes.ts';
import type { Json } from '../protocol/canonical.ts';
import type { Deployment } from '../protocol/deployment.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import type { RunFile } from '../protocol/run.ts';
import { openBrowserCache } from '../storage/browser-cache.ts';
import { ContentStore } from '../storage/content-store.ts';
import type { CurvatureLedger } from '../attribution/curvature/curvature-ledger.ts';
import type { PlainAdapter } from '../attribution/engine.ts';
import type { TracePlace } from './disputes.api.ts';
import type { RegisteredRun, RunPlace, ShownOfRun, VouchedRun } from './runs.api.ts';
import type {
  AdapterRef, Answer, AnswerTokens, Answered, AskOptions, Attribution, BaseChoice, CheckStep, ClaimFinding, ClaimQuery, DemandReplies, EngineApi, EngineStatus, KernelProfile, LibraryAdapterRef, LoadProgress, ModelSource, Pricing, ReceiptResult,
  Trained, TrainInput, TrainStep,
} from './engine.api.ts';
import type { EngineLibrary } from './engine-library.ts';
import { JobQueue } from './job-queue.ts';
import { openBaseOfReceipt, openLibraryBase } from './library-bases.ts';

interface Opened {
  catalog: Catalog;
  engine: Engine;
  deployment: Deployment;
  publishUrl: string | undefined;
  choice: Choice;
  base: BaseChoice | undefined;
  /** PEFT folders of the library, by id; least recently used first. */
  plain: Map<string, PlainAdapter>;
  selfTest: SelfTestResult[];
}

interface HeldRun {
  files: Files;
  run: RunFile;
  adapter: LoadedAdapter;
  ledger: CurvatureLedger;
}

type Report = (progress: LoadProgress) => void;

/** Tokens of which the pace is measured. */
const MEASURED_TOKENS = 8;

/** Adapters of the library held on the device. */
const MAX_PLAIN = 4;

/** Training's own code is fetched when it is first asked for. */
const loadTraining = () => import('./training.ts');
/** And what is asked about an attribution beyond the scores. */
const loadAttribution = () => import('./attribution.ts');
/** Receipts' too. */
const loadReceipts = () => import('./receipts.ts');
/** What makes runs again. */
const loadRuns = () => import('./runs.ts');
/** And what computes claims again. */
const loadDisputes = () => import('./disputes.ts');

/** The model worker without the worker: tests and other hosts run it as it is. One call at a time uses the backend. */
export class EngineSession implements EngineApi {
  private opened: Opened | undefined;
  /** How to open again after the graphics processor was lost. */
  private reopen: (() => Promise<void>) | undefined;
  private lost = false;
  private library: Promise<EngineLibrary> | undefined;
  private gateways: string[] = [];
  private readonly jobs = new JobQueue();
  private readonly runs = new Map<string, HeldRun>();
  /** Trainings that are to be kept after their present step. */
  private readonly keepNow = new Set<string>();
  private runNumber = 0;

  open(deployment: Deployment, deploymentUrl: string, preference: 'auto' | 'webgpu' | 'cpu', base: BaseChoice | undefined, onProgress: Report) {
    return this.answer(undefined, async () => {
      this.gateways = deployment.gateways.map((url) => new URL(url, deploymentUrl).href);
      this.reopen = () => this.start(deployment, deploymentUrl, preference, base, onProgress);
      await this.reopen();
      return this.describe();
    });
  }

  private async start(deployment: Deployment, deploymentUrl: string, preference: 'auto' | 'webgpu' | 'cpu', base: BaseChoice | undefined, onProgress: Report): Promise<void> {
    // Jobs that wait go on with what is loaded again; only `close` ends them.
    this.release();
    this.lost = false;
    const choice = await openBackend(preference, undefined, { onLost: () => (this.lost = true) });
    const { cache } = await openBrowserCache();
    const absolute = (url: string) => new URL(url, deploymentUrl).href;
    const store = new ContentStore({ gateways: deployment.gateways.map(absolute), cache });
    const catalog = new Catalog(choice.backend, store);
    const publishUrl = deployment.publish === undefined ? undefined : absolute(deployment.publish);
    try {
      // Known answers first: weights are not fetched for a device that computes something else.
      const tests = await selfTest(choice.backend);
      const engine = base ? await openLibraryBase(await this.openLibrary(), catalog, base, onProgress) : await catalog.engine(deployment.base, { onProgress: forward(onProgress) });
      this.opened = { catalog, engine, deployment, choice, base, publishUrl, plain: new Map(), selfTest: tests };
    } catch (error) {
      choice.backend.destroy();
      throw error;
    }
  }

  /** Kept on this machine; its code is fetched when first asked for. */
  private openLibrary(): Promise<EngineLibrary> {
    const opening = (this.library ??= import('./engine-library.ts').then(({ EngineLibrary }) => EngineLibrary.open(this.gateways)));
    opening.catch(() => (this.library = undefined));
    return opening;
  }

  status() {
    return this.answer(undefined, async () => this.describe(), false);
  }

  async cancel(job: string): Promise<void> {
    this.jobs.cancel(job);
  }

  ask(job: string, ref: AdapterRef | LibraryAdapterRef | undefined, question: string, options: AskOptions, onText: (piece: string) => void, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Answer> => {
      const { catalog, engine } = this.ready();
      const adapter = ref && ('library' in ref ? await this.plainAdapter(ref.library, signal) : await catalog.adapter(engine, ref.cid, { signal, onProgress: forward(onProgress) }));
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
        ...(adapter && 'warning' in adapter && adapter.warning ? { warning: adapter.warning } : {}),
      };
    });
  }

  confirm(job: string, ref: AdapterRef | LibraryAdapterRef | undefined, question: string, written: number[], options: AskOptions, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Answer> => {
      const { catalog, engine } = this.ready();
      const prompt = engine.prompt(question);
      const adapter = ref && ('library' in ref ? await this.plainAdapter(ref.library, signal) : await catalog.adapter(engine, ref.cid, { signal, onProgress: forward(onProgress) }));
      const began = performance.now();
      const { tokens, pieces, text, stopped, agreed } = await engine.confirm(adapter, prompt, written, { signal, maxTokens: options.maxTokens, stopTexts: options.stop });
      return {
        promptTokens: prompt, answerTokens: tokens, text, pieces, seconds: (performance.now() - began) / 1000, stopped, lane: 'fast',
        ...(agreed < written.length ? { corrected: agreed } : {}),
        ...(adapter && 'warning' in adapter && adapter.warning ? { warning: adapter.warning } : {}),
      };
    });
  }

  private async plainAdapter(id: string, signal: AbortSignal): Promise<PlainAdapter> {
    const { engine, plain } = this.ready();
    const known = plain.get(id);
    plain.delete(id);
    const adapter = known ?? engine.loadPlainAdapters([{ files: await (await this.openLibrary()).adapter(id, signal), weight: 1 }]);
    plain.set(id, adapter);
    for (const [old, held] of plain) {
      if (plain.size <= MAX_PLAIN) break;
      plain.delete(old);
      engine.unloadAdapter(held);
    }
    return adapter;
  }

  libraryList() {
    return this.answer(undefined, async () => {
      const library = await this.openLibrary();
      return { items: await library.list(), storage: await library.storage() };
    }, false);
  }

  addToLibrary(job: string, source: ModelSource, onProgress: Report) {
    return this.answer(job, async (signal) => (await this.openLibrary()).add(source, signal, onProgress), false);
  }

  removeFromLibrary(id: string) {
    return this.answer(undefined, async () => {
      const { base, plain, engine } = this.ready();
      if (base?.id === id) throw new OpenLedgerError({ code: 'library/in-use', what: 'This model is in use.', next: 'Choose another model first.' });
      const adapter = plain.get(id);
      if (adapter) {
        plain.delete(id);
        engine.unloadAdapter(adapter);
      }
      await (await this.openLibrary()).remove(id);
    });
  }

  planBase({ id, format }: BaseChoice) {
    return this.answer(undefined, async () => (await this.openLibrary()).plan(id, format, this.ready().choice.backend), false);
  }

  measure(job: string, question: string) {
    return this.answer(job, async (signal) => {
      const { engine } = this.ready();
      const prompt = engine.prompt(question);
      // Whether or not the model would end: only the pace is asked for. The first round compiles and packs.
      let rate = 0;
      for (let round = 0; round < 2; round++) {
        const times: number[] = [];
        await generate(engine.model, undefined, prompt, { maxTokens: MEASURED_TOKENS, stop: [], signal, onToken: () => times.push(performance.now()) });
        rate = ((times.length - 1) * 1000) / Math.max(1e-3, times[times.length - 1]! - times[0]!);
      }
      return rate;
    });
  }

  profile(job: string, ref: AdapterRef | undefined, question: string) {
    return this.answer(job, async (signal): Promise<KernelProfile> => {
      const { catalog, engine, choice } = this.ready();
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
    });
  }

  attribute(job: string, ref: AdapterRef, answer: AnswerTokens, selection: { from: number; to: number } | undefined, onProgress: Report, build = false) {
    return this.answer(job, async (signal): Promise<Attribution> => {
      const { adapter, version, ledger } = await this.prepare(ref, signal, onProgress, build);
      const began = performance.now();
      const { loss, scores, noise } = await this.ready().engine.influence(adapter, ledger, answer.promptTokens, answer.answerTokens, selection);
      const { clusters } = adapter.run.datanet;
      const records = version.records
        .map((record, index) => ({ index, record, influence: scores[index]!, noise: noise[index]!, ...(clusters && clusters[index] !== index && { copyOf: clusters[index] }) }))
        .sort((a, b) => b.influence - a.influence || a.index - b.index);
      return { loss, records, seconds: (performance.now() - began) / 1000 };
    });
  }

  attributeParts(job: string, ref: AdapterRef, answer: AnswerTokens, parts: { from: number; to: number }[], records: number[], onProgress: Report) {
    return this.answer(job, async (signal) => {
      const { adapter, ledger } = await this.prepare(ref, signal, onProgress);
      return (await loadAttribution()).influenceOfParts(this.ready().engine, adapter, ledger, answer, parts, records);
    });
  }

  quotes(job: string, ref: AdapterRef, text: string, onProgress: Report) {
    return this.answer(job, async (signal) => {
      const version = await this.ready().catalog.version(ref.datanet.cid, { signal, onProgress: forward(onProgress) });
      return (await loadAttribution()).quotesOf(ref.datanet.cid, version.records, text);
    });
  }

  audit(job: string, ref: AdapterRef, answer: AnswerTokens, selection: { from: number; to: number } | undefined, onProgress: Report) {
    return this.answer(job, async (signal) => {
      const { adapter, version, ledger } = await this.prepare(ref, signal, onProgress);
      return (await loadAttribution()).auditAnswer(this.ready().engine, adapter, ref.cid, version.records, ledger, answer, selection, { signal, onProgress });
    });
  }

  curate(job: string, ref: AdapterRef, heldOut: DatanetRecord[], onProgress: Report, build = false) {
    return this.answer(job, async (signal) => {
      const { adapter, version, ledger } = await this.prepare(ref, signal, onProgress, build);
      return (await loadAttribution()).curateRecords(this.ready().engine, adapter, version.records, ledger, heldOut, { signal, onProgress });
    });
  }

  copies(records: DatanetRecord[]) {
    return this.answer(undefined, async () => (await loadAttribution()).clusterRecords(records), false);
  }

  makeReceipt(job: string, ref: AdapterRef, question: string, answer: Answer, pricing: Pricing, onProgress: Report) {
    return this.answer(job, async (signal): Promise<ReceiptResult> => {
      const { catalog, engine, publishUrl } = this.ready();
      const { adapter, version, ledger } = await this.prepare(ref, signal, onProgress);
      const { loss, scores, noise } = await engine.influence(adapter, ledger, answer.promptTokens, answer.answerTokens);
      const { bytes, ...trace } = await engine.trace(ledger, answer.promptTokens, answer.answerTokens, {
        signal, onProgress: (done, total) => onProgress({ what: 'Trace of the computation', done, total, unit: 'steps' }),
      });
      const publish = async (content: Uint8Array) => {
        const cid = await catalog.store.addFile(content);
        if (publishUrl) await catalog.store.publish(cid, publishUrl, { signal });
        return cid;
      };
      const traceCid = await publish(bytes);
      const { canonicalJson, makeReceipt, receiptHash } = await loadReceipts();
      const { receipt, recordParts } = makeReceipt({
        nonce: toHex(crypto.getRandomValues(new Uint8Array(16))),
        base: { cid: engine.identity.cid, root: engine.root, format: engine.format },
        sampling: answer.sampling,
        adapter: { id: ref.id, cid: ref.cid, root: adapter.root },
        datanet: { id: ref.datanet.id, version: ref.datanet.version, cid: ref.datanet.cid, records: version.records },
        ledger: adapter.run.ledger,
        trace: { ...trace, cid: traceCid },
        prompt: { text: engine.normalised(question), tokens: answer.promptTokens },
        // The text of all tokens: a stop text cuts what is shown, not what was computed.
        answer: { text: engine.tokenizer.decode(answer.answerTokens).trim(), tokens: answer.answerTokens },
        retrieval: answer.retrieval,
        loss, scores, noise, prices: pricing,
      });
      const cid = await publish(new TextEncoder().encode(canonicalJson(receipt as unknown as Json)));
      return { receipt, hash: receiptHash(receipt), cid, recordParts: recordParts.map(String) };
    });
  }

  check(job: string, given: { cid: string } | { json: string }, onStep: (step: CheckStep) => void, onProgress: Report) {
    return this.answer(job, async (signal) => {
      const { catalog, deployment } = this.ready();
      const bytes = 'cid' in given ? await catalog.store.readFile(given.cid, undefined, { signal, maxBytes: 16 * 2 ** 20 }) : new TextEncoder().encode(given.json);
      const { checkReceipt, parseReceipt, receiptHash } = await loadReceipts();
      const receipt = parseReceipt(parseJson(bytes, 'The receipt'));
      if (receipt.base.cid !== deployment.base.cid) await this.openForCheck(receipt.base, onProgress);
      const source = catalog.checkSource(deployment.base, receipt.datanet.cid, { signal, onProgress: forward(onProgress) });
      const equal = await checkReceipt(receipt, source, { signal, onReport: onStep });
      return { equal, hash: receiptHash(receipt), receipt };
    });
  }

  inspectClaim(job: string, claim: ClaimQuery, onProgress: Report) {
    return this.answer(job, async (signal): Promise<ClaimFinding> => (await loadDisputes()).inspectClaim(this.toInspect(onProgress), claim, { signal, onProgress }));
  }

  replyToDemands(job: string, claim: ClaimQuery, places: TracePlace[], onProgress: Report) {
    return this.answer(job, async (signal): Promise<DemandReplies> => (await loadDisputes()).replyToDemands(this.toInspect(onProgress), claim, places, { signal, onProgress }));
  }

  makeRunStatement(job: string, run: RegisteredRun, onProgress: Report) {
    return this.answer(job, async (signal) => (await loadRuns()).makeRunStatement(this.ready(), run, { signal, onProgress }));
  }

  checkRun(job: string, run: RegisteredRun, vouched: VouchedRun, shown: ShownOfRun, onProgress: Report) {
    return this.answer(job, async (signal) => (await loadRuns()).checkRun(this.ready(), run, vouched, shown, { signal, onProgress }));
  }

  replyToRun(job: string, run: RegisteredRun, vouched: VouchedRun, places: RunPlace[], onProgress: Report) {
    return this.answer(job, async (signal) => (await loadRuns()).replyToRun(this.ready(), run, vouched, places, { signal, onProgress }));
  }

  private toInspect(onProgress: Report) {
    const { catalog, deployment } = this.ready();
    return { catalog, base: deployment.base, openBase: (base: { cid: string; format?: string }) => this.openForCheck(base, onProgress) };
  }

  /** A receipt may name a base that is in this machine's library and on no gateway. */
  private async openForCheck(base: { cid: string; format?: string }, onProgress: Report): Promise<void> {
    await openBaseOfReceipt(() => this.openLibrary(), this.ready().catalog, base, onProgress);
  }

  planTraining(input: TrainInput) {
    return this.answer(undefined, async () => (await loadTraining()).planRun(this.ready().engine, input), false);
  }

  train(job: string, input: TrainInput, onStep: (step: TrainStep) => void, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Trained> => {
      const { engine } = this.ready();
      const { runTraining } = await loadTraining();
      const { result, heldOut, seconds, finalLoss } = await runTraining(engine, input, { signal, wanted: () => this.keepNow.delete(job), onStep, onProgress });
      const trained = `run-${++this.runNumber}`;
      this.runs.set(trained, result);
      return { trained, run: result.run, heldOut, seconds, finalLoss, adapterBytes: result.files['adapter_model.safetensors']!.length };
    });
  }

  async keepTraining(job: string): Promise<void> {
    if (this.jobs.has(job)) this.keepNow.add(job);
  }

  keptRuns() {
    return this.answer(undefined, async () => (await loadTraining()).listKeptRuns(), false);
  }

  dropKeptRun(id: string) {
    return this.answer(undefined, async () => (await loadTraining()).dropKeptRun(id), false);
  }

  askTrained(job: string, trained: string, question: string) {
    return this.answer(job, async (signal) => {
      const { engine } = this.ready();
      const prompt = engine.prompt(question);
      const text = async (adapter: LoadedAdapter | undefined) => engine.tokenizer.decode(await engine.generate(adapter, prompt, { signal, maxTokens: 48 })).trim();
      return { before: await text(undefined), after: await text(this.held(trained).adapter) };
    });
  }

  publishTrained(trained: string) {
    return this.answer(undefined, async () => {
      const { catalog, publishUrl } = this.ready();
      const { files, run } = this.held(trained);
      const cid = await catalog.store.addDirectory(files);
      if (publishUrl) await catalog.store.publish(cid, publishUrl);
      return { cid, run };
    });
  }

  async discardTrained(trained: string): Promise<void> {
    const held = this.runs.get(trained);
    if (!held || !this.opened) return;
    this.runs.delete(trained);
    this.opened.engine.freeLedger(held.ledger);
    this.opened.engine.unloadAdapter(held.adapter);
  }

  countTokens(texts: string[]) {
    return this.answer(undefined, async () => texts.map((text) => this.ready().engine.tokenizer.encode(text).length), false);
  }

  readJson(cid: string) {
    return this.answer(undefined, async () => parseJson(await this.ready().catalog.store.readFile(cid, undefined, { maxBytes: 64 * 2 ** 20 }), 'The content'), false);
  }

  writeJson(value: unknown) {
    return this.answer(undefined, async () => {
      const { catalog, publishUrl } = this.ready();
      const cid = await catalog.store.addFile(new TextEncoder().encode(JSON.stringify(value)));
      if (publishUrl) await catalog.store.publish(cid, publishUrl);
      return cid;
    }, false);
  }

  close(): void {
    this.jobs.cancelAll();
    this.release();
  }

  private release(): void {
    this.runs.clear();
    const opened = this.opened;
    this.opened = undefined;
    try {
      opened?.catalog.close();
      opened?.choice.backend.destroy();
    } catch (error) {
      // A lost device refuses to free: its memory is gone already.
      if (toWire(error).code !== 'webgpu/device-lost') throw error;
    }
  }

  private async prepare(ref: AdapterRef, signal: AbortSignal, onProgress: Report, build = false) {
    const { catalog, engine } = this.ready();
    const options = { signal, onProgress: forward(onProgress) };
    const adapter = await catalog.adapter(engine, ref.cid, options);
    const version = await catalog.version(ref.datanet.cid, options);
    const ledger = await catalog.ledger(engine, adapter, ref.cid, version, ref.datanet.cid, { ...options, build });
    // What was built here and is not what the adapter's run names must not be paid by.
    if (build && (await engine.ledgerRoot(ledger)) !== adapter.run.ledger.root) throw notReproduced();
    return { adapter, version, ledger };
  }

  private ready(): Opened {
    if (this.opened) return this.opened;
    throw new OpenLedgerError({ code: 'engine/not-open', what: 'The model is not loaded yet.', next: 'Wait until it is, or reload the page.' });
  }

  private held(trained: string): HeldRun {
    const run = this.runs.get(trained);
    if (run) return run;
    throw new OpenLedgerError({ code: 'engine/no-such-run', what: 'This training run is gone.', why: 'The page or the engine was restarted since.', next: 'Start it again: it goes on with what was kept, and the same settings give the same adapter.' });
  }

  private describe(): EngineStatus {
    const { engine, choice, base, selfTest: tests } = this.ready();
    const { bytes, peakBytes } = choice.backend.memory();
    return {
      kind: choice.backend.kind === 'webgpu' ? 'webgpu' : 'cpu', device: choice.backend.device, why: choice.why, selfTest: tests.map(({ name, ok }) => ({ name, ok })),
      memoryBytes: bytes, peakBytes, limits: limitsOf(choice.backend),
      base: {
        name: engine.identity.name, library: base?.id, format: base?.format ?? 'auto', parameters: engine.parameters,
        context: engine.model.positions, root: engine.root, readsRecords: engine.readsRecords, sampling: engine.generation.sampling,
      },
    };
  }

  private answer<T>(job: string | undefined, work: (signal: AbortSignal) => Promise<T>, queued = true): Promise<Answered<T>> {
    return this.jobs.run(job, async (signal) => {
      // A lost graphics processor is routine (sleep, driver update): what was loaded is loaded again, then work goes on.
      if (this.lost && queued) await this.reopen?.();
      return work(signal);
    }, queued);
  }
}

function notReproduced(): OpenLedgerError {
  return new OpenLedgerError({
    code: 'ledger/not-reproduced',
    what: 'This adapter’s run does not give the ledger that it names.',
    why: 'The ledger built here from its checkpoints and records has another root than its run.json.',
    next: 'Do not rely on its attribution; tell whoever published it, or choose another adapter.',
  });
}

function forward(onProgress: Report) {
  return (what: string, done: number, total: number | undefined, unit: 'bytes' | 'records') => onProgress({ what, done, total, unit });
}

/** What the device allows: what greater tensors are split by, and what kernels are chosen by. */
function limitsOf(backend: Backend): EngineStatus['limits'] {
  const { traits } = backend as Backend & { traits?: DeviceTraits };
  if (!traits) return [{ name: 'Memory that a page’s WebAssembly can have', value: 2 ** 32, unit: 'bytes' }];
  return [
    { name: 'Largest tensor in one piece', value: backend.maxBinding, unit: 'bytes' },
    { name: 'Buffers that a kernel can read and write', value: traits.storageBuffers, unit: 'count' },
    { name: 'Invocations in a workgroup', value: traits.invocations, unit: 'count' },
    { name: 'Memory of a workgroup', value: traits.workgroupBytes, unit: 'bytes' },
  ];
}
