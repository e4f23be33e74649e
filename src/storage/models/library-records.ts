import type { FolderEntry } from '../../protocol/model-folder.ts';
import type { Hex } from '../../protocol/bytes.ts';
import { isSafeName } from '../names.ts';
import type { ModelKind } from './model-files.ts';
import { type StoredDirectory, replaceFile } from './stored-directory.ts';

/** Written before the first byte of a model, and after each file. */
export const DOWNLOAD_RECORD = 'openledger.download.json';
/** Written last: a folder with it is complete. */
export const MODEL_RECORD = 'openledger.model.json';

/** What the library notes of a model, complete or not. */
export interface ModelRecord {
  openledger: 'library/1';
  kind: ModelKind;
  /** What the folder was opened by: an address, a CID, a name. */
  source: string;
  /** What fixed the folder's content when it was fetched; see ModelFolder. */
  version: string | undefined;
  /** Milliseconds since 1970. */
  added: number;
  /** In the order of fetching; `sha256` of the content once it is here. */
  files: RecordedFile[];
  /** Facts found out later, such as the root that attribution knows the base by. */
  facts: ModelFacts;
}

export interface RecordedFile extends FolderEntry {
  /** Whether `sha256` was computed from what is stored (and was compared with what the publisher states). */
  checked: boolean;
}

export interface ModelFacts {
  /** Merkle root of the files' tensors. */
  fileRoot?: Hex;
  /** The folder's CID. */
  cid?: string;
}

export async function writeRecord(directory: StoredDirectory, name: string, record: ModelRecord): Promise<void> {
  await replaceFile(directory, name, new TextEncoder().encode(JSON.stringify(record)));
}

/** Undefined where there is none, or where a crash left half of one. */
export async function readRecord(directory: StoredDirectory, name: string): Promise<ModelRecord | undefined> {
  const source = await directory.source(name);
  if (!source || source.size > 2 ** 20) return undefined;
  try {
    const record = JSON.parse(new TextDecoder().decode(await source.read(0, source.size))) as ModelRecord;
    const right = record.openledger === 'library/1' && (record.kind === 'base' || record.kind === 'adapter') && typeof record.source === 'string'
      && Number.isFinite(record.added) && typeof record.facts === 'object' && Array.isArray(record.files)
      && record.files.every(({ name: file, size }) => typeof file === 'string' && isSafeName(file) && Number.isSafeInteger(size) && size >= 0);
    return right ? record : undefined;
  } catch {
    return undefined;
  }
}
