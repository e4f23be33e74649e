import { OpenLedgerError } from '../errors.ts';

/** Random access to the bytes of one file, wherever it lies: a server, a disk, the browser's own storage, IPFS. */
export interface ByteSource {
  readonly name: string;
  /** In bytes, exact. */
  readonly size: number;
  /** Bytes [from, to); exactly to − from of them, in memory of the caller's own. Throws coded errors, `cancelled` included. */
  read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Bytes [from, size) in pieces of any length, where one request for all of them is cheaper than many for parts. */
  stream?(from: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface FolderEntry {
  name: string;
  /** In bytes, exact. */
  size: number;
  /** 64 lower-case hexadecimal digits, where the folder's publisher states it. */
  sha256?: string | undefined;
}

/** The files of a model or adapter, without folders inside it. */
export interface ModelFolder {
  /** For people: the address, identifier or name it was opened by. */
  readonly label: string;
  /** What the folder's content is fixed by, such as a commit or a CID: another version, other content. */
  readonly version?: string | undefined;
  list(signal?: AbortSignal): Promise<FolderEntry[]>;
  /** Throws `folder/no-such-file`. */
  open(name: string, signal?: AbortSignal): Promise<ByteSource>;
}

/** Largest file that is read whole: tokenizers of large vocabularies have 10 to 20 MiB. */
export const SMALL_FILE_BYTES = 64 * 2 ** 20;

export function noSuchFile(label: string, name: string): OpenLedgerError {
  return new OpenLedgerError({
    code: 'folder/no-such-file',
    what: `There is no ${name} in ${label}.`,
    next: 'Fetch the whole folder again, or choose another.',
  });
}

/** A small file whole. Throws `folder/file-too-large` before reading, or `folder/no-such-file`. */
export async function readSmallFile(folder: ModelFolder, name: string, signal?: AbortSignal, limit = SMALL_FILE_BYTES): Promise<Uint8Array> {
  const source = await folder.open(name, signal);
  if (source.size > limit) {
    throw new OpenLedgerError({
      code: 'folder/file-too-large',
      what: `${name} in ${folder.label} is too large to be what its name says.`,
      why: `It has ${source.size} bytes; ${limit} are accepted.`,
      next: 'Choose another model, or tell its publisher.',
    });
  }
  return source.read(0, source.size, signal);
}

/** A small JSON file. Throws what readSmallFile throws, and `folder/not-json`. */
export async function readJsonFile(folder: ModelFolder, name: string, signal?: AbortSignal, limit = SMALL_FILE_BYTES): Promise<unknown> {
  const bytes = await readSmallFile(folder, name, signal, limit);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new OpenLedgerError({
      code: 'folder/not-json',
      what: `${name} in ${folder.label} is damaged.`,
      why: 'Its content is not JSON.',
      next: 'Fetch it again; if it stays so, tell whoever published it.',
      cause,
    });
  }
}

/** A folder of files that are in memory already. */
export function memoryFolder(label: string, files: Readonly<Record<string, Uint8Array>>): ModelFolder {
  return {
    label,
    list: async () => Object.entries(files).map(([name, bytes]) => ({ name, size: bytes.length })),
    open: async (name) => {
      if (!Object.hasOwn(files, name)) throw noSuchFile(label, name);
      return memorySource(name, files[name]!);
    },
  };
}

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.length, read: async (from, to) => bytes.slice(from, checkedEnd(name, bytes.length, from, to)) };
}

/** `to`, where [from, to) lies inside the file; asking for other bytes is a programming error. */
export function checkedEnd(name: string, size: number, from: number, to: number): number {
  if (!(from >= 0 && from <= to && to <= size)) throw new RangeError(`${name}: bytes ${from} to ${to} of ${size}`);
  return to;
}
