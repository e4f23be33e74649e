import type { WireError } from '../errors.ts';
import type { Profile } from '../kernels/profile.ts';
import type { Deployment } from '../protocol/deployment.ts';
import type { ReceiptPrices } from '../protocol/divide-fee.ts';
import type { Receipt } from '../protocol/receipt.ts';
import type { DatanetRecord, VersionRecord } from '../protocol/record.ts';
import type { RetrievalLog } from '../protocol/retrieval-share.ts';
import type { RunFile } from '../protocol/run.ts';
import type { TrainRecipe } from '../model/recipe.ts';
import type { AnswerToFile, ClaimFinding, ClaimQuery, DemandReplies, FiledFinding, FiledQuery, Refutation, SaidLeaves, TracePlace } from './disputes.api.ts';
import type { RegisteredRun, RunFinding, RunPlace, RunReplies, RunStatementMade, ShownOfRun, VouchedRun } from './runs.api.ts';

export { DEFAULT_RECIPE, type TrainRecipe, stepCount } from '../model/recipe.ts';
export { heldOutCount } from '../model/held-out.ts';
export type { Target } from '../model/lora-config.ts';
export type { AnswerToFile, Assertion, ClaimEvidence, ClaimFinding, ClaimQuery, DemandReplies, FiledFinding, FiledQuery, LeavesPlace, SaidLeaves, ShownPiece } from './disputes.api.ts';

/**
 * What the page asks of the model worker. Plain data only; callbacks are wrapped by Comlink's `proxy`. Every long
 * call takes a `job` id that `cancel(job)` ends; results are either the value or an error as plain data, because
 * Comlink would strip an error's code.
 */
export type Answered<T> = { ok: true; value: T } | { ok: false; error: WireError };

export interface EngineStatus {
  /** 'webgpu' or 'cpu', and the device's own name. */
  kind: 'webgpu' | 'cpu';
  device: string;
  /** Why this one was chosen, a sentence for people. */
  why: string;
  selfTest: { name: string; ok: boolean }[];
  memoryBytes: number;
  peakBytes: number;
  /** What the device allows, in words. */
  limits: { name: string; value: number; unit: 'bytes' | 'count' }[];
  base: BaseStatus | undefined;
}

export interface BaseStatus {
  name: string;
  /** Id in the library; undefined for the deployment's own base. */
  library: string | undefined;
  format: WeightFormat;
  parameters: number;
  context: number;
  root: string;
  /** Whether records can be put before a question. */
  readsRecords: boolean;
  /** What the model's publisher suggests for sampling; undefined for none. */
  sampling: Partial<Sampling> | undefined;
}

/** How weights are held: as they are stored, or quantised when they are loaded. */
export type WeightFormat = 'auto' | 'f32' | 'f16' | 'bf16' | 'q8' | 'q4';

/** Which base a worker opens; undefined is the deployment's own. */
export interface BaseChoice {
  /** Id in this machine's library. */
  id: string;
  format: WeightFormat;
}

/** A folder in this machine's library: a base model, or a PEFT adapter. */
export interface LibraryItem {
  id: string;
  kind: 'base' | 'adapter';
  name: string;
  /** Where it came from: an address, a CID, or the name of a folder. */
  source: string;
  bytes: number;
  /** Bytes that are here already; less than `bytes` for a download that was interrupted. */
  held: number;
  complete: boolean;
  /** Milliseconds. */
  added: number;
  cid: string | undefined;
  /** How an interrupted download goes on; undefined where a person has to choose the folder again. */
  resume: ModelSource | undefined;
}

/** What the browser lets this page store. */
export interface LibraryStorage {
  usage: number;
  quota: number;
  /** Whether the browser promised not to delete it by itself. */
  persisted: boolean;
}

export type ModelSource = { kind: 'url'; url: string } | { kind: 'cid'; cid: string } | { kind: 'files'; name: string; files: File[] };

/** What a base needs on this device, before anything of it is loaded. */
export interface BasePlan {
  parameters: number;
  family: string;
  context: number;
  weightBytes: number;
  /** Weights, caches and activations of an answer of 1,024 tokens. */
  answerBytes: number;
  /** What this device gives; undefined where it does not say. */
  allowedBytes: number | undefined;
}

/** How the next token is chosen; temperature 0 takes the likeliest one. */
export interface Sampling {
  temperature: number;
  /** 0 for all. */
  topK: number;
  topP: number;
  repetitionPenalty: number;
  seed: number;
}

export interface AskOptions {
  sampling?: Sampling | undefined;
  maxTokens?: number | undefined;
  /** Texts that end the answer. */
  stop?: string[] | undefined;
  /** Put up to so many records of the adapter's Datanet before the question; where the base reads them (EngineStatus). */
  retrieve?: number | undefined;
}

/** Where the time of a measured answer went. */
export interface KernelProfile extends Profile {
  tokens: number;
}

export interface LoadProgress {
  /** What is being loaded or computed, for people. */
  what: string;
  done: number;
  total: number | undefined;
  unit: 'bytes' | 'records' | 'steps' | 'tokens';
}

/** An adapter with what its answers are attributed to. */
export interface AdapterRef {
  /** Id on chain, decimal; "" where it is in no registry. */
  id: string;
  cid: string;
  datanet: { id: string; version: number; cid: string };
}

/** A PEFT folder in this machine's library: it answers, but no run.json says what it was trained on. */
export interface LibraryAdapterRef {
  library: string;
}

export interface Answer {
  promptTokens: number[];
  /** The end token included where the model ended by itself. */
  answerTokens: number[];
  text: string;
  /** The text of each answer token, in order, for selecting words; the end token's is "". */
  pieces: string[];
  seconds: number;
  stopped: boolean;
  /** How it was sampled; undefined for a greedy answer. */
  sampling?: Sampling | undefined;
  /** Which lane wrote it: the exact one, or ONNX Runtime, whose text the exact one has read again. */
  lane?: 'exact' | 'fast' | undefined;
  /** How many tokens the fast lane had right, where the exact lane had to write on. */
  corrected?: number | undefined;
  /** What a person should know about this answer, such as an adapter that names another base. */
  warning?: string | undefined;
  /** Records that stood before the question; undefined where none was asked for. */
  retrieval?: RetrievalLog | undefined;
}

export interface RecordInfluence {
  index: number;
  record: VersionRecord;
  influence: number;
  /** Standard deviation of that influence by chance. */
  noise: number;
  /** Index of the earlier record that this is a copy of; only that one was trained and scored. */
  copyOf?: number | undefined;
}

/** Influence on one part of an answer, of the records that were asked about. */
export interface PartInfluence {
  from: number;
  to: number;
  /** By record as asked; `noise` is its standard deviation by chance. */
  influence: number[];
  noise: number[];
}

/** A word sequence of an answer that stands verbatim in records: a quote, which says nothing about influence. */
export interface AnswerQuote {
  /** Characters of the answer's text. */
  begin: number;
  end: number;
  /** Where it stands; `count` says in how many records in all. */
  records: { record: number; text: number; from: number; copies: number }[];
  count: number;
  /** How much it says, in bits: sequences that stand in many records say little. */
  weight: number;
}

/** Influence by reversing the recorded run. */
export interface AuditResult {
  /** By record index. */
  influence: number[];
  loss: number;
  /** Spearman's rank correlation with the default method's scores. */
  agreement: number;
  seconds: number;
}

/** How a record stands in its Datanet, as evidence for people, never a verdict. */
export interface RecordStanding {
  index: number;
  record: VersionRecord;
  /** Sum of its influence on the texts it is judged by; positive = it helped. */
  influence: number;
  noise: number;
  /** Sums over the texts of what stands above chance, for and against, in standard deviations. */
  helped: number;
  hurt: number;
  /** Its influence on itself. */
  leverage: number;
  /** Its leverage is far above the others'. */
  outlier: boolean;
  copyOf?: number | undefined;
}

export interface Curation {
  records: RecordStanding[];
  /** Texts that judged; 0 where the records judged each other. */
  heldOut: number;
  seconds: number;
}

export interface Attribution {
  /** Mean loss of the selected tokens. */
  loss: number;
  /** All records, greatest influence first. */
  records: RecordInfluence[];
  seconds: number;
}

export type Pricing = ReceiptPrices;

export interface ReceiptResult {
  receipt: Receipt;
  hash: `0x${string}`;
  cid: string;
  /** Wei each record earns, by record index. */
  recordParts: string[];
}

/** One step of a check. Steps come in this order: receipt, base, adapter, datanet, ledger, answer, influence, trace, shares. */
export interface CheckStep {
  step: 'receipt' | 'base' | 'adapter' | 'datanet' | 'ledger' | 'answer' | 'influence' | 'trace' | 'shares';
  state: 'working' | 'equal' | 'different' | 'failed';
  /** For people. */
  label: string;
  /** Short hash or figure of what was compared. */
  detail: string;
  seconds?: number;
  /** Where the first difference is, and both values. */
  difference?: { where: string; claimed: string; computed: string };
  error?: WireError;
}

export interface TrainInput {
  /** The Datanet's name, for run.json. */
  name: string;
  records: DatanetRecord[];
  recipe: TrainRecipe;
  /** Share of the records, up to 0.5, that is not trained on; its loss is told after every round. The run is then one on the rest. */
  heldOut?: number | undefined;
  /** Keep on this machine what is needed to go on; `about` is the page's own note. A run that is kept goes on by itself. */
  keep?: { about: unknown } | undefined;
  /** Id of a kept run: goes on with its recipe and held-out share, whatever stands above. */
  resume?: string | undefined;
}

export interface LossPoint {
  step: number;
  /** Mean loss of the step's records, before its update. */
  loss: number;
  /** Mean loss of the records held out; after the last step of each round. */
  heldOut?: number;
}

export interface TrainStep extends LossPoint {
  /** Id of the run on this machine. */
  run: string;
  steps: number;
  /** Since the run was begun, pauses not counted. */
  tokens: number;
  seconds: number;
  /** Up to which step the run is kept; undefined before it first is. */
  keptStep: number | undefined;
  /** Whether it is kept beyond this tab; undefined before it is known. */
  lasting: boolean | undefined;
  /** In the first report of a run that goes on: its curve so far. */
  earlier?: LossPoint[];
}

/** A run that was begun and not published: enough to go on with it after any interruption. */
export interface KeptRun {
  id: string;
  about: unknown;
  base: { name: string; root: string };
  recipe: TrainRecipe;
  heldOut: number;
  step: number;
  steps: number;
  seconds: number;
  curve: LossPoint[];
  /** Milliseconds. */
  at: number;
  /** Under way, here or in another tab. */
  running: boolean;
  /** False where the browser keeps nothing: it is gone with this tab. */
  lasting: boolean;
}

/** Memory that a run takes at most, the base included. */
export interface TrainingPlan {
  /** The base alone, which is loaded already. */
  weightBytes: number;
  trainingBytes: number;
  /** While the gradients of the records are taken, after training. */
  ledgerBytes: number;
  /** Undefined where the device does not say. */
  allowedBytes: number | undefined;
  /** Parts in which each step is computed; undefined for the usual. */
  accumulate: number | undefined;
}

/** A trained adapter, kept in the worker until published or discarded. */
export interface Trained {
  /** Handle for `publishTrained`, `askTrained`. */
  trained: string;
  run: RunFile;
  /** Places of the records that were held out. */
  heldOut: number[];
  seconds: number;
  finalLoss: number;
  adapterBytes: number;
}

/** An answer as attribution reads it. */
export interface AnswerTokens {
  promptTokens: number[];
  answerTokens: number[];
}

export interface EngineApi {
  /** Opens the backend and the base; called once per deployment and again to change the backend or the base. */
  open(deployment: Deployment, deploymentUrl: string, preference: 'auto' | 'webgpu' | 'cpu', base: BaseChoice | undefined, onProgress: (p: LoadProgress) => void): Promise<Answered<EngineStatus>>;
  status(): Promise<Answered<EngineStatus>>;
  cancel(job: string): Promise<void>;

  /** Greedy unless `options` say otherwise. `onText` gets the text so far appended; `adapter` undefined asks the base alone. */
  ask(job: string, adapter: AdapterRef | LibraryAdapterRef | undefined, question: string, options: AskOptions, onText: (piece: string) => void, onProgress: (p: LoadProgress) => void): Promise<Answered<Answer>>;
  /**
   * Reads again what the fast lane wrote: resolves to the exact lane's own greedy answer, which begins with the same
   * tokens and differs from the first that it would have chosen otherwise (`corrected`).
   */
  confirm(job: string, adapter: AdapterRef | LibraryAdapterRef | undefined, question: string, written: number[], options: AskOptions, onProgress: (p: LoadProgress) => void): Promise<Answered<Answer>>;
  /**
   * Influence of every record on the answer, or on tokens [from, to) of it, from the adapter's published ledger. Fails with
   * `ledger/missing`, `ledger/damaged` or `ledger/other-root` where there is none to rely on; `build` then builds one here.
   */
  attribute(job: string, adapter: AdapterRef, answer: AnswerTokens, selection: { from: number; to: number } | undefined, onProgress: (p: LoadProgress) => void, build?: boolean): Promise<Answered<Attribution>>;
  /** Influence of some records on parts of an answer: a heat map over its words. */
  attributeParts(job: string, adapter: AdapterRef, answer: AnswerTokens, parts: { from: number; to: number }[], records: number[], onProgress: (p: LoadProgress) => void): Promise<Answered<PartInfluence[]>>;
  /** Word sequences of a text that stand verbatim in the adapter's records. */
  quotes(job: string, adapter: AdapterRef, text: string, onProgress: (p: LoadProgress) => void): Promise<Answered<AnswerQuote[]>>;
  /** Follows the adapter's training again and reverses it: exact influence, to first order. Takes about three times the training. */
  audit(job: string, adapter: AdapterRef, answer: AnswerTokens, selection: { from: number; to: number } | undefined, onProgress: (p: LoadProgress) => void): Promise<Answered<AuditResult>>;
  /** Which records help and which hurt, judged by `heldOut` or by each other. */
  curate(job: string, adapter: AdapterRef, heldOut: DatanetRecord[], onProgress: (p: LoadProgress) => void, build?: boolean): Promise<Answered<Curation>>;
  /** For each record the first one that it is a copy of; itself where it is none. */
  copies(records: DatanetRecord[]): Promise<Answered<number[]>>;
  /** Builds the receipt of an answer (whole answer), adds it to the local store and publishes it where the deployment allows. */
  makeReceipt(job: string, adapter: AdapterRef, question: string, answer: Answer, pricing: Pricing, onProgress: (p: LoadProgress) => void): Promise<Answered<ReceiptResult>>;
  /** Recomputes a receipt given by CID or as JSON text; reports each step as it goes; resolves to whether all were equal. */
  check(job: string, receipt: { cid: string } | { json: string }, onStep: (step: CheckStep) => void, onProgress: (p: LoadProgress) => void): Promise<Answered<{ equal: boolean; hash: string; receipt: Receipt }>>;

  /** Computes again what a claim commits to, and says whether it is right or what to do about it. */
  inspectClaim(job: string, claim: ClaimQuery, onProgress: (p: LoadProgress) => void): Promise<Answered<ClaimFinding>>;
  /** The same of an answer of which its claimant has shown what it is computed from, and a hash of what was made of it. */
  inspectFiled(job: string, answer: FiledQuery, onProgress: (p: LoadProgress) => void): Promise<Answered<FiledFinding>>;
  /** What answers demands for places of a claim that is right: computed again. Fails with `dispute/not-shown` where it is not right. */
  replyToDemands(job: string, claim: ClaimQuery, places: TracePlace[], onProgress: (p: LoadProgress) => void): Promise<Answered<DemandReplies>>;
  /** What refutes assertions about leaves of a claim that is right, each in turn. Fails with `dispute/not-shown` where it is not right. */
  refuteAssertions(job: string, claim: ClaimQuery, said: SaidLeaves[], onProgress: (p: LoadProgress) => void): Promise<Answered<Refutation[]>>;
  /** The file of a batch's answers as it is shown on chain. Fails with `dispute/not-shown` where the tokens of one cannot be had. */
  fileOfAnswers(job: string, answers: AnswerToFile[]): Promise<Answered<Uint8Array>>;

  /** What the owner of an adapter can vouch for: its run made again here, with the roots of its units, which are posted with the statement. Fails with `run/other-outcome` where it gives another adapter. */
  makeRunStatement(job: string, run: RegisteredRun, onProgress: (p: LoadProgress) => void): Promise<Answered<RunStatementMade>>;
  /** Makes a run again, compares it with what was vouched for, and says what to do about it. */
  checkRun(job: string, run: RegisteredRun, vouched: VouchedRun, shown: ShownOfRun, onProgress: (p: LoadProgress) => void): Promise<Answered<RunFinding>>;
  /** What answers demands for places of a run that is right. Fails with `run/not-shown` where it is another than is made here. */
  replyToRun(job: string, run: RegisteredRun, vouched: VouchedRun, places: RunPlace[], onProgress: (p: LoadProgress) => void): Promise<Answered<RunReplies>>;

  /** What a run will take, before anything is allocated; fails with what is too much. */
  planTraining(input: TrainInput): Promise<Answered<TrainingPlan>>;
  /** `cancel` pauses: what was learned is kept where `keep` says so. */
  train(job: string, input: TrainInput, onStep: (step: TrainStep) => void, onProgress: (p: LoadProgress) => void): Promise<Answered<Trained>>;
  /** Keeps a run under way after its present step, for a page that may be closed. */
  keepTraining(job: string): Promise<void>;
  keptRuns(): Promise<Answered<KeptRun[]>>;
  dropKeptRun(id: string): Promise<Answered<void>>;
  /** Answers from the base and from a trained adapter, for before/after. */
  askTrained(job: string, trained: string, question: string): Promise<Answered<{ before: string; after: string }>>;
  /** Puts the PEFT folder (with run.json) into IPFS; the chain registration is the page's. */
  publishTrained(trained: string): Promise<Answered<{ cid: string; run: RunFile }>>;
  discardTrained(trained: string): Promise<void>;

  /** Token counts for validating records against the model's context. */
  countTokens(texts: string[]): Promise<Answered<number[]>>;

  /** Models and adapters kept on this machine, and what may be stored. */
  libraryList(): Promise<Answered<{ items: LibraryItem[]; storage: LibraryStorage }>>;
  /** Downloads into the library; an interrupted download of the same source goes on where it stopped. */
  addToLibrary(job: string, source: ModelSource, onProgress: (p: LoadProgress) => void): Promise<Answered<LibraryItem>>;
  removeFromLibrary(id: string): Promise<Answered<void>>;
  planBase(choice: BaseChoice): Promise<Answered<BasePlan>>;

  /** Decoded tokens a second after a question, of the base alone; for choosing a lane. */
  measure(job: string, question: string): Promise<Answered<number>>;
  /** Answers a short question and says where the time went. */
  profile(job: string, adapter: AdapterRef | undefined, question: string): Promise<Answered<KernelProfile>>;

  /** Content store: JSON files by CID. Reading is bounded and verified by hash. */
  readJson(cid: string): Promise<Answered<unknown>>;
  writeJson(value: unknown): Promise<Answered<string>>;
}
