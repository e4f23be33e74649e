import type { CID } from 'multiformats/cid';
import { type Block } from '../../storage/car.ts';
import { blockKey, parseCid } from '../../storage/cid.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { MAX_DAG_DEPTH } from '../../storage/limits.ts';
import { pathSegments } from '../../storage/names.ts';
import { decodeNode, linksOf } from '../../storage/unixfs-node.ts';

/** `block`: the end of the path alone; `entity`: one file, or the listing of one folder; `all`: everything below. */
export type DagScope = 'block' | 'entity' | 'all';

export interface ByteRange {
  from: number;
  to: number | undefined;
}

/** Blocks of a CAR answer: those that prove the path, then those of the scope; depth first, each once. */
export async function* carBlocks(
  store: ContentStore,
  root: string,
  path: string,
  scope: DagScope,
  range: ByteRange | undefined,
): AsyncGenerator<Block> {
  const sent = new Set<string>();
  const fresh = (block: Block): boolean => {
    if (sent.has(blockKey(block.cid))) return false;
    sent.add(blockKey(block.cid));
    return true;
  };
  const segments = pathSegments(path);
  let at = root;
  for (const name of segments) {
    for await (const block of listing(store, parseCid(at), 0)) if (fresh(block)) yield block;
    at = await store.resolve(at, name);
  }
  const target = parseCid(at);
  const source =
    scope === 'all' && !range
      ? store.blocks(at)
      : scope === 'block'
        ? single(store, target)
        : entity(store, target, range);
  for await (const block of source) if (fresh(block)) yield block;
}

async function* single(store: ContentStore, cid: CID): AsyncGenerator<Block> {
  yield { cid, bytes: await store.readBlock(cid.toString()) };
}

/** The node of a folder, with its shards where it has them, but not what its entries point to. */
async function* listing(store: ContentStore, cid: CID, depth: number): AsyncGenerator<Block> {
  const bytes = await store.readBlock(cid.toString());
  yield { cid, bytes };
  const node = decodeNode(cid, bytes);
  if (node.kind !== 'shard' || depth >= MAX_DAG_DEPTH) return;
  for (const link of node.links) if (link.name.length === node.prefix) yield* listing(store, link.cid, depth + 1);
}

async function* entity(store: ContentStore, cid: CID, range: ByteRange | undefined): AsyncGenerator<Block> {
  const bytes = await store.readBlock(cid.toString());
  const node = decodeNode(cid, bytes);
  if (node.kind === 'directory' || node.kind === 'shard') {
    yield* listing(store, cid, 0);
    return;
  }
  const size = node.kind === 'bytes' ? node.data.length : node.size;
  const fromEnd = (value: number): number => (value < 0 ? Math.max(size + value, 0) : value);
  const start = fromEnd(range?.from ?? 0);
  const end = range?.to === undefined ? size : Math.min((range.to < 0 ? size + range.to : range.to) + 1, size);
  yield* part(store, cid, start, end, 0, 0);
}

/** The blocks of a file that hold bytes of [start, end), and those above them. */
async function* part(
  store: ContentStore,
  cid: CID,
  start: number,
  end: number,
  position: number,
  depth: number,
): AsyncGenerator<Block> {
  const bytes = await store.readBlock(cid.toString());
  yield { cid, bytes };
  const node = decodeNode(cid, bytes);
  if (node.kind !== 'file' || depth >= MAX_DAG_DEPTH) return;
  let next = position + node.data.length;
  for (const [i, link] of linksOf(node).entries()) {
    const length = node.sizes[i]!;
    if (next < end && next + length > start) yield* part(store, link.cid, start, end, next, depth + 1);
    next += length;
  }
}
