import { type ModelFolder, memoryFolder } from '../protocol/model-folder.ts';
import type { ContentStore } from '../storage/content-store.ts';
import { cidFolder } from '../storage/models/cid-folder.ts';
import type { DatanetVersionFile } from '../protocol/record.ts';
import { parseVersionFile } from '../protocol/version-file.ts';
import { OpenLedgerError } from '../errors.ts';
import type { CheckSource } from './check.ts';
import { ADAPTER_FILES, ATTRIBUTION_FILES, BASE_FILES, type BaseIdentity, Engine, type Files, type LoadedAdapter, type OpenOptions } from './engine.ts';
import type { Backend } from '../kernels/backend.ts';
import type { FormatChoice } from '../model/weights/plan-weights.ts';
import type { CurvatureLedger } from './curvature/curvature-ledger.ts';

export interface CatalogProgress {
  (what: string, done: number, total: number | undefined, unit: 'bytes' | 'records'): void;
}

interface Options {
  signal?: AbortSignal | undefined;
  onProgress?: CatalogProgress | undefined;
}

/** Largest file taken from IPFS: hostile folders may be of any size. */
const MAX_BYTES = 512 * 2 ** 20;
const SMALL_BASE_BYTES = 64 * 2 ** 20;
const MAX_ADAPTERS = 4;
const MAX_LEDGERS = 2;

/**
 * Bases, adapters, Datanet versions and ledgers by CID, loaded once and kept while there is room. All content is
 * verified by hash in the store; what is computed from it (roots, ledgers) is computed here.
 */
export class Catalog {
  readonly backend: Backend;
  readonly store: ContentStore;
  private readonly engines = new Map<string, Engine>();
  private readonly adapters = new Map<string, { engine: Engine; adapter: LoadedAdapter }>();
  private readonly versions = new Map<string, DatanetVersionFile>();
  private readonly ledgers = new Map<string, { engine: Engine; ledger: CurvatureLedger; built: boolean }>();

  constructor(backend: Backend, store: ContentStore) {
    this.backend = backend;
    this.store = store;
  }

  /** `format`: as a receipt or run names a rounding; absent for weights as stored. */
  async engine(identity: BaseIdentity, options: Options & { format?: string | undefined } = {}): Promise<Engine> {
    const key = engineKey(identity.cid, options.format);
    const known = this.engines.get(key);
    if (known) return known;
    const folder = await this.baseFolder(identity, options);
    const engine = await Engine.open(this.backend, identity, folder, { signal: options.signal, format: formatNamed(options.format), onProgress: (done, total) => options.onProgress?.(`Base model ${identity.name}`, done, total, 'bytes') });
    this.engines.set(key, engine);
    return engine;
  }

  hasEngine(cid: string, format: string | undefined): boolean {
    return this.engines.has(engineKey(cid, format));
  }

  /** A base from a folder of this machine, kept under its CID as one that was fetched. */
  async openBase(folder: ModelFolder, identity: BaseIdentity, options: Options & Pick<OpenOptions, 'format' | 'fileRoot'> = {}): Promise<Engine> {
    const { onProgress, ...rest } = options;
    const engine = await Engine.open(this.backend, identity, folder, { ...rest, onProgress: (done, total) => onProgress?.(identity.name, done, total, 'bytes') });
    this.engines.set(engineKey(identity.cid, engine.format), engine);
    return engine;
  }

  async adapter(engine: Engine, cid: string, options: Options = {}): Promise<LoadedAdapter> {
    const known = this.adapters.get(cid);
    if (known && known.engine === engine) return touch(this.adapters, cid).adapter;
    const adapter = engine.loadAdapter(await this.files(cid, ADAPTER_FILES, 'Adapter', options));
    this.adapters.set(cid, { engine, adapter });
    evict(this.adapters, MAX_ADAPTERS, (entry) => entry.engine.unloadAdapter(entry.adapter));
    return adapter;
  }

  async version(cid: string, options: Options = {}): Promise<DatanetVersionFile> {
    const known = this.versions.get(cid);
    if (known) return known;
    const bytes = await this.store.readFile(cid, undefined, {
      maxBytes: MAX_BYTES, ...(options.signal ? { signal: options.signal } : {}),
      onProgress: (done, total) => options.onProgress?.('Datanet records', done, total, 'bytes'),
    });
    const version = parseVersionFile(parseJson(bytes, 'The Datanet version'));
    this.versions.set(cid, version);
    return version;
  }

  /**
   * An adapter's ledger: the published one, which has the root that its run names, or with `build` one built here from
   * the records, which needs no trust (the caller compares roots). Throws `ledger/missing` where none is published,
   * `ledger/damaged`, `ledger/other-root`, and what building throws.
   */
  async ledger(engine: Engine, adapter: LoadedAdapter, adapterCid: string, version: DatanetVersionFile, versionCid: string, options: Options & { build?: boolean } = {}): Promise<CurvatureLedger> {
    const key = `${adapterCid} ${versionCid}`;
    const known = this.ledgers.get(key);
    if (known && (known.built || !options.build)) return touch(this.ledgers, key).ledger;
    const [checkpoints, ledgerFile] = ATTRIBUTION_FILES;
    const files = await this.files(adapterCid, options.build ? [checkpoints] : ATTRIBUTION_FILES, 'Ledger of the adapter', options);
    await engine.loadCheckpoints(adapter, files[checkpoints]);
    const ledger = options.build
      ? await engine.buildLedger(adapter, version.records, { signal: options.signal, onProgress: (done, total) => options.onProgress?.('Gradients of the records', done, total, 'records') })
      : await published(engine, adapter, files[ledgerFile]);
    if (known) known.engine.freeLedger(known.ledger);
    this.ledgers.delete(key);
    this.ledgers.set(key, { engine, ledger, built: options.build === true });
    evict(this.ledgers, MAX_LEDGERS, (entry) => entry.engine.freeLedger(entry.ledger));
    return ledger;
  }

  /** For checkReceipt. `names` gives known bases a name. */
  checkSource(base: BaseIdentity, versionCid: string, options: Options = {}): CheckSource {
    const orMissing = async <T>(what: string, cid: string, work: Promise<T>): Promise<T> => {
      try {
        return await work;
      } catch (error) {
        if (error instanceof OpenLedgerError && error.code.startsWith('storage/')) throw missing(what, cid, error);
        throw error;
      }
    };
    return {
      engine: (cid, format) => orMissing('base model', cid, this.engine(cid === base.cid ? base : { name: 'base of the receipt', cid }, { ...options, format })),
      adapter: (engine, cid) => orMissing('adapter', cid, this.adapter(engine, cid, options)),
      version: (cid) => orMissing('Datanet version', cid, this.version(cid, options)),
      ledger: (engine, adapter, adapterCid, version) => this.ledger(engine, adapter, adapterCid, version, versionCid, { ...options, build: true }),
    };
  }

  close(): void {
    for (const { engine, ledger } of this.ledgers.values()) engine.freeLedger(ledger);
    for (const { engine, adapter } of this.adapters.values()) engine.unloadAdapter(adapter);
    for (const engine of this.engines.values()) engine.close();
    this.ledgers.clear();
    this.adapters.clear();
    this.engines.clear();
  }

  /** Small bases are fetched whole, in few requests; greater ones are read in parts as the weights are loaded. */
  private async baseFolder(identity: BaseIdentity, options: Options): Promise<ModelFolder> {
    const entries = await this.store.readDirectory(identity.cid, undefined, { signal: options.signal });
    const size = [...entries.values()].reduce((sum, entry) => sum + (entry.size ?? 0), 0);
    if (size > SMALL_BASE_BYTES || !entries.has('model.safetensors')) return cidFolder(this.store, identity.cid);
    return memoryFolder(identity.name, await this.files(identity.cid, BASE_FILES, `Base model ${identity.name}`, options));
  }

  private async files(cid: string, names: readonly string[], what: string, options: Options): Promise<Files> {
    const read = { maxBytes: MAX_BYTES, ...(options.signal ? { signal: options.signal } : {}) };
    const entries = await this.store.readDirectory(cid, undefined, read);
    const files: Files = {};
    // Sizes stand in the folder unverified: good enough for a progress bar, not for anything else.
    const total = names.reduce((sum, name) => sum + (entries.get(name)?.size ?? 0), 0);
    let before = 0;
    for (const name of names) {
      const entry = entries.get(name);
      if (!entry) continue;
      files[name] = await this.store.readFile(entry.cid, undefined, { ...read, onProgress: (done) => options.onProgress?.(what, before + done, total, 'bytes') });
      before += files[name].length;
    }
    return files;
  }
}

async function published(engine: Engine, adapter: LoadedAdapter, bytes: Uint8Array | undefined): Promise<CurvatureLedger> {
  if (bytes) return engine.loadLedger(adapter, bytes);
  throw new OpenLedgerError({
    code: 'ledger/missing',
    what: 'Nobody published the ledger of this adapter.',
    why: 'Its folder has no ledger.safetensors, which says how each record pulled on the adapter.',
    next: 'Build it here from the records: it takes about as long as training did.',
  });
}

export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OpenLedgerError({ code: 'content/not-json', what: `${what} is not what it should be.`, why: 'Its content is not JSON.', next: 'Ask whoever published it.', cause });
  }
}

const engineKey = (cid: string, format: string | undefined) => `${cid} ${format ?? ''}`;

/** A format as receipts and runs name it. Throws `engine/unknown-format`. */
export function formatNamed(format: string | undefined): FormatChoice {
  if (format === undefined) return 'auto';
  if (format === 'f16' || format === 'bf16' || format === 'q8' || format === 'q4') return format;
  throw new OpenLedgerError({ code: 'engine/unknown-format', what: 'This base model was rounded in a way that this version does not know.', why: `It names the format “${format}”.`, next: 'Use a newer version of this software.' });
}

/** Moves an entry to the end: least recently used comes first. */
function touch<T>(map: Map<string, T>, key: string): T {
  const value = map.get(key)!;
  map.delete(key);
  map.set(key, value);
  return value;
}

function evict<T>(map: Map<string, T>, limit: number, free: (value: T) => void): void {
  while (map.size > limit) {
    const [key, value] = map.entries().next().value!;
    map.delete(key);
    free(value);
  }
}

/** Names a receipt whose parts cannot be had. */
function missing(what: string, cid: string, cause: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'check/missing-part',
    what: `The ${what} that this receipt names cannot be fetched.`,
    why: `No gateway gave ${cid}: ${cause instanceof Error ? cause.message : String(cause)}`,
    next: 'Try again later or add a gateway that has it. Without it the receipt cannot be checked.',
    cause,
  });
}
