import * as dagPb from '@ipld/dag-pb';
import { UnixFS } from 'ipfs-unixfs';
import type { CID } from 'multiformats/cid';
import { OpenLedgerError } from '../errors.ts';
import { DAG_PB, requireSupported, shortCid } from './cid.ts';

export interface NodeLink {
  cid: CID;
  name: string;
  /** Bytes below this link as its writer claims; for display and early refusal only. */
  claimed: number;
}

/** One decoded block of a UnixFS tree. */
export type UnixfsNode =
  | { kind: 'bytes'; data: Uint8Array }
  | { kind: 'file'; data: Uint8Array; size: number; sizes: number[]; links: NodeLink[] }
  | { kind: 'directory'; links: NodeLink[] }
  /** A shard of a large directory: names carry `prefix` hexadecimal digits, alone they lead to sub-shards. */
  | { kind: 'shard'; links: NodeLink[]; prefix: number };

export function badUnixfs(cid: CID, why: string, cause?: unknown): OpenLedgerError {
  return new OpenLedgerError({
    code: 'storage/bad-unixfs',
    what: `The content ${shortCid(cid)} is not a file or folder that can be read.`,
    why,
    next: 'Its publisher has to publish it again.',
    cause,
  });
}

const NOTHING = new Uint8Array(0);

export function decodeNode(cid: CID, bytes: Uint8Array): UnixfsNode {
  if (cid.code !== DAG_PB) return { kind: 'bytes', data: bytes };
  let node: dagPb.PBNode;
  let unixfs: UnixFS;
  try {
    node = dagPb.decode(bytes);
    if (!node.Data) throw new Error('the node holds no UnixFS data');
    unixfs = UnixFS.unmarshal(node.Data);
  } catch (cause) {
    throw badUnixfs(cid, cause instanceof Error ? `${cause.message}.` : String(cause), cause);
  }
  const links = node.Links.map((link) => {
    requireSupported(link.Hash);
    return { cid: link.Hash, name: link.Name ?? '', claimed: claimedSize(link.Tsize) };
  });
  switch (unixfs.type) {
    case 'directory':
      return { kind: 'directory', links };
    case 'hamt-sharded-directory': {
      const fanout = Number(unixfs.fanout ?? 0n);
      if (!(fanout >= 8 && fanout <= 1024 && (fanout & (fanout - 1)) === 0))
        throw badUnixfs(cid, `Its fanout is ${fanout}.`);
      return { kind: 'shard', links, prefix: (fanout - 1).toString(16).length };
    }
    case 'file':
    case 'raw': {
      const data = unixfs.data ?? NOTHING;
      const sizes = unixfs.blockSizes.map(Number);
      if (sizes.length !== links.length) throw badUnixfs(cid, 'Its sizes do not match its parts.');
      // Empty parts would let a small node unfold into endless work.
      if (sizes.some((size) => !(size > 0))) throw badUnixfs(cid, 'It has empty parts.');
      const size = sizes.reduce((a, b) => a + b, data.length);
      if (!Number.isSafeInteger(size)) throw badUnixfs(cid, 'It claims an impossible size.');
      return { kind: 'file', data, size, sizes, links };
    }
    default:
      throw badUnixfs(cid, `It is a ${unixfs.type}, which is not read here.`);
  }
}

export function linksOf(node: UnixfsNode): NodeLink[] {
  return node.kind === 'bytes' ? [] : node.links;
}

function claimedSize(size: number | undefined): number {
  return size !== undefined && Number.isSafeInteger(size) && size >= 0 ? size : 0;
}
