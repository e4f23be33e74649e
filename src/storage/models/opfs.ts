import { OpenLedgerError } from '../../errors.ts';
import { fileSource } from './browser-folder.ts';
import { type Appender, type StoredDirectory, diskFull, inUse } from './stored-directory.ts';

/** Only in workers, and not in every browser's types. */
interface SyncAccess {
  truncate(size: number): void | Promise<void>;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void | Promise<void>;
  close(): void | Promise<void>;
}
type WritableHandle = Omit<FileSystemFileHandle, 'createWritable'> & Partial<Pick<FileSystemFileHandle, 'createWritable'>> & { createSyncAccessHandle?: () => Promise<SyncAccess> };

/** A folder of the browser's private file system (OPFS). Throws `storage/no-private-files` where there is none. */
export async function openOpfs(name: string): Promise<StoredDirectory> {
  try {
    if (!navigator.storage?.getDirectory) throw new Error('this browser offers no private file system');
    return new OpfsDirectory(await (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true }));
  } catch (cause) {
    throw noPrivateFiles(cause);
  }
}

function noPrivateFiles(cause: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/no-private-files',
    what: 'Models cannot be kept on this device.',
    why: String(cause instanceof Error ? cause.message : cause).slice(0, 200),
    next: 'Leave private browsing or allow site data; without it, open a model from a folder on your disk each time.',
    cause,
  });
}

class OpfsDirectory implements StoredDirectory {
  readonly #handle: FileSystemDirectoryHandle;

  constructor(handle: FileSystemDirectoryHandle) {
    this.#handle = handle;
  }

  async folders(): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of this.#handle.values()) if (entry.kind === 'directory') names.push(entry.name);
    return names;
  }

  async folder(name: string): Promise<StoredDirectory> {
    return new OpfsDirectory(await this.#handle.getDirectoryHandle(name, { create: true }));
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#handle.removeEntry(name, { recursive: true });
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return;
      if (isNamed(error, 'NoModificationAllowedError')) throw inUse(name, error);
      throw error;
    }
  }

  async source(name: string) {
    try {
      return fileSource(await (await this.#handle.getFileHandle(name)).getFile(), name);
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return undefined;
      throw error;
    }
  }

  /**
   * In workers bytes go straight to the file. Elsewhere the browser writes to a copy that takes the file's place on
   * `close`, so a tab that dies loses what it wrote since `append`.
   */
  async append(name: string, at: number): Promise<Appender> {
    try {
      const file = (await this.#handle.getFileHandle(name, { create: true })) as WritableHandle;
      if (file.createSyncAccessHandle) return await syncAppender(await file.createSyncAccessHandle(), at);
      if (file.createWritable) return await streamAppender(await file.createWritable({ keepExistingData: at > 0 }), at);
      throw noPrivateFiles(new Error('this browser writes private files in workers only'));
    } catch (error) {
      if (isNamed(error, 'NoModificationAllowedError')) throw inUse(name, error);
      throw full(error);
    }
  }
}

async function syncAppender(access: SyncAccess, from: number): Promise<Appender> {
  let at = from;
  await access.truncate(at);
  return {
    write: async (bytes) => {
      for (let rest = bytes; rest.length; ) {
        let written: number;
        try {
          written = access.write(rest, { at });
        } catch (error) {
          throw full(error);
        }
        if (!written) throw diskFull('nothing more is written');
        at += written;
        rest = rest.subarray(written);
      }
    },
    close: async () => {
      try {
        await access.flush();
      } finally {
        await access.close();
      }
    },
  };
}

async function streamAppender(stream: FileSystemWritableFileStream, at: number): Promise<Appender> {
  await stream.truncate(at);
  await stream.seek(at);
  return {
    write: (bytes) => stream.write(bytes as Uint8Array<ArrayBuffer>).catch((error: unknown) => Promise.reject(full(error))),
    close: () => stream.close().catch((error: unknown) => Promise.reject(full(error))),
  };
}

/** Errors of a full disk or quota as such, others as they are. */
function full(error: unknown): unknown {
  return isNamed(error, 'QuotaExceededError') ? diskFull(error) : error;
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
