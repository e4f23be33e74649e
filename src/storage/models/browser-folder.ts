import { OpenLedgerError, throwIfAborted } from '../../errors.ts';
import { type ByteSource, type ModelFolder, checkedEnd, noSuchFile } from '../../protocol/model-folder.ts';

/** A folder of files that a person chose or dropped; of files in folders inside it nothing is seen. */
export function filesFolder(label: string, files: Iterable<File>): ModelFolder {
  const all = [...files];
  // With `webkitdirectory` the path begins with the chosen folder's own name.
  const depth = (file: File) => (file.webkitRelativePath ?? '').split('/').length;
  const top = all.filter((file) => depth(file) <= 2);
  return {
    label,
    version: top.map(({ name, size, lastModified }) => `${name} ${size} ${lastModified}`).sort().join('; '),
    list: async () => top.map(({ name, size }) => ({ name, size })),
    open: async (name) => {
      const file = top.find((one) => one.name === name);
      if (!file) throw noSuchFile(label, name);
      return fileSource(file);
    },
  };
}

/** A folder that a person opened by the File System Access interface. */
export function handleFolder(handle: FileSystemDirectoryHandle): ModelFolder {
  const files = async () => {
    const found: File[] = [];
    for await (const entry of handle.values()) if (entry.kind === 'file') found.push(await (entry as FileSystemFileHandle).getFile());
    return found;
  };
  return {
    label: handle.name,
    list: async () => (await files()).map(({ name, size }) => ({ name, size })),
    open: async (name) => {
      const entry = await handle.getFileHandle(name).catch(() => undefined);
      if (!entry) throw noSuchFile(handle.name, name);
      return fileSource(await entry.getFile());
    },
  };
}

export function fileSource(file: File, name = file.name): ByteSource {
  return {
    name,
    size: file.size,
    read: async (from, to, signal) => {
      throwIfAborted(signal);
      try {
        return new Uint8Array(await file.slice(from, checkedEnd(name, file.size, from, to)).arrayBuffer());
      } catch (cause) {
        if (!(cause instanceof DOMException)) throw cause;
        throw new OpenLedgerError({
          code: 'source/changed',
          what: `${name} can no longer be read.`,
          why: 'It was changed, moved or deleted since it was chosen.',
          next: 'Choose the folder again.',
          cause,
        });
      }
    },
  };
}
