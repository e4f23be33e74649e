import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import { type ByteSource, type FolderEntry, type ModelFolder, checkedEnd, noSuchFile } from '../../protocol/model-folder.ts';
import { isSafeName } from '../names.ts';

/** A folder on disk. Symbolic links are followed: hubs' own caches consist of them. */
export function nodeFolder(path: string): ModelFolder {
  const label = basename(path);
  return {
    label,
    list: async () => {
      const names = await readdir(path).catch((cause: unknown) => {
        throw new OpenLedgerError({ code: 'folder/unreadable', what: `The folder ${path} cannot be read.`, why: String(cause).slice(0, 200), next: 'Check the path.', cause });
      });
      const entries = await Promise.all(names.map(async (name): Promise<FolderEntry | undefined> => {
        const found = await stat(join(path, name)).catch(() => undefined);
        return found?.isFile() ? { name, size: found.size } : undefined;
      }));
      return entries.filter((entry) => entry !== undefined);
    },
    open: async (name) => {
      const found = isSafeName(name) ? await stat(join(path, name)).catch(() => undefined) : undefined;
      if (!found?.isFile()) throw noSuchFile(label, name);
      return nodeFile(join(path, name), name, found.size);
    },
  };
}

function nodeFile(path: string, name: string, size: number): ByteSource {
  return {
    name, size,
    read: async (from, to, signal) => {
      throwIfAborted(signal);
      const out = new Uint8Array(checkedEnd(name, size, from, to) - from);
      const file = await open(path);
      try {
        for (let filled = 0; filled < out.length; ) {
          const { bytesRead } = await file.read(out, filled, out.length - filled, from + filled);
          if (bytesRead === 0) throw new OpenLedgerError({ code: 'source/changed', what: `${name} became shorter while it was read.`, next: 'Start again.' });
          filled += bytesRead;
        }
      } finally {
        await file.close();
      }
      return out;
    },
  };
}
