import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import { type ModelFolder, noSuchFile } from '../../protocol/model-folder.ts';
import { sha256 } from '../cid.ts';
import { isSafeName } from '../names.ts';
import { downloadFile } from './download-file.ts';
import { DOWNLOAD_RECORD, MODEL_RECORD, type ModelFacts, type ModelRecord, readRecord, writeRecord } from './library-records.ts';
import { type ModelKind, neededFiles } from './model-files.ts';
import { type StorageLimits, requireSpace } from './storage-state.ts';
import { type StoredDirectory, inUse } from './stored-directory.ts';

/** A model or adapter in the library. */
export interface LibraryEntry {
  id: string;
  kind: ModelKind;
  /** What it was fetched from: an address, a CID, the name of a folder. */
  source: string;
  version: string | undefined;
  /** Of all its files; `held` of them are here. */
  bytes: number;
  held: number;
  complete: boolean;
  /** Milliseconds since 1970. */
  added: number;
  facts: ModelFacts;
}

export interface DownloadOptions {
  signal?: AbortSignal | undefined;
  /** Bytes of the whole model, those that were here before included. */
  onProgress?: ((done: number, total: number, file: string) => void) | undefined;
}

/** Runs work while no other tab or worker does anything under the same name; undefined without running where one does. */
export type Exclusively = <T>(name: string, work: () => Promise<T>) => Promise<T | undefined>;

/** Models and adapters kept on this machine. */
export class ModelLibrary {
  readonly #root: StoredDirectory;
  readonly #limits: StorageLimits | undefined;
  readonly #exclusively: Exclusively;

  /** `limits`: the browser's StorageManager, where there is one. */
  constructor(root: StoredDirectory, limits: StorageLimits | undefined = globalThis.navigator?.storage, exclusively: Exclusively = webLock) {
    this.#root = root;
    this.#limits = limits;
    this.#exclusively = exclusively;
  }

  /** Everything that is here, interrupted downloads included; what was added last comes first. */
  async list(): Promise<LibraryEntry[]> {
    const entries: LibraryEntry[] = [];
    for (const id of await this.#root.folders()) {
      const directory = await this.#root.folder(id);
      const complete = await readRecord(directory, MODEL_RECORD);
      const record = complete ?? (await readRecord(directory, DOWNLOAD_RECORD));
      entries.push(record ? await describe(id, directory, record, !!complete) : remains(id));
    }
    return entries.sort((a, b) => b.added - a.added);
  }

  /**
   * Brings a folder's files here. A download that was interrupted goes on where it stopped, as long as the folder is
   * still the same; a model that is here already is not fetched again. Throws `storage/quota` before anything is
   * fetched, `storage/disk-full`, `storage/hash-mismatch`, `storage/in-use`, what the folder throws, and `cancelled`.
   */
  async download(folder: ModelFolder, options: DownloadOptions = {}): Promise<LibraryEntry> {
    const id = await idOf(folder.label);
    return this.#alone(id, folder.label, () => this.#download(id, folder, options));
  }

  async #download(id: string, folder: ModelFolder, { signal, onProgress }: DownloadOptions): Promise<LibraryEntry> {
    const { kind, entries } = await neededFiles(folder, signal);
    const wrong = entries.find(({ name }) => !isSafeName(name) || name === DOWNLOAD_RECORD || name === MODEL_RECORD);
    if (wrong) throw noSuchFile(folder.label, JSON.stringify(wrong.name).slice(0, 80));
    const directory = await this.#root.folder(id);
    const complete = await readRecord(directory, MODEL_RECORD);
    const before = complete ?? (await readRecord(directory, DOWNLOAD_RECORD));
    const unchanged = before !== undefined && folder.version !== undefined && before.version === folder.version;
    const known = new Map(before?.files.map((file) => [file.name, file]));
    const plan = await Promise.all(entries.map(async (entry) => {
      const old = known.get(entry.name);
      // Without a version or a hash nothing says that what is here began as what comes now.
      const same = old !== undefined && old.size === entry.size && (unchanged || (entry.sha256 !== undefined && entry.sha256 === old.sha256));
      const stored = same ? ((await directory.source(entry.name))?.size ?? 0) : 0;
      const have = stored <= entry.size ? stored : 0;
      return { entry, have, checked: same && old.checked && have === entry.size ? old.sha256 : undefined };
    }));
    if (complete && known.size === entries.length && plan.every(({ checked }) => checked)) return describe(id, directory, complete, true);
    await requireSpace(plan.reduce((sum, { entry, have }) => sum + entry.size - have, 0), this.#limits);

    const sameContent = before !== undefined && plan.every(({ entry, checked }) => checked !== undefined || (entry.sha256 !== undefined && known.get(entry.name)?.sha256 === entry.sha256));
    const record: ModelRecord = {
      openledger: 'library/1', kind, source: folder.label, version: folder.version, added: Date.now(),
      files: plan.map(({ entry, checked }) => ({ ...entry, sha256: checked ?? entry.sha256, checked: checked !== undefined })),
      facts: sameContent ? before.facts : {},
    };
    await writeRecord(directory, DOWNLOAD_RECORD, record);
    await directory.remove(MODEL_RECORD);
    for (const name of known.keys()) if (!entries.some((entry) => entry.name === name)) await directory.remove(name);

    const total = entries.reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    for (const [i, { entry, have, checked }] of plan.entries()) {
      throwIfAborted(signal);
      const onBytes = (bytes: number) => onProgress?.((done += bytes), total, entry.name);
      if (checked) {
        onBytes(entry.size);
        continue;
      }
      const source = await folder.open(entry.name, signal);
      if (source.size !== entry.size) throw changed(folder.label, entry.name);
      const file = record.files[i]!;
      file.sha256 = await downloadFile(source, entry, directory, have, signal, onBytes);
      file.checked = true;
      await writeRecord(directory, DOWNLOAD_RECORD, record);
    }
    record.added = Date.now();
    await writeRecord(directory, MODEL_RECORD, record);
    await directory.remove(DOWNLOAD_RECORD);
    return describe(id, directory, record, true);
  }

  /** A complete model as a folder. Throws `storage/no-such-model`, and `storage/damaged-model` where a file is not as it was. */
  async open(id: string): Promise<ModelFolder> {
    const { directory, record } = await this.#complete(id);
    for (const { name, size } of record.files) {
      const stored = await directory.source(name);
      if (stored?.size !== size) {
        throw new OpenLedgerError({
          code: 'storage/damaged-model',
          what: `The copy of ${record.source} on this machine is damaged.`,
          why: stored ? `${name} has ${stored.size} bytes, not ${size}.` : `${name} is gone.`,
          next: 'Delete it and fetch it again.',
        });
      }
    }
    return {
      label: record.source,
      version: await versionOf(record),
      list: async () => record.files.map(({ name, size, sha256: hash }) => ({ name, size, sha256: hash })),
      open: async (name) => {
        const stored = record.files.some((file) => file.name === name) ? await directory.source(name) : undefined;
        if (!stored) throw noSuchFile(record.source, name);
        return stored;
      },
    };
  }

  /** Notes what was found out about a complete model. Throws `storage/no-such-model`. */
  async note(id: string, facts: ModelFacts): Promise<void> {
    await this.#alone(id, id, async () => {
      const { directory, record } = await this.#complete(id);
      await writeRecord(directory, MODEL_RECORD, { ...record, facts: { ...record.facts, ...facts } });
    });
  }

  /** Deletes a model, complete or not; nothing where there is none. */
  async remove(id: string): Promise<void> {
    if (!isSafeName(id)) return;
    await this.#alone(id, id, () => this.#root.remove(id));
  }

  async #complete(id: string): Promise<{ directory: StoredDirectory; record: ModelRecord }> {
    // Asking for a folder makes it; an id that is not here must leave no trace.
    const directory = (await this.#root.folders()).includes(id) ? await this.#root.folder(id) : undefined;
    const record = directory && (await readRecord(directory, MODEL_RECORD));
    if (record) return { directory: directory!, record };
    throw new OpenLedgerError({
      code: 'storage/no-such-model',
      what: directory ? 'This model has not arrived completely.' : 'This model is not on this machine.',
      next: directory ? 'Go on with its download.' : 'Fetch it, or choose another.',
    });
  }

  async #alone<T>(id: string, label: string, work: () => Promise<T>): Promise<T> {
    let done: { value: T } | undefined;
    await this.#exclusively(`openledger-model-${id}`, async () => (done = { value: await work() }));
    if (!done) throw inUse(label);
    return (done as { value: T }).value;
  }
}

async function describe(id: string, directory: StoredDirectory, record: ModelRecord, complete: boolean): Promise<LibraryEntry> {
  const bytes = record.files.reduce((sum, { size }) => sum + size, 0);
  let held = bytes;
  if (!complete) {
    held = 0;
    for (const { name, size } of record.files) held += Math.min(size, (await directory.source(name))?.size ?? 0);
  }
  return { id, kind: record.kind, source: record.source, version: record.version, bytes, held, complete, added: record.added, facts: record.facts };
}

/** A folder whose record a crash destroyed: there to be deleted, or to be fetched anew. */
function remains(id: string): LibraryEntry {
  return { id, kind: 'base', source: id, version: undefined, bytes: 0, held: 0, complete: false, added: 0, facts: {} };
}

/** A readable beginning and enough of a hash: the same source has the same place. */
async function idOf(label: string): Promise<string> {
  const slug = label.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(-48);
  return `${slug}-${await digest(label)}`;
}

/** Of the content: names, sizes, hashes. */
function versionOf(record: ModelRecord): Promise<string> {
  return digest(record.files.map(({ name, size, sha256: hash }) => `${name} ${size} ${hash}`).sort().join('\n'), 32);
}

async function digest(text: string, bytes = 6): Promise<string> {
  return [...(await sha256(new TextEncoder().encode(text))).subarray(0, bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function changed(label: string, name: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'source/changed', what: `${label} changed while it was fetched.`, why: `${name} has another size than listed.`, next: 'Start again.' });
}

/** Web Locks, which reach over tabs; where a browser lacks them, files themselves can be written by one only. */
const webLock: Exclusively = async (name, work) => {
  const locks = globalThis.navigator?.locks;
  if (!locks) return work();
  return locks.request(name, { ifAvailable: true }, (lock) => (lock ? work() : undefined)) as ReturnType<typeof work>;
};
