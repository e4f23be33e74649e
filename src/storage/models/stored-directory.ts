import { OpenLedgerError } from '../../errors.ts';
import type { ByteSource } from '../../protocol/model-folder.ts';

/** What the library needs of a place for files: the browser's own storage, or a folder on disk. */
export interface StoredDirectory {
  /** Names of the folders in it. */
  folders(): Promise<string[]>;
  /** A folder in it, made where it is missing. */
  folder(name: string): Promise<StoredDirectory>;
  /** Removes a folder with all that is in it, or a file; nothing where there is none. */
  remove(name: string): Promise<void>;
  /** A file's content; undefined where there is none. */
  source(name: string): Promise<ByteSource | undefined>;
  /** Opens a file for writing from byte `at` on; what it has after that is cut off. Only one at a time can write. */
  append(name: string, at: number): Promise<Appender>;
}

export interface Appender {
  /** Throws `storage/disk-full`. */
  write(bytes: Uint8Array): Promise<void>;
  /** What was written is kept from here on. To be called after failures too. */
  close(): Promise<void>;
}

/** Writes a small file whole. */
export async function replaceFile(directory: StoredDirectory, name: string, bytes: Uint8Array): Promise<void> {
  const appender = await directory.append(name, 0);
  try {
    await appender.write(bytes);
  } finally {
    await appender.close();
  }
}

export function diskFull(cause: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/disk-full',
    what: 'There is no more space for models.',
    why: String(cause instanceof Error ? cause.message : cause).slice(0, 200),
    next: 'Delete a model or free some space on this device, then start again: what has arrived is kept.',
    cause,
  });
}

export function inUse(name: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/in-use',
    what: `${name} is being written by another tab or worker.`,
    next: 'Wait until it is done there, or close the other tab.',
    cause,
  });
}
