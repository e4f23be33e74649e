import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFolder } from './node-folder.node.ts';
import { type Appender, type StoredDirectory, diskFull } from './stored-directory.ts';

/** A library's place on disk. */
export function nodeDirectory(path: string): StoredDirectory {
  return {
    folders: async () => {
      const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
    folder: async (name) => {
      await mkdir(join(path, name), { recursive: true });
      return nodeDirectory(join(path, name));
    },
    remove: (name) => rm(join(path, name), { recursive: true, force: true }),
    source: async (name) => nodeFolder(path).open(name).catch(() => undefined),
    append: async (name, at) => {
      await mkdir(path, { recursive: true });
      // r+ keeps what is there; it has to exist for that.
      const file = await open(join(path, name), 'r+').catch(() => open(join(path, name), 'w+'));
      await file.truncate(at);
      return appender(file, at);
    },
  };
}

function appender(file: FileHandle, from: number): Appender {
  let at = from;
  return {
    write: async (bytes) => {
      try {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at);
          done += bytesWritten;
          at += bytesWritten;
        }
      } catch (cause) {
        if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw diskFull(cause);
        throw cause;
      }
    },
    close: () => file.close(),
  };
}
