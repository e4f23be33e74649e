import type { CID } from 'multiformats/cid';
import { throwIfAborted } from '../errors.ts';
import { OpenLedgerError } from '../errors.ts';
import { shortCid } from './cid.ts';
import { tooLarge } from './errors.ts';
import { MAX_DAG_DEPTH, MAX_DIRECTORY_ENTRIES, maxBlocksFor } from './limits.ts';
import { isSafeName } from './names.ts';
import { badUnixfs, decodeNode, type UnixfsNode } from './unixfs-node.ts';

/** Brings one verified block, from the cache or a gateway. */
export type GetBlock = (cid: CID) => Promise<Uint8Array>;

export interface DirectoryEntry {
  cid: string;
  /** Bytes as the folder states them: content and a little structure. A hint, not verified. */
  size: number;
}

export interface Range {
  offset: number;
  length: number;
}

async function load(get: GetBlock, cid: CID): Promise<UnixfsNode> {
  return decodeNode(cid, await get(cid));
}

/** The bytes of a file, or of a part of it. Reads only the blocks it needs, one after the other. */
export async function readFileBytes(
  get: GetBlock,
  cid: CID,
  options: { maxBytes: number; range?: Range | undefined; signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  const root = await load(get, cid);
  if (root.kind === 'directory' || root.kind === 'shard') {
    throw new OpenLedgerError({
      code: 'storage/not-a-file',
      what: `${shortCid(cid)} is a folder, not a file.`,
      next: 'Name a file inside it.',
    });
  }
  const size = root.kind === 'bytes' ? root.data.length : root.size;
  const start = Math.min(options.range?.offset ?? 0, size);
  const end = Math.min(start + (options.range?.length ?? size), size);
  if (!(start >= 0 && end >= start)) throw new RangeError('a range needs an offset and a length that are not negative');
  if (end - start > options.maxBytes) throw tooLarge(cid, end - start, options.maxBytes);
  const out = new Uint8Array(end - start);
  let blocks = 0;

  const copy = (data: Uint8Array, at: number): void => {
    const from = Math.max(start - at, 0);
    const to = Math.min(end - at, data.length);
    if (from < to) out.set(data.subarray(from, to), at + from - start);
  };
  const walk = async (at: CID, node: UnixfsNode, position: number, size: number, depth: number): Promise<void> => {
    throwIfAborted(options.signal);
    if (depth > MAX_DAG_DEPTH) throw badUnixfs(cid, `It is nested more than ${MAX_DAG_DEPTH} levels deep.`);
    if (++blocks > maxBlocksFor(options.maxBytes)) throw badUnixfs(cid, 'It is cut into too many small pieces.');
    if (node.kind !== 'bytes' && node.kind !== 'file')
      throw badUnixfs(at, 'A folder stands where a part of a file should.');
    if ((node.kind === 'bytes' ? node.data.length : node.size) !== size) {
      throw badUnixfs(at, 'A part of it has another size than stated.');
    }
    copy(node.data, position);
    if (node.kind === 'bytes') return;
    let next = position + node.data.length;
    for (const [i, link] of node.links.entries()) {
      const length = node.sizes[i]!;
      if (next < end && next + length > start) {
        await walk(link.cid, await load(get, link.cid), next, length, depth + 1);
      }
      next += length;
    }
  };
  await walk(cid, root, 0, size, 0);
  return out;
}

/** Entries of a folder by name. Refuses names that could mean a place outside it, and folders without end. */
export async function readDirectoryEntries(
  get: GetBlock,
  cid: CID,
  signal?: AbortSignal,
): Promise<Map<string, DirectoryEntry>> {
  const entries = new Map<string, DirectoryEntry>();
  const root = await load(get, cid);
  if (root.kind !== 'directory' && root.kind !== 'shard') {
    throw new OpenLedgerError({
      code: 'storage/not-a-directory',
      what: `${shortCid(cid)} is a file, not a folder.`,
      next: 'Read it as a file.',
    });
  }
  let shards = 0;
  const add = (at: CID, name: string, link: { cid: CID; claimed: number }): void => {
    if (!isSafeName(name)) throw badUnixfs(at, `An entry has the unsafe name “${JSON.stringify(name).slice(1, 60)}”.`);
    if (entries.has(name)) throw badUnixfs(at, `It has two entries named “${name}”.`);
    if (entries.size >= MAX_DIRECTORY_ENTRIES)
      throw badUnixfs(at, `It has more than ${MAX_DIRECTORY_ENTRIES} entries.`);
    entries.set(name, { cid: link.cid.toString(), size: link.claimed });
  };
  const walk = async (at: CID, node: UnixfsNode, depth: number): Promise<void> => {
    throwIfAborted(signal);
    if (node.kind === 'directory') {
      for (const link of node.links) add(at, link.name, link);
      return;
    }
    if (node.kind !== 'shard') throw badUnixfs(at, 'A file stands where a part of a folder should.');
    if (depth > MAX_DAG_DEPTH || ++shards > MAX_DIRECTORY_ENTRIES) throw badUnixfs(cid, 'It is nested too deep.');
    for (const link of node.links) {
      if (link.name.length > node.prefix) add(at, link.name.slice(node.prefix), link);
      else {
        const sub = await load(get, link.cid);
        if (sub.kind !== 'shard') throw badUnixfs(at, 'A part of it is no folder.');
        await walk(link.cid, sub, depth + 1);
      }
    }
  };
  await walk(cid, root, 0);
  return entries;
}
