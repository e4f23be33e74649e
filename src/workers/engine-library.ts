import { OpenLedgerError } from '../errors.ts';
import { parseConfig } from '../model/config.ts';
import { openWeights } from '../model/weights/open-weights.ts';
import { planGeneration } from '../model/memory-plan.ts';
import { type FormatChoice, memoryAllowed, planWeights } from '../model/weights/plan-weights.ts';
import type { Backend } from '../kernels/backend.ts';
import { type ModelFolder, readJsonFile, readSmallFile } from '../protocol/model-folder.ts';
import { ContentStore } from '../storage/content-store.ts';
import { folderCid } from '../storage/folder-cid.ts';
import { filesFolder } from '../storage/models/browser-folder.ts';
import { RecentBlocks, cidFolder } from '../storage/models/cid-folder.ts';
import { openHttpFolder } from '../storage/models/http-folder.ts';
import { type LibraryEntry, ModelLibrary } from '../storage/models/library.ts';
import { openOpfs } from '../storage/models/opfs.ts';
import { storageState } from '../storage/models/storage-state.ts';
import type { Files } from '../attribution/engine.ts';
import type { BasePlan, LibraryItem, LibraryStorage, LoadProgress, ModelSource } from './engine.api.ts';

/** Bytes read at once when a folder is hashed. */
const PIECE = 4 * 2 ** 20;
const ADAPTER_BYTES = 512 * 2 ** 20;

/** Question and answer of which the memory is told. */
const ANSWER_TOKENS = 1024;

type Report = (progress: LoadProgress) => void;

/** The library of this machine as the worker's calls need it. Loaded when first asked for. */
export class EngineLibrary {
  readonly #library: ModelLibrary;
  readonly #gateways: readonly string[];

  private constructor(library: ModelLibrary, gateways: readonly string[]) {
    this.#library = library;
    this.#gateways = gateways;
  }

  /** Throws `storage/no-private-files` where the browser keeps no files. */
  static async open(gateways: readonly string[], library?: ModelLibrary): Promise<EngineLibrary> {
    return new EngineLibrary(library ?? new ModelLibrary(await openOpfs('models')), gateways);
  }

  async list(): Promise<LibraryItem[]> {
    return (await this.#library.list()).map(describe);
  }

  async storage(): Promise<LibraryStorage> {
    return (await storageState()) ?? { usage: 0, quota: 0, persisted: false };
  }

  /** Downloads, then notes the folder's CID, by which receipts and runs name it. */
  async add(source: ModelSource, signal: AbortSignal, onProgress: Report): Promise<LibraryItem> {
    const folder = await this.#folderOf(source, signal);
    const entry = await this.#library.download(folder, {
      signal, onProgress: (done, total, file) => onProgress({ what: file, done, total, unit: 'bytes' }),
    });
    const cid = await this.#cid(entry, signal, onProgress);
    return describe({ ...entry, facts: { ...entry.facts, cid } });
  }

  remove(id: string): Promise<void> {
    return this.#library.remove(id);
  }

  /** A base to be opened: its folder, how it is named, and its root where an earlier load computed it. */
  async base(id: string, signal: AbortSignal | undefined, onProgress: Report) {
    const entry = await this.#entry(id);
    return {
      folder: await this.#library.open(id),
      identity: { name: nameOf(entry), cid: await this.#cid(entry, signal, onProgress) },
      fileRoot: entry.facts.fileRoot,
    };
  }

  async noteRoot(id: string, fileRoot: `0x${string}`): Promise<void> {
    await this.#library.note(id, { fileRoot });
  }

  /** An adapter's files, whole. */
  async adapter(id: string, signal: AbortSignal): Promise<Files> {
    const folder = await this.#library.open(id);
    const files: Files = {};
    for (const { name } of await folder.list(signal)) {
      if (name === 'adapter_config.json' || name === 'adapter_model.safetensors' || name === 'run.json') files[name] = await readSmallFile(folder, name, signal, ADAPTER_BYTES);
    }
    return files;
  }

  /** What a base would need, read from its headers alone. */
  async plan(id: string, format: FormatChoice, backend: Backend): Promise<BasePlan> {
    const folder = await this.#library.open(id);
    const config = parseConfig(await readJsonFile(folder, 'config.json'));
    const plan = planWeights(config, await openWeights(folder), format);
    const allowed = memoryAllowed(backend);
    // An answer's own memory hardly depends on how weights are held; theirs is counted exactly.
    const answer = await planGeneration(config, format === 'auto' ? plan.weights[0]!.format : format, Math.min(ANSWER_TOKENS, config.context));
    return {
      parameters: plan.parameters, family: config.family, context: config.context, weightBytes: plan.weightBytes,
      answerBytes: plan.weightBytes + plan.tableBytes + answer.activations,
      allowedBytes: Number.isFinite(allowed) ? allowed : undefined,
    };
  }

  async #entry(id: string): Promise<LibraryEntry> {
    const entry = (await this.#library.list()).find((one) => one.id === id);
    if (entry?.complete) return entry;
    throw new OpenLedgerError({
      code: 'storage/no-such-model', what: 'This model is not on this machine.', why: entry ? 'Its download was interrupted.' : undefined,
      next: entry ? 'Go on with its download on the page Models.' : 'Fetch it on the page Models, or choose another.',
    });
  }

  async #cid(entry: LibraryEntry, signal: AbortSignal | undefined, onProgress: Report): Promise<string> {
    if (entry.facts.cid) return entry.facts.cid;
    const cid = await cidOfFolder(await this.#library.open(entry.id), entry.bytes, signal, onProgress);
    await this.#library.note(entry.id, { cid });
    return cid;
  }

  async #folderOf(source: ModelSource, signal: AbortSignal): Promise<ModelFolder> {
    if (source.kind === 'url') return openHttpFolder(source.url, {}, signal);
    if (source.kind === 'files') return filesFolder(source.name, source.files);
    // The library keeps the files: blocks are held only while they are copied.
    return cidFolder(new ContentStore({ gateways: this.#gateways, cache: new RecentBlocks() }), source.cid);
  }
}

/** A folder's CID, its files read in pieces. `total`: bytes, for the progress. */
export async function cidOfFolder(folder: ModelFolder, total: number, signal: AbortSignal | undefined, onProgress: Report): Promise<string> {
  const names = (await folder.list(signal)).map(({ name }) => name);
  let done = 0;
  const files = names.map((name) => ({
    name,
    async *chunks() {
      const source = await folder.open(name, signal);
      for (let at = 0; at < source.size; at += PIECE) yield source.read(at, Math.min(source.size, at + PIECE), signal);
    },
  }));
  return folderCid(files, { signal, onBytes: (bytes) => onProgress({ what: 'Fingerprint of the model', done: (done += bytes), total, unit: 'bytes' }) });
}

/** The last two parts of an address, without what names a revision; a CID or a folder's name as it is. */
function nameOf({ source }: LibraryEntry): string {
  const parts = source.split('/').filter(Boolean);
  const end = parts.findIndex((part, i) => i >= 2 && (part === 'tree' || part === 'resolve'));
  return parts.slice(0, end < 0 ? undefined : end).slice(-2).join('/');
}

/** Where an entry was fetched from, as it can be asked for again. Folders of a disk cannot. */
function sourceOf({ source, version }: LibraryEntry): ModelSource | undefined {
  if (version !== undefined && /^(b[a-z2-7]{20,}|Qm\w{44})$/.test(version)) return { kind: 'cid', cid: version };
  if (!source.includes('/')) return undefined;
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?\//.test(source);
  return { kind: 'url', url: `${local ? 'http' : 'https'}://${source}` };
}

function describe(entry: LibraryEntry): LibraryItem {
  const { id, kind, source, bytes, held, complete, added, facts } = entry;
  return { id, kind, name: nameOf(entry), source, bytes, held, complete, added, cid: facts.cid, resume: complete ? undefined : sourceOf(entry) };
}
