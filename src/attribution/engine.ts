import { ARITHMETIC } from '../arithmetic/rf32.ts';
import { OpenLedgerError } from '../errors.ts';
import type { Backend } from '../kernels/backend.ts';
import { generate } from '../model/generate.ts';
import { combineLora } from '../model/combine-lora.ts';
import { type Language, readLanguage } from '../model/language-files.ts';
import { type Lora, type LoraConfig, adapterBaseWarning, freeLora, parseLoraConfig, uploadLora } from '../model/lora.ts';
import { type Model, freeModel, parameterCount } from '../model/model.ts';
import { parseConfig } from '../model/config.ts';
import { parseSampling, sampleToken } from '../model/sampling.ts';
import { promptWithRecords, recordText } from '../model/prompt-format.ts';
import { recordSequences } from '../model/record-sequences.ts';
import type { Tensors } from '../model/safetensors.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { type LoadOptions, loadModel } from '../model/weights/load-model.ts';
import { openWeights } from '../model/weights/open-weights.ts';
import type { FormatChoice } from '../model/weights/plan-weights.ts';
import { type TrainRecipe, recipeJson, recipeOfRun } from '../model/recipe.ts';
import { type Hex, keccak256, toHex, utf8Bytes } from '../protocol/bytes.ts';
import { type ModelFolder, readJsonFile } from '../protocol/model-folder.ts';
import { COPY_RULE, type CopyRule } from '../protocol/clusters/copy-rule.ts';
import { type DatanetRecord, recordsRoot } from '../protocol/record.ts';
import { parseRunFile } from '../protocol/run.ts';
import { tensorsRoot } from '../protocol/tensors.ts';
import { freeMatrix } from '../kernels/matrix/matrix.ts';
import { type LoadedAdapter, type PlainAdapter, checkpointsOf, representatives, settingsOf, trainedCount } from './adapters.ts';
import { type AnswerOptions, type AnswerText, type AnswerTextOptions, answerText, confirmedAnswer } from './answer-text.ts';
import type { CurvatureInfluence, Selection } from './curvature/curvature-influence.ts';
import type { CurvatureLedger } from './curvature/curvature-ledger.ts';
import { type Files, jsonFile, weightsFile } from './folder-files.ts';
import { rowsOf } from './tensor-rows.ts';
import type { TraceOptions, Tracer } from './trace/tracer.ts';
import type { Progress } from './record-gradients.ts';
import type { TrainRunOptions, TrainedRun } from './train-run.ts';

export type { LoadedAdapter, PlainAdapter } from './adapters.ts';
export { ADAPTER_FILES, ATTRIBUTION_FILES, BASE_FILES, type Files } from './folder-files.ts';

export interface BaseIdentity {
  name: string;
  cid: string;
}

export interface LedgerOptions {
  signal?: AbortSignal | undefined;
  onProgress?: Progress | undefined;
}

export interface OpenOptions extends Omit<LoadOptions, 'fileRoot'> {
  /** Known from an earlier load of the same bytes. */
  fileRoot?: Hex | undefined;
}

/** Models up to this size in float32 are held so: the same values as their 16-bit files', and nothing to decode. */
const SMALL_MODEL_BYTES = 256 * 2 ** 20;

async function exactFormat(folder: ModelFolder, signal: AbortSignal | undefined): Promise<FormatChoice> {
  const values = [...(await openWeights(folder, signal)).values()].reduce((sum, { count }) => sum + count, 0);
  return values * 4 <= SMALL_MODEL_BYTES ? 'f32' : 'auto';
}

/** Attribution's own code is fetched by who attributes or trains. */
const loadCurvature = () => import('./curvature/curvature.ts');

/** A base model ready to answer, train, attribute. Runs in a worker, a page or Node alike. */
export class Engine {
  readonly backend: Backend;
  readonly identity: BaseIdentity;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** How it is asked and taught. */
  readonly prompts: Language['prompts'];
  /** What its publisher suggests. */
  readonly generation: Language['generation'];
  /** Merkle root over the rows of every weight. */
  readonly root: Hex;
  readonly parameters: number;

  /** The format that rounded the base's weights; undefined where they are as stored. */
  readonly format: string | undefined;

  /** Root of the files themselves; `root` differs where weights were rounded. */
  readonly fileRoot: Hex;

  private tracing: Backend | undefined;
  private lastTracer: { ledger: CurvatureLedger; tracer: Tracer } | undefined;

  private constructor(backend: Backend, identity: BaseIdentity, parts: Pick<Engine, 'model' | 'tokenizer' | 'prompts' | 'generation' | 'root' | 'fileRoot' | 'format'>) {
    this.backend = backend;
    this.identity = identity;
    this.model = parts.model;
    this.tokenizer = parts.tokenizer;
    this.prompts = parts.prompts;
    this.generation = parts.generation;
    this.root = parts.root;
    this.fileRoot = parts.fileRoot;
    this.format = parts.format;
    this.parameters = parameterCount(parts.model);
  }

  /** Throws what reading, parsing and loading throw: `folder/…`, `model/…`, `weights/…`, `safetensors/…`, `tokenizer/…`, `engine/…`. */
  static async open(backend: Backend, identity: BaseIdentity, folder: ModelFolder, options: OpenOptions = {}): Promise<Engine> {
    const { signal } = options;
    const config = parseConfig(await readJsonFile(folder, 'config.json', signal));
    const language = await readLanguage(folder, config, signal);
    const { tokenizer } = language;
    if (tokenizer.vocabSize > config.vocab) {
      throw new OpenLedgerError({
        code: 'engine/tokenizer-too-large',
        what: 'The tokenizer does not belong to this model.',
        why: `It has ${tokenizer.vocabSize} tokens, the model ${config.vocab}.`,
        next: 'Fetch the model again, or choose another.',
      });
    }
    const format = options.format === undefined || options.format === 'auto' ? await exactFormat(folder, signal) : options.format;
    const { model, root, fileRoot, rounded } = await loadModel(backend, config, folder, { ...options, format });
    // Only who skips the root gets none, and OpenOptions does not offer it.
    return new Engine(backend, identity, { ...language, model, root: root!, fileRoot: fileRoot!, format: rounded });
  }

  close(): void {
    this.lastTracer = undefined;
    if (this.tracing !== this.backend) this.tracing?.destroy();
    freeModel(this.model);
  }

  /** Throws `adapter/…`, `run/invalid`, and `adapter/other-base` where the run names another base. */
  loadAdapter(files: Files): LoadedAdapter {
    const run = parseRunFile(jsonFile(files, 'run.json'));
    if (run.base.root !== this.root) {
      throw new OpenLedgerError({
        code: 'adapter/other-base',
        what: 'This adapter was made for another base model.',
        why: `It needs the base ${run.base.name} with root ${run.base.root.slice(0, 12)}…; loaded is ${this.root.slice(0, 12)}….`,
        next: 'Load that base, or choose another adapter.',
      });
    }
    const tensors = weightsFile(files, 'adapter_model.safetensors');
    const lora = uploadLora(this.backend, this.model.config, parseLoraConfig(jsonFile(files, 'adapter_config.json')), tensors);
    return { lora, root: tensorsRoot(rowsOf(tensors)), run };
  }

  /**
   * PEFT folders without a run.json, several of them with a weight each: used side by side, none merged into the base.
   * Throws `adapter/…`; a folder that names another base is loaded with a warning.
   */
  loadPlainAdapters(parts: readonly { files: Files; weight: number }[]): PlainAdapter {
    const read = parts.map(({ files, weight }) => {
      const raw = jsonFile(files, 'adapter_config.json');
      return { config: parseLoraConfig(raw), tensors: weightsFile(files, 'adapter_model.safetensors'), weight, warning: this.baseWarning(files, raw) };
    });
    const alone = read.length === 1 && read[0]!.weight === 1;
    const { config, tensors }: { config: LoraConfig; tensors: Tensors } = alone ? read[0]! : combineLora(read);
    const warnings = [...new Set(read.flatMap(({ warning }) => warning ?? []))];
    return { lora: uploadLora(this.backend, this.model.config, config, tensors), warning: warnings.join(' ') || undefined };
  }

  /** Whether a folder's run.json says that it was made on exactly this base. */
  isOwn(files: Files): boolean {
    return files['run.json'] !== undefined && parseRunFile(jsonFile(files, 'run.json')).base.root === this.root;
  }

  /** A run.json settles which base an adapter is for; without one only the name in its config says it. */
  private baseWarning(files: Files, config: unknown): string | undefined {
    if (!files['run.json']) return adapterBaseWarning(config, this.identity);
    const { base } = parseRunFile(jsonFile(files, 'run.json'));
    return base.root === this.root ? undefined : `This adapter was made for the base “${base.name}” with root ${base.root.slice(0, 12)}…; loaded is ${this.root.slice(0, 12)}…. The shapes fit, but its answers may be worth nothing.`;
  }

  unloadAdapter(adapter: { lora: Lora; checkpoints?: Lora[] | undefined }): void {
    for (const lora of adapter.checkpoints ?? []) freeLora(this.backend, lora);
    adapter.checkpoints = undefined;
    freeLora(this.backend, adapter.lora);
  }

  /** What training and attribution read of each record. */
  sequences(records: readonly DatanetRecord[]) {
    return records.map((record) => recordSequences(this.prompts, record, this.model.config.context));
  }

  /** A question as prompts and receipts hold it. Models that were taught single lines read one; others keep their lines. */
  normalised(question: string): string {
    const text = question.normalize('NFC').trim();
    return this.prompts.kind === 'question-answer' ? text.replace(/\s+/gu, ' ') : text;
  }

  /** Prompt tokens of a question. Throws `model/empty-prompt` for white space. */
  prompt(question: string): number[] {
    const text = this.normalised(question);
    if (!text) throw new OpenLedgerError({ code: 'model/empty-prompt', what: 'There is nothing to answer.', next: 'Type a question.' });
    return this.prompts.question(text);
  }

  /** Whether records can be put before a question: some models were never taught to read them. */
  get readsRecords(): boolean {
    return this.prompts.readsRecords;
  }

  /**
   * Prompt tokens of a question with records before it, best first, as many as leave room for the answer. `used`: how many.
   * Throws `model/empty-prompt`.
   */
  promptWithRecords(question: string, records: readonly DatanetRecord[], maxTokens = 96): { ids: number[]; used: number } {
    const text = this.normalised(question);
    if (!text) return { ids: this.prompt(question), used: 0 };
    return promptWithRecords(this.prompts, text, records.map(recordText), { mostTokens: this.model.positions - maxTokens });
  }

  /** Ids of an answer; see model/generate.ts. Greedy where no sampling is given. Throws `sampling/invalid` too. */
  generate(adapter: { lora: Lora } | undefined, prompt: readonly number[], options: AnswerOptions = {}): Promise<number[]> {
    const { maxTokens = 96, signal, onToken } = options;
    const sampling = parseSampling(options.sampling ?? {});
    return generate(this.model, adapter?.lora, prompt, {
      maxTokens, stop: this.prompts.stop, signal, onToken,
      // Temperature 0 without a penalty is the greedy choice, which stays on the device.
      ...(sampling.temperature > 0 || sampling.repetitionPenalty !== 1
        ? { pick: (logits: Float32Array, answer: readonly number[]) => sampleToken(logits, [...prompt, ...answer], { ...sampling, step: answer.length }) }
        : {}),
    });
  }

  /** Answers as text while it is written; see answer-text.ts. */
  answer(adapter: { lora: Lora } | undefined, prompt: readonly number[], options: AnswerTextOptions = {}): Promise<AnswerText> {
    return answerText(this, adapter, prompt, options);
  }

  /** The exact lane's own greedy answer to what the fast lane answered; see answer-text.ts. */
  confirm(
    adapter: { lora: Lora } | undefined, prompt: readonly number[], written: readonly number[], options: Pick<AnswerTextOptions, 'maxTokens' | 'signal' | 'stopTexts'> = {},
  ): Promise<AnswerText & { agreed: number }> {
    return confirmedAnswer(this, adapter, prompt, written, options);
  }

  /** From the bytes of checkpoints.safetensors. Throws `adapter/other-checkpoints`, `adapter/does-not-fit`, `safetensors/…`. */
  async loadCheckpoints(adapter: LoadedAdapter, bytes: Uint8Array | undefined): Promise<void> {
    if (adapter.checkpoints) return;
    const { keptSteps, readCheckpoints } = await loadCurvature();
    const { run, lora } = adapter;
    const steps = keptSteps(run.recipe, trainedCount(run), run.ledger.checkpoints);
    adapter.checkpoints ??= readCheckpoints(this.backend, this.model.config, lora.config, bytes, steps, run.ledger.checkpointsRoot);
  }

  /** From the bytes of ledger.safetensors, which must have the root that run.json names. Throws `ledger/other-method`, `ledger/damaged`, `ledger/other-root`. */
  async loadLedger(adapter: LoadedAdapter, bytes: Uint8Array): Promise<CurvatureLedger> {
    const { METHOD, readLedgerFile } = await loadCurvature();
    const { method } = adapter.run;
    if (method !== METHOD) {
      throw new OpenLedgerError({
        code: 'ledger/other-method', what: 'The ledger of this adapter was made by another version of the method.', why: `Its run names ${method}; this version computes ${METHOD}.`,
        next: 'Train the adapter again.',
      });
    }
    return readLedgerFile(this.backend, bytes, checkpointsOf(adapter), settingsOf(adapter.run), trainedCount(adapter.run), adapter.run.ledger.root);
  }

  /** Built here from the adapter's checkpoints and the records. Throws what `buildCurvatureLedger` throws. */
  async buildLedger(adapter: LoadedAdapter, records: readonly DatanetRecord[], options: LedgerOptions = {}): Promise<CurvatureLedger> {
    const { buildCurvatureLedger, runPace } = await loadCurvature();
    const { clusters } = adapter.run.datanet;
    const trained = clusters ? representatives(clusters).map((k) => records[k]!) : records;
    return buildCurvatureLedger(this.model, checkpointsOf(adapter), this.sequences(trained), settingsOf(adapter.run), runPace(recipeOfRun(adapter.run.recipe), trained.length), options);
  }

  freeLedger(ledger: CurvatureLedger): void {
    if (this.lastTracer?.ledger === ledger) this.lastTracer = undefined;
    freeMatrix(this.backend, ledger.rows);
    for (const sketcher of ledger.sketchers) sketcher.free();
  }

  /** What run.json and receipts commit to. */
  async ledgerRoot(ledger: CurvatureLedger): Promise<Hex> {
    return (await loadCurvature()).ledgerRoot(this.backend, ledger);
  }

  /**
   * What traces an adapter's answers, so that each can be claimed and disputed. Products of matrices run on the CPU whatever
   * the engine runs on. Kept for the ledger that was asked about last. Throws `cancelled`.
   */
  async tracer(ledger: CurvatureLedger, options: TraceOptions = {}): Promise<Tracer> {
    if (this.lastTracer?.ledger === ledger) return this.lastTracer.tracer;
    this.lastTracer = undefined;
    const { Tracer } = await import('./trace/tracer.ts');
    this.tracing ??= this.backend.kind === 'webgpu' ? await (await import('../kernels/cpu/backend.ts')).createCpuBackend() : this.backend;
    const tracer = await Tracer.of(this.tracing, this.model, ledger, options);
    this.lastTracer = { ledger, tracer };
    return tracer;
  }

  /** What a claim of an answer commits to: `bytes` are published with it. Throws `trace/too-long`, `cancelled`. */
  async trace(ledger: CurvatureLedger, prompt: readonly number[], answer: readonly number[], options: TraceOptions = {}): Promise<{ program: Hex; root: Hex; bytes: Uint8Array }> {
    const tracer = await this.tracer(ledger, options);
    const trace = await tracer.toPublish({ tokens: [...prompt, ...answer], answer: answer.length }, options);
    return { program: tracer.programHash, root: trace.root, bytes: trace.bytes() };
  }

  /** Influence of every record on answer tokens [from, to), all by default. A copy of another record has none. */
  async influence(adapter: LoadedAdapter, ledger: CurvatureLedger, prompt: readonly number[], answer: readonly number[], selection?: Selection): Promise<CurvatureInfluence> {
    return (await this.influences(adapter, ledger, prompt, answer, [selection ?? { from: 0, to: answer.length }]))[0]!;
  }

  /** The same for several parts of one answer. */
  async influences(adapter: LoadedAdapter, ledger: CurvatureLedger, prompt: readonly number[], answer: readonly number[], selections: readonly Selection[]): Promise<CurvatureInfluence[]> {
    const { curvatureInfluence } = await loadCurvature();
    const found = await curvatureInfluence(this.model, adapter.lora, ledger, { ids: [...prompt, ...answer], start: prompt.length }, selections);
    const { clusters } = adapter.run.datanet;
    if (!clusters) return found;
    const trained = representatives(clusters);
    const spread = (values: Float32Array) => {
      const all = new Float32Array(clusters.length);
      trained.forEach((k, row) => (all[k] = values[row]!));
      return all;
    };
    return found.map(({ loss, scores, noise }) => ({ loss, scores: spread(scores), noise: spread(noise) }));
  }

  /** Names a run by all that decides its bits: two runs with one identity give the same adapter, so one may go on with the other's checkpoint. */
  runIdentity(records: readonly DatanetRecord[], recipe: TrainRecipe): Hex {
    const parts = ['openledger/run-identity/2', ARITHMETIC, this.identity.cid, this.root, recordsRoot([...records]), recipeJson(recipe), COPY_RULE];
    return toHex(keccak256(utf8Bytes(JSON.stringify(parts))));
  }

  /** For each record the first one that it is a copy of, itself where it is none; by wording alone where `rule` is undefined. See cluster-vectors.ts. */
  async copies(records: readonly DatanetRecord[], rule: CopyRule | undefined, options: LedgerOptions = {}): Promise<number[]> {
    const { findCopies } = await import('./cluster-vectors.ts');
    return findCopies(this.model, records, rule, (some) => this.sequences(some), options);
  }

  /** Trains an adapter on records and builds its ledger; see train-run.ts, which is fetched by who trains. */
  async train(datanet: string, records: readonly DatanetRecord[], recipe: TrainRecipe, options: TrainRunOptions = {}): Promise<TrainedRun> {
    const { trainRun } = await import('./train-run.ts');
    return trainRun(this, datanet, records, recipe, options);
  }
}
