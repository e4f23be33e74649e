import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { HttpError } from './http-answers.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.jsonl': 'application/jsonl; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.car': 'application/vnd.ipld.car',
};
/** Larger texts are streamed as they are: compressing them would hold them in memory. */
const MAX_COMPRESSED_SOURCE = 8 * 1024 * 1024;
const MAX_COMPRESSED_CACHE = 64 * 1024 * 1024;

const compressors = {
  br: (bytes: Buffer) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
};

/** The built app from a folder: right types, compression, cache headers, and index.html for the app's own routes. */
export class StaticFiles {
  readonly #folder: string;
  readonly #compressed = new Map<string, Buffer>();
  #compressedBytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    pathname: string,
    headers: Record<string, string>,
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      throw new HttpError(405, 'companion/method', 'Pages are read with GET.');
    }
    const file = (await this.#find(pathname)) ?? (isRoute(pathname) ? await this.#find('/index.html') : undefined);
    if (!file) {
      if (isRoute(pathname))
        throw new HttpError(
          404,
          'companion/no-app',
          'The app has not been built.',
          'Run npm run build, then start the companion again.',
        );
      throw new HttpError(404, 'companion/no-such-file', 'There is no such file.');
    }
    const type = TYPES[extname(file.path).toLowerCase()] ?? 'application/octet-stream';
    // Vite puts a hash of the content into the names below assets/; everything else may change in place.
    const hashed = /^\/assets\/.+-[\w-]{8,}\.\w+$/.test(pathname);
    const etag = `W/"${file.size.toString(36)}-${Math.round(file.mtimeMs).toString(36)}"`;
    const all: Record<string, string> = {
      ...headers,
      'content-type': type,
      'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      etag,
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
    };
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, all).end();
      return;
    }
    const encoding =
      isText(type) && file.size > 1024 && file.size <= MAX_COMPRESSED_SOURCE ? acceptedEncoding(request) : undefined;
    if (encoding) {
      const body = await this.#compress(file.path, `${encoding}|${etag}|${file.path}`, encoding);
      response.writeHead(200, { ...all, 'content-encoding': encoding, 'content-length': body.length });
      response.end(request.method === 'HEAD' ? undefined : body);
      return;
    }
    response.writeHead(200, { ...all, 'content-length': file.size });
    if (request.method === 'HEAD') response.end();
    else await pipeline(createReadStream(file.path), response);
  }

  async #find(pathname: string): Promise<{ path: string; size: number; mtimeMs: number } | undefined> {
    let decoded: string;
    try {
      decoded = decodeURIComponent(pathname);
    } catch {
      throw new HttpError(400, 'companion/bad-url', 'The address is not well formed.');
    }
    const segments = decoded.split('/').filter(Boolean);
    // No hidden files, no way up, no separators of another system.
    if (segments.some((segment) => segment.startsWith('.') || /[\\\0:]/.test(segment))) return undefined;
    try {
      const root = await realpath(this.#folder);
      const path = await realpath(join(root, ...segments));
      // After links are followed: a link must not lead out of the folder.
      if (!path.startsWith(root + sep)) return undefined;
      const { size, mtimeMs, isFile } = await stat(path).then((s) => ({
        size: s.size,
        mtimeMs: s.mtimeMs,
        isFile: s.isFile(),
      }));
      return isFile ? { path, size, mtimeMs } : undefined;
    } catch {
      return undefined;
    }
  }

  async #compress(path: string, key: string, encoding: keyof typeof compressors): Promise<Buffer> {
    const known = this.#compressed.get(key);
    if (known) return known;
    const body = await compressors[encoding](await readFile(path));
    if (this.#compressedBytes + body.length <= MAX_COMPRESSED_CACHE) {
      this.#compressed.set(key, body);
      this.#compressedBytes += body.length;
    }
    return body;
  }
}

/** Addresses without a file extension are the app's own pages; hidden files are not. */
function isRoute(pathname: string): boolean {
  return extname(pathname) === '' && !pathname.includes('/.');
}

function isText(type: string): boolean {
  return /charset=utf-8$/.test(type);
}

function acceptedEncoding(request: IncomingMessage): 'br' | 'gzip' | undefined {
  const accepted = String(request.headers['accept-encoding'] ?? '').toLowerCase();
  const takes = (name: string) =>
    new RegExp(`(^|[\\s,])${name}(?!\\s*;\\s*q=0(\\.0*)?($|[\\s,]))($|[\\s,;])`).test(accepted);
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : undefined;
}
