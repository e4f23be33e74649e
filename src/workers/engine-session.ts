import { Catalog, parseJson } from '../attribution/catalog.ts';
import { checkReceipt } from '../attribution/check.ts';
import type { Files, LoadedAdapter, Engine } from '../attribution/engine.ts';
import { makeReceipt } from '../attribution/make-receipt.ts';
import { OpenLedgerError, toWire } from '../errors.ts';
import { type SelfTestResult, selfTest } from '../kernels/self-test.ts';
import { type Choice, openBackend } from '../kernels/webgpu/select.ts';
import type { TrainRecipe } from '../model/recipe.ts';
import { toHex } from '../protocol/bytes.ts';
import { canonicalJson, type Json } from '../protocol/canonical.ts';
import type { Deployment } from '../protocol/deployment.ts';
import { parseReceipt, receiptHash } from '../protocol/receipt.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import type { RunFile } from '../protocol/run.ts';
import { openBrowserCache } from '../storage/browser-cache.ts';
import { ContentStore } from '../storage/content-store.ts';
import type { Ledger } from '../attribution/ledger.ts';
import type {
  AdapterRef, Answer, Answered, Attribution, CheckStep, EngineApi, EngineStatus, LoadProgress, Pricing, ReceiptResult, Trained, TrainStep,
} from './engine.api.ts';

interface Opened {
  catalog: Catalog;
  engine: Engine;
  deployment: Deployment;
  publishUrl: string | undefined;
  choice: Choice;
  selfTest: SelfTestResult[];
}

interface HeldRun {
  files: Files;
  run: RunFile;
  adapter: LoadedAdapter;
  ledger: Ledger;
}

type Report = (progress: LoadProgress) => void;

/** The model worker without the worker: tests and other hosts run it as it is. One call at a time uses the backend. */
export class EngineSession implements EngineApi {
  private opened: Opened | undefined;
  /** How to open again after the graphics processor was lost. */
  private reopen: (() => Promise<void>) | undefined;
  private lost = false;
  private readonly jobs = new Map<string, AbortController>();
  private readonly runs = new Map<string, HeldRun>();
  private runNumber = 0;
  /** Calls that use the backend queue here: a second question waits for the first. */
  private last: Promise<unknown> = Promise.resolve();

  open(deployment: Deployment, deploymentUrl: string, preference: 'auto' | 'webgpu' | 'cpu', onProgress: Report) {
    return this.answer(undefined, async () => {
      this.reopen = () => this.start(deployment, deploymentUrl, preference, onProgress);
      await this.reopen();
      return this.describe();
    });
  }

  private async start(deployment: Deployment, deploymentUrl: string, preference: 'auto' | 'webgpu' | 'cpu', onProgress: Report): Promise<void> {
    // Jobs that wait go on with what is loaded again; only `close` ends them.
    this.release();
    this.lost = false;
    const choice = await openBackend(preference, undefined, { onLost: () => (this.lost = true) });
    const { cache } = await openBrowserCache();
    const absolute = (url: string) => new URL(url, deploymentUrl).href;
    const store = new ContentStore({ gateways: deployment.gateways.map(absolute), cache });
    const catalog = new Catalog(choice.backend, store);
    const engine = await catalog.engine(deployment.base, { onProgress: forward(onProgress) });
    const publishUrl = deployment.publish === undefined ? undefined : absolute(deployment.publish);
    this.opened = { catalog, engine, deployment, choice, publishUrl, selfTest: await selfTest(choice.backend) };
  }

  status() {
    return this.answer(undefined, async () => this.describe(), false);
  }

  async cancel(job: string): Promise<void> {
    this.jobs.get(job)?.abort();
  }

  ask(job: string, ref: AdapterRef | undefined, question: string, onText: (piece: string) => void, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Answer> => {
      const { catalog, engine } = this.ready();
      const prompt = engine.prompt(question);
      const adapter = ref && (await catalog.adapter(engine, ref.cid, { signal, onProgress: forward(onProgress) }));
      const stream = engine.tokenizer.createDecodeStream();
      const pieces: string[] = [];
      const answer: number[] = [];
      const began = performance.now();
      let stopped = false;
      try {
        await engine.generate(adapter, prompt, {
          signal,
          onToken: (id) => {
            answer.push(id);
            const piece = stream.push(id);
            pieces.push(piece);
            if (piece) onText(piece);
          },
        });
      } catch (error) {
        // Stopping keeps what is there; only an answer of nothing is an error.
        if (!signal.aborted || !answer.length) throw error;
        stopped = true;
      }
      const rest = stream.end();
      if (rest) {
        pieces[pieces.length - 1] += rest;
        onText(rest);
      }
      return {
        promptTokens: prompt, answerTokens: answer, text: engine.tokenizer.decode(answer).trim(), pieces,
        seconds: (performance.now() - began) / 1000, stopped,
      };
    });
  }

  attribute(job: string, ref: AdapterRef, answer: { promptTokens: number[]; answerTokens: number[] }, selection: { from: number; to: number } | undefined, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Attribution> => {
      const { adapter, version, ledger } = await this.prepare(ref, signal, onProgress);
      const began = performance.now();
      const { loss, scores } = await this.ready().engine.influence(adapter, ledger, answer.promptTokens, answer.answerTokens, selection);
      const records = version.records
        .map((record, index) => ({ index, record, influence: scores[index]! }))
        .sort((a, b) => b.influence - a.influence || a.index - b.index);
      return { loss, records, seconds: (performance.now() - began) / 1000 };
    });
  }

  makeReceipt(job: string, ref: AdapterRef, question: string, answer: Answer, pricing: Pricing, onProgress: Report) {
    return this.answer(job, async (signal): Promise<ReceiptResult> => {
      const { catalog, engine, publishUrl } = this.ready();
      const { adapter, version, ledger } = await this.prepare(ref, signal, onProgress);
      const { loss, scores } = await engine.influence(adapter, ledger, answer.promptTokens, answer.answerTokens);
      const { receipt, recordParts } = makeReceipt({
        nonce: toHex(crypto.getRandomValues(new Uint8Array(16))),
        base: { cid: engine.identity.cid, root: engine.root },
        adapter: { id: ref.id, cid: ref.cid, root: adapter.root },
        datanet: { id: ref.datanet.id, version: ref.datanet.version, cid: ref.datanet.cid, records: version.records },
        ledger: adapter.run.ledger,
        prompt: { text: normalised(question), tokens: answer.promptTokens },
        answer: { text: answer.text, tokens: answer.answerTokens },
        loss, scores, prices: pricing,
      });
      const cid = await catalog.store.addFile(new TextEncoder().encode(canonicalJson(receipt as unknown as Json)));
      if (publishUrl) await catalog.store.publish(cid, publishUrl, { signal });
      return { receipt, hash: receiptHash(receipt), cid, recordParts: recordParts.map(String) };
    });
  }

  check(job: string, given: { cid: string } | { json: string }, onStep: (step: CheckStep) => void, onProgress: Report) {
    return this.answer(job, async (signal) => {
      const { catalog, deployment } = this.ready();
      const bytes = 'cid' in given ? await catalog.store.readFile(given.cid, undefined, { signal, maxBytes: 16 * 2 ** 20 }) : new TextEncoder().encode(given.json);
      const receipt = parseReceipt(parseJson(bytes, 'The receipt'));
      const source = catalog.checkSource(deployment.base, receipt.datanet.cid, { signal, onProgress: forward(onProgress) });
      const equal = await checkReceipt(receipt, source, { signal, onReport: onStep });
      return { equal, hash: receiptHash(receipt), receipt };
    });
  }

  train(job: string, input: { name: string; records: DatanetRecord[]; recipe: TrainRecipe }, onStep: (step: TrainStep) => void, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Trained> => {
      const { engine } = this.ready();
      const began = performance.now();
      const seconds = () => (performance.now() - began) / 1000;
      let finalLoss = NaN;
      const result = await engine.train(input.name, input.records, input.recipe, {
        signal,
        onStep: (step) => {
          finalLoss = step.loss;
          onStep({ ...step, seconds: seconds() });
        },
        onLedger: (done, total) => onProgress({ what: 'Gradients of the records', done, total, unit: 'records' }),
      });
      const trained = `run-${++this.runNumber}`;
      this.runs.set(trained, result);
      return { trained, run: result.run, seconds: seconds(), finalLoss, adapterBytes: result.files['adapter_model.safetensors']!.length };
    });
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
    for (const controller of this.jobs.values()) controller.abort();
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

  private async prepare(ref: AdapterRef, signal: AbortSignal, onProgress: Report) {
    const { catalog, engine } = this.ready();
    const options = { signal, onProgress: forward(onProgress) };
    const adapter = await catalog.adapter(engine, ref.cid, options);
    const version = await catalog.version(ref.datanet.cid, options);
    const ledger = await catalog.ledger(engine, adapter, ref.cid, version, ref.datanet.cid, options);
    return { adapter, version, ledger };
  }

  private ready(): Opened {
    if (this.opened) return this.opened;
    throw new OpenLedgerError({ code: 'engine/not-open', what: 'The model is not loaded yet.', next: 'Wait until it is, or reload the page.' });
  }

  private held(trained: string): HeldRun {
    const run = this.runs.get(trained);
    if (run) return run;
    throw new OpenLedgerError({ code: 'engine/no-such-run', what: 'This training run is gone.', why: 'The page or the engine was restarted since.', next: 'Train again: the same settings give the same adapter.' });
  }

  private describe(): EngineStatus {
    const { engine, choice, selfTest: tests } = this.ready();
    const { bytes, peakBytes } = choice.backend.memory();
    return {
      kind: choice.backend.kind === 'webgpu' ? 'webgpu' : 'cpu', device: choice.backend.device, why: choice.why, selfTest: tests.map(({ name, ok }) => ({ name, ok })),
      memoryBytes: bytes, peakBytes,
      base: { name: engine.identity.name, parameters: engine.parameters, context: engine.model.config.context },
    };
  }

  /** Runs work under a job id, after what uses the backend already, and turns errors into plain data. */
  private async answer<T>(job: string | undefined, work: (signal: AbortSignal) => Promise<T>, queued = true): Promise<Answered<T>> {
    const controller = new AbortController();
    if (job !== undefined) this.jobs.set(job, controller);
    const run = async (): Promise<Answered<T>> => {
      try {
        // A lost graphics processor is routine (sleep, driver update): what was loaded is loaded again, then work goes on.
        if (this.lost && queued) await this.reopen?.();
        return { ok: true, value: await work(controller.signal) };
      } catch (error) {
        return { ok: false, error: toWire(error) };
      } finally {
        if (job !== undefined) this.jobs.delete(job);
      }
    };
    if (!queued) return run();
    const result = this.last.then(run);
    this.last = result;
    return result;
  }
}

function forward(onProgress: Report) {
  return (what: string, done: number, total: number | undefined, unit: 'bytes' | 'records') => onProgress({ what, done, total, unit });
}

function normalised(question: string): string {
  return question.normalize('NFC').replace(/\s+/gu, ' ').trim();
}
