import { Catalog, parseJson } from '../attribution/catalog.ts';
import { OpenLedgerError, toWire } from '../errors.ts';
import { selfTest } from '../kernels/self-test.ts';
import { openBackend } from '../kernels/webgpu/select.ts';
import type { Deployment } from '../protocol/deployment.ts';
import type { DatanetRecord } from '../protocol/record.ts';
import { openBrowserCache } from '../storage/browser-cache.ts';
import { ContentStore } from '../storage/content-store.ts';
import { ask, confirm, measure, profile } from './asking.ts';
import type { AnswerToFile, FiledFinding, FiledQuery, Refutation, SaidLeaves, TracePlace } from './disputes.api.ts';
import type { RegisteredRun, RunPlace, ShownOfRun, VouchedRun } from './runs.api.ts';
import type {
  AdapterRef, Answer, AnswerTokens, Answered, AskOptions, Attribution, BaseChoice, CheckStep, ClaimFinding, ClaimQuery, DemandReplies, EngineApi, KernelProfile, LibraryAdapterRef, ModelSource, Pricing, ReceiptResult,
  Trained, TrainInput, TrainStep,
} from './engine.api.ts';
import type { EngineLibrary } from './engine-library.ts';
import { JobQueue } from './job-queue.ts';
import { openBaseOfReceipt, openLibraryBase } from './library-bases.ts';
import { type Opened, type Report, forward, statusOf } from './opened-engine.ts';
import { TrainedRuns } from './trained-runs.ts';

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
  private readonly trained = new TrainedRuns();

  open(deployment: Deployment, deploymentUrl: string, preference: 'auto' | 'webgpu' | 'cpu', base: BaseChoice | undefined, onProgress: Report) {
    return this.answer(undefined, async () => {
      this.gateways = deployment.gateways.map((url) => new URL(url, deploymentUrl).href);
      this.reopen = () => this.start(deployment, deploymentUrl, preference, base, onProgress);
      await this.reopen();
      return statusOf(this.ready());
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
    return this.answer(undefined, async () => statusOf(this.ready()), false);
  }

  async cancel(job: string): Promise<void> {
    this.jobs.cancel(job);
  }

  ask(job: string, ref: AdapterRef | LibraryAdapterRef | undefined, question: string, options: AskOptions, onText: (piece: string) => void, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Answer> => ask(this.ready(), ref, question, options, onText, this.asking(signal, onProgress)));
  }

  confirm(job: string, ref: AdapterRef | LibraryAdapterRef | undefined, question: string, written: number[], options: AskOptions, onProgress: Report) {
    return this.answer(job, async (signal): Promise<Answer> => confirm(this.ready(), ref, question, written, options, this.asking(signal, onProgress)));
  }

  private asking(signal: AbortSignal, onProgress: Report) {
    return { openLibrary: () => this.openLibrary(), signal, onProgress };
  }

  measure(job: string, question: string) {
    return this.answer(job, async (signal) => measure(this.ready().engine, question, signal));
  }

  profile(job: string, ref: AdapterRef | undefined, question: string) {
    return this.answer(job, async (signal): Promise<KernelProfile> => profile(this.ready(), ref, question, signal));
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
      const prepared = await this.prepare(ref, signal, onProgress);
      return (await loadReceipts()).receiptOfAnswer(this.ready(), prepared, ref, question, answer, pricing, { signal, onProgress });
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

  inspectFiled(job: string, answer: FiledQuery, onProgress: Report) {
    return this.answer(job, async (signal): Promise<FiledFinding> => (await loadDisputes()).inspectFiled(this.toInspect(onProgress), answer, { signal, onProgress }));
  }

  replyToDemands(job: string, claim: ClaimQuery, places: TracePlace[], onProgress: Report) {
    return this.answer(job, async (signal): Promise<DemandReplies> => (await loadDisputes()).replyToDemands(this.toInspect(onProgress), claim, places, { signal, onProgress }));
  }

  refuteAssertions(job: string, claim: ClaimQuery, said: SaidLeaves[], onProgress: Report) {
    return this.answer(job, async (signal): Promise<Refutation[]> => (await loadDisputes()).refuteAssertions(this.toInspect(onProgress), claim, said, { signal, onProgress }));
  }

  fileOfAnswers(job: string, answers: AnswerToFile[]) {
    return this.answer(job, async (signal) => (await loadDisputes()).fileOfAnswers(this.ready().catalog, answers, signal));
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
    return this.answer(job, async (signal): Promise<Trained> => this.trained.train(this.ready().engine, job, input, { signal, onStep, onProgress }));
  }

  async keepTraining(job: string): Promise<void> {
    if (this.jobs.has(job)) this.trained.keepNow(job);
  }

  keptRuns() {
    return this.answer(undefined, async () => (await loadTraining()).listKeptRuns(), false);
  }

  dropKeptRun(id: string) {
    return this.answer(undefined, async () => (await loadTraining()).dropKeptRun(id), false);
  }

  askTrained(job: string, trained: string, question: string) {
    return this.answer(job, async (signal) => this.trained.ask(this.ready().engine, trained, question, signal));
  }

  publishTrained(trained: string) {
    return this.answer(undefined, async () => this.trained.publish(this.ready(), trained));
  }

  async discardTrained(trained: string): Promise<void> {
    if (this.opened) this.trained.discard(this.opened.engine, trained);
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
    this.trained.clear();
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
