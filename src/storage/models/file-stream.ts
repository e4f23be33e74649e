import type { CID } from 'multiformats/cid';
import { throwIfAborted } from '../../errors.ts';
import { MAX_DAG_DEPTH } from '../limits.ts';
import { type UnixfsNode, badUnixfs, decodeNode } from '../unixfs-node.ts';

/** Brings one verified block. */
export type ReadBlock = (cid: CID, signal?: AbortSignal) => Promise<Uint8Array>;

/** Blocks asked for ahead: enough to hide a gateway's latency, 8 MiB of memory at most. */
const AHEAD = 4;

/** Size of a file by its root block; undefined for a folder. */
export async function fileSize(readBlock: ReadBlock, cid: CID, signal?: AbortSignal): Promise<number | undefined> {
  return sizeOf(decodeNode(cid, await readBlock(cid, signal)));
}

function sizeOf(node: UnixfsNode): number | undefined {
  return node.kind === 'bytes' ? node.data.length : node.kind === 'file' ? node.size : undefined;
}

/** A part of a file: its bytes, or the block that holds them. */
interface Part {
  cid: CID;
  at: number;
  /** Infinity for the root, whose size its own block says. */
  size: number;
  depth: number;
  data?: Uint8Array;
}

/**
 * Bytes [from, to) of a file in verified pieces, in order, a few blocks fetched ahead. Only blocks that hold these bytes
 * are fetched, and none is kept here, so a file of any size passes through little memory.
 */
export async function* streamFile(readBlock: ReadBlock, root: CID, from: number, to: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const queue: { part: Part; block: Promise<Uint8Array> | undefined }[] = [];
  const put = (parts: readonly Part[]): void => {
    queue.unshift(...parts.filter(({ at, size }) => at < to && at + size > from).map((part) => ({ part, block: undefined })));
  };
  put([{ cid: root, at: 0, size: Infinity, depth: 0 }]);
  while (queue.length) {
    throwIfAborted(signal);
    for (const entry of queue.slice(0, AHEAD)) {
      if (entry.block || entry.part.data) continue;
      entry.block = readBlock(entry.part.cid, signal);
      // Its failure is met when its turn comes, or does not matter any more.
      entry.block.catch(() => undefined);
    }
    const { part, block } = queue.shift()!;
    if (part.data) {
      yield clipped(part.data, part.at);
      continue;
    }
    if (part.depth > MAX_DAG_DEPTH) throw badUnixfs(root, `It is nested more than ${MAX_DAG_DEPTH} levels deep.`);
    const node = decodeNode(part.cid, await block!);
    const size = sizeOf(node);
    if (size === undefined) throw badUnixfs(part.cid, 'A folder stands where a file or a part of one should.');
    if (part.size !== Infinity && size !== part.size) throw badUnixfs(part.cid, 'A part of it has another size than stated.');
    if (node.kind === 'bytes') yield clipped(node.data, part.at);
    else if (node.kind === 'file') {
      const parts: Part[] = node.data.length ? [{ cid: part.cid, at: part.at, size: node.data.length, depth: part.depth, data: node.data }] : [];
      let at = part.at + node.data.length;
      for (const [i, link] of node.links.entries()) {
        parts.push({ cid: link.cid, at, size: node.sizes[i]!, depth: part.depth + 1 });
        at += node.sizes[i]!;
      }
      put(parts);
    }
  }

  function clipped(data: Uint8Array, at: number): Uint8Array {
    return data.subarray(Math.max(0, from - at), Math.max(0, Math.min(data.length, to - at)));
  }
}
