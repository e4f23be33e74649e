import type { IncomingMessage, ServerResponse } from 'node:http';
import { carFrame, carHeader, type Block } from '../../storage/car.ts';
import { parseCid } from '../../storage/cid.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { pathSegments } from '../../storage/names.ts';
import { type ByteRange, carBlocks, type DagScope } from './car-blocks.ts';
import { HttpError } from './http-answers.ts';

const COMMON = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Content-Type, Range, User-Agent, X-Requested-With',
  'access-control-expose-headers': 'Content-Length, Content-Range, X-Ipfs-Path, X-Ipfs-Roots, X-Stream-Output',
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
};

/** Answers `/ipfs/{cid}[/path]` as an IPFS trustless gateway over the local store. */
export async function serveIpfs(
  store: ContentStore,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  for (const [name, value] of Object.entries(COMMON)) response.setHeader(name, value);
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { 'access-control-max-age': '86400' }).end();
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD, OPTIONS');
    throw new HttpError(405, 'companion/method', 'Content is read with GET.');
  }
  const [root, path] = splitPath(url.pathname);
  const format = requestedFormat(request, url);
  if (format === undefined) {
    throw new HttpError(
      400,
      'companion/format-missing',
      'This gateway sends only content that can be checked.',
      'Ask with ?format=raw or ?format=car, or the matching Accept header.',
    );
  }
  const cid = parseCid(root);
  if (!(await store.hasBlock(root))) {
    const onlyCached = /(^|[\s,])only-if-cached($|[\s,])/i.test(request.headers['cache-control'] ?? '');
    throw new HttpError(
      onlyCached ? 412 : 404,
      'storage/not-found',
      `The content ${root} is not in this store.`,
      'Ask a gateway that has it.',
    );
  }

  if (format === 'raw') {
    if (path)
      throw new HttpError(
        400,
        'companion/raw-path',
        'A raw block has no path.',
        'Ask for the CID of the file itself, or for a CAR.',
      );
    const etag = `"${cid}.raw"`;
    const headers = {
      ...immutable(etag, `/ipfs/${cid}`),
      'content-type': 'application/vnd.ipld.raw',
      'content-disposition': `attachment; filename="${cid}.bin"`,
    };
    if (notModified(request, response, etag, headers)) return;
    const bytes = await store.readBlock(root);
    response.writeHead(200, { ...headers, 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }

  const scope = dagScope(url);
  const range = entityBytes(url);
  // Found before the first byte goes out, so that a wrong path is a 404 and not a broken transfer.
  await store.resolve(root, path);
  const etag = `W/"${cid}.car.${hashText(`${path}|${scope}|${url.searchParams.get('entity-bytes') ?? ''}`)}"`;
  const headers = {
    ...immutable(etag, `/ipfs/${cid}${path ? `/${encodeURI(path)}` : ''}`),
    'content-type': 'application/vnd.ipld.car; version=1; order=dfs; dups=n',
    'content-disposition': `attachment; filename="${cid}.car"`,
    // A transfer that breaks off must not pass for a complete one, nor be resumed.
    'accept-ranges': 'none',
  };
  if (notModified(request, response, etag, headers)) return;
  response.writeHead(200, headers);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await send(response, carHeader(cid), carBlocks(store, root, path, scope, range));
}

async function send(response: ServerResponse, header: Uint8Array, blocks: AsyncIterable<Block>): Promise<void> {
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (response.destroyed) throw new HttpError(499, 'cancelled', 'The reader went away.');
    if (response.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off('drain', done);
        response.off('close', done);
        resolve();
      };
      response.on('drain', done);
      response.on('close', done);
    });
  };
  await write(header);
  for await (const block of blocks) await write(carFrame(block));
  response.end();
}

function immutable(etag: string, path: string): Record<string, string> {
  return { etag, 'cache-control': 'public, max-age=29030400, immutable', 'x-ipfs-path': path, vary: 'Accept' };
}

function notModified(
  request: IncomingMessage,
  response: ServerResponse,
  etag: string,
  headers: Record<string, string>,
): boolean {
  const asked = request.headers['if-none-match'];
  if (asked === undefined) return false;
  const weak = (tag: string) => tag.trim().replace(/^W\//, '');
  if (asked.trim() !== '*' && !asked.split(',').some((tag) => weak(tag) === weak(etag))) return false;
  response.writeHead(304, { etag, 'cache-control': headers['cache-control'] }).end();
  return true;
}

function splitPath(pathname: string): [string, string] {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname.slice('/ipfs/'.length));
  } catch {
    throw new HttpError(400, 'companion/bad-url', 'The address is not well formed.');
  }
  const [root = '', ...rest] = decoded.replace(/\/+$/, '').split('/');
  const path = rest.join('/');
  pathSegments(path);
  return [root, path];
}

/** The query names the format, or the Accept header does; the query wins. */
function requestedFormat(request: IncomingMessage, url: URL): 'raw' | 'car' | undefined {
  const query = url.searchParams.get('format');
  if (query !== null) return query === 'raw' || query === 'car' ? query : undefined;
  const accept = request.headers.accept ?? '';
  if (accept.includes('application/vnd.ipld.car')) return 'car';
  if (accept.includes('application/vnd.ipld.raw')) return 'raw';
  return undefined;
}

function dagScope(url: URL): DagScope {
  const scope = url.searchParams.get('dag-scope') ?? (url.searchParams.has('entity-bytes') ? 'entity' : 'all');
  if (scope === 'all' || scope === 'entity' || scope === 'block') return scope;
  throw new HttpError(400, 'companion/bad-dag-scope', 'dag-scope is all, entity or block.');
}

/** `from:to`, both inclusive; negative numbers count from the end; `*` is the end. */
function entityBytes(url: URL): ByteRange | undefined {
  const text = url.searchParams.get('entity-bytes');
  if (text === null) return undefined;
  const match = /^(-?\d{1,15}):(\*|-?\d{1,15})$/.exec(text);
  if (!match)
    throw new HttpError(400, 'companion/bad-entity-bytes', 'entity-bytes reads from:to, as in 0:1023 or 100:*.');
  return { from: Number(match[1]), to: match[2] === '*' ? undefined : Number(match[2]) };
}

/** A short tag that tells variants of an archive apart; collisions would only cost a stale cache. */
function hashText(text: string): string {
  let hash = 5381;
  for (const char of text) hash = (Math.imul(hash, 33) ^ char.codePointAt(0)!) >>> 0;
  return hash.toString(36);
}
