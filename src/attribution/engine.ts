import { ARITHMETIC } from '../arithmetic/rf32.ts';
import { OpenLedgerError } from '../errors.ts';
import type { Backend } from '../kernels/backend.ts';
import { generate } from '../model/generate.ts';
import { type Lora, downloadLora, freeLora, loraConfigJson, parseLoraConfig, uploadLora } from '../model/lora.ts';
import { type Model, freeModel, parameterCount, uploadModel } from '../model/model.ts';
import { parseConfig } from '../model/config.ts';
import { recordSequences } from '../model/record-sequences.ts';
import { type Tensors, parseSafetensors, writeSafetensors } from '../model/safetensors.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { type TrainOptions, train } from '../model/train.ts';
import type { TrainRecipe } from '../model/recipe.ts';
import type { Hex } from '../protocol/bytes.ts';
import { type DatanetRecord, normaliseRecord, recordsRoot } from '../protocol/record.ts';
import { type RunFile, parseRunFile } from '../protocol/run.ts';
import { type NamedRows, tensorsRoot } from '../protocol/tensors.ts';
import { type Influence, METHOD, influence } from './datainf.ts';
import { type Ledger, type Progress, buildLedger, freeLedger } from './ledger.ts';

/** A folder's files by name. */
export type Files = Record<string, Uint8Array>;
export const BASE_FILES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'] as const;
export const ADAPTER_FILES = ['adapter_config.json', 'adapter_model.safetensors', 'run.json'] as const;

export interface BaseIdentity {
  name: string;
  cid: string;
}

export interface LoadedAdapter {
  lora: Lora;
  root: Hex;
  run: RunFile;
}

export interface LedgerRoots {
  gradientsRoot: Hex;
  gramRoot: Hex;
}

function json(files: Files, name: string): unknown {
  const bytes = files[name];
  if (!bytes) {
    throw new OpenLedgerError({ code: 'engine/missing-file', what: `The folder has no ${name}.`, next: 'Publish or fetch the whole folder again.' });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OpenLedgerError({ code: 'engine/damaged-file', what: `${name} is damaged.`, why: 'It is not JSON.', next: 'Fetch it again.', cause });
  }
}

function weightsFile(files: Files, name: string): Tensors {
  const bytes = files[name];
  if (!bytes) throw new OpenLedgerError({ code: 'engine/missing-file', what: `The folder has no ${name}.`, next: 'Publish or fetch the whole folder again.' });
  return parseSafetensors(bytes);
}

/** Rows of tensors in the order of their names. */
function rowsOf(tensors: Tensors): NamedRows[] {
  return [...tensors.keys()].sort().map((name) => {
    const { shape, values } = tensors.get(name)!;
    const columns = shape.length ? shape[shape.length - 1]! : 1;
    return { name, rows: columns ? values.length / columns : 0, columns, values };
  });
}

/** A base model ready to answer, train, attribute. Runs in a worker, a page or Node alike. */
export class Engine {
  readonly backend: Backend;
  readonly identity: BaseIdentity;
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  /** Merkle root over the rows of every weight. */
  readonly root: Hex;
  readonly parameters: number;

  private constructor(backend: Backend, identity: BaseIdentity, model: Model, tokenizer: Tokenizer, root: Hex) {
    this.backend = backend;
    this.identity = identity;
    this.model = model;
    this.tokenizer = tokenizer;
    this.root = root;
    this.parameters = parameterCount(model);
  }

  /** Throws what parsing and uploading throw: `model/…`, `safetensors/…`, `tokenizer/…`, `engine/…`. */
  static open(backend: Backend, identity: BaseIdentity, files: Files): Engine {
    const config = parseConfig(json(files, 'config.json'));
    const tokenizer = Tokenizer.fromJson(json(files, 'tokenizer.json'), json(files, 'tokenizer_config.json'));
    if (tokenizer.vocabSize > config.vocab) {
      throw new OpenLedgerError({
        code: 'engine/tokenizer-too-large',
        what: 'The tokenizer does not belong to this model.',
        why: `It has ${tokenizer.vocabSize} tokens, the model ${config.vocab}.`,
        next: 'Fetch the model again, or choose another.',
      });
    }
    const tensors = weightsFile(files, 'model.safetensors');
    return new Engine(backend, identity, uploadModel(backend, config, tensors), tokenizer, tensorsRoot(rowsOf(tensors)));
  }

  close(): void {
    freeModel(this.model);
  }

  /** Throws `adapter/…`, `run/invalid`, and `adapter/other-base` where the run names another base. */
  loadAdapter(files: Files): LoadedAdapter {
    const run = parseRunFile(json(files, 'run.json'));
    if (run.base.root !== this.root) {
      throw new OpenLedgerError({
        code: 'adapter/other-base',
        what: 'This adapter was made for another base model.',
        why: `It needs the base ${run.base.name} with root ${run.base.root.slice(0, 12)}…; loaded is ${this.root.slice(0, 12)}….`,
        next: 'Load that base, or choose another adapter.',
      });
    }
    const tensors = weightsFile(files, 'adapter_model.safetensors');
    const lora = uploadLora(this.backend, this.model.config, parseLoraConfig(json(files, 'adapter_config.json')), tensors);
    return { lora, root: tensorsRoot(rowsOf(tensors)), run };
  }

  unloadAdapter(adapter: LoadedAdapter): void {
    freeLora(this.backend, adapter.lora);
  }

  /** What training and attribution read of each record. */
  sequences(records: readonly DatanetRecord[]) {
    return records.map((record) => recordSequences(this.tokenizer, record, this.model.config.context));
  }

  /** Prompt tokens of a question. Throws `model/empty-prompt` for white space. */
  prompt(question: string): number[] {
    const text = question.normalize('NFC').replace(/\s+/gu, ' ').trim();
    if (!text) throw new OpenLedgerError({ code: 'model/empty-prompt', what: 'There is nothing to answer.', next: 'Type a question.' });
    return this.tokenizer.encodeQuestion(text);
  }

  /** Greedy answer; see generate. */
  generate(adapter: LoadedAdapter | undefined, prompt: readonly number[], options: { maxTokens?: number; signal?: AbortSignal | undefined; onToken?: (id: number) => void } = {}): Promise<number[]> {
    return generate(this.model, adapter?.lora, prompt, { maxTokens: options.maxTokens ?? 96, stop: [this.tokenizer.special.eos], signal: options.signal, onToken: options.onToken });
  }

  buildLedger(adapter: LoadedAdapter, records: readonly DatanetRecord[], options: { signal?: AbortSignal | undefined; onProgress?: Progress | undefined } = {}): Promise<Ledger> {
    return buildLedger(this.model, adapter.lora, this.sequences(records), options);
  }

  freeLedger(ledger: Ledger): void {
    freeLedger(this.model, ledger);
  }

  async ledgerRoots(ledger: Ledger): Promise<LedgerRoots> {
    const read = async (pick: 'gradients' | 'gram') => {
      const rows: NamedRows[] = [];
      for (const tensor of ledger.tensors) {
        const columns = pick === 'gram' ? ledger.records : tensor.values;
        rows.push({ name: tensor.name, rows: ledger.records, columns, values: (await this.backend.read(tensor[pick])) as Float32Array });
      }
      return tensorsRoot(rows);
    };
    return { gradientsRoot: await read('gradients'), gramRoot: await read('gram') };
  }

  /** Influence of every record on answer tokens [from, to), all by default. */
  influence(adapter: LoadedAdapter, ledger: Ledger, prompt: readonly number[], answer: readonly number[], selection?: { from: number; to: number }): Promise<Influence> {
    return influence(this.model, adapter.lora, ledger, { ids: [...prompt, ...answer], start: prompt.length }, selection);
  }

  /**
   * Trains an adapter and builds its ledger. Returns the PEFT folder with run.json: the same base, records and
   * recipe give the same bytes on every backend.
   */
  async train(
    datanet: string,
    given: readonly DatanetRecord[],
    recipe: TrainRecipe,
    options: TrainOptions & { onLedger?: Progress | undefined } = {},
  ): Promise<{ files: Files; run: RunFile; adapter: LoadedAdapter; ledger: Ledger }> {
    const records = given.map(normaliseRecord);
    if (!records.length) throw new OpenLedgerError({ code: 'train/no-records', what: 'There is nothing to learn from.', why: 'This Datanet version has no records.', next: 'Choose a version with records.' });
    const made = await train(this.model, this.sequences(records), recipe, options);
    const tensors = await downloadLora(this.backend, made);
    freeLora(this.backend, made);
    // From here on the factors are constants: what is published is what is attributed.
    const lora = uploadLora(this.backend, this.model.config, recipe, tensors);
    const root = tensorsRoot(rowsOf(tensors));
    const adapter: LoadedAdapter = { lora, root, run: undefined as unknown as RunFile };
    const ledger = await this.buildLedger(adapter, records, { signal: options.signal, onProgress: options.onLedger });
    const run: RunFile = {
      openledger: 'run/1', arithmetic: ARITHMETIC, method: METHOD,
      base: { name: this.identity.name, cid: this.identity.cid, root: this.root },
      datanet: { name: datanet, recordsRoot: recordsRoot(records), records: records.length },
      recipe: {
        rank: recipe.rank, alpha: recipe.alpha, rslora: recipe.rslora, targets: recipe.targets,
        seed: recipe.seed, epochs: recipe.epochs, batch: recipe.batch, rate: String(recipe.rate),
      },
      adapter: { root },
      ledger: await this.ledgerRoots(ledger),
    };
    adapter.run = run;
    const text = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
    const files: Files = {
      'adapter_config.json': text(loraConfigJson(recipe, this.identity.name)),
      'adapter_model.safetensors': writeSafetensors(tensors, 'F32', { format: 'pt' }),
      'run.json': text(run),
    };
    return { files, run, adapter, ledger };
  }
}
