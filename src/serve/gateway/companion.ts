import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Deployment } from '../../protocol/deployment.ts';
import type { ContentStore } from '../../storage/content-store.ts';
import { openFileStore } from '../../storage/file-cache.node.ts';
import { HttpError, sendError, sendJson } from './http-answers.ts';
import { listenFrom } from './listen.ts';
import { requireKnownHost, requireLocalOrigin } from './loopback.ts';
import { Publisher } from './publish.ts';
import { securityHeaders } from './security-headers.ts';
import { StaticFiles } from './static-files.ts';
import { serveIpfs } from './trustless-gateway.ts';

/** Answers one route; what it throws is sent as JSON. `cors` holds the headers a JSON answer should carry. */
export type ApiHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  cors: Record<string, string>,
) => Promise<void> | void;

export interface CompanionOptions {
  /** Folder of the content store; made where it is missing. */
  store: string;
  /** Folder of the built app. */
  staticDir: string;
  /** The deployment as of now; undefined while it is still being set up. */
  deployment: () => Deployment | undefined | Promise<Deployment | undefined>;
  host?: string;
  /** The port to try first; 0 for any. */
  port: number;
  /** Further routes by method and path: `'GET /api/adapters'`. */
  api?: Record<string, ApiHandler>;
  /** Host names to answer under besides those of this machine. */
  allowedHosts?: string[];
}

export interface Companion {
  url: string;
  port: number;
  /** Said when the wanted port was taken. */
  notice: string | undefined;
  /** The store behind the gateway, for adding content directly. */
  store: ContentStore;
  close(): Promise<void>;
}

/** The local server: the app, its deployment file, an IPFS trustless gateway and a place to publish to. */
export async function createCompanion(options: CompanionOptions): Promise<Companion> {
  const host = options.host ?? '127.0.0.1';
  const allowedHosts = (options.allowedHosts ?? []).map((name) => name.toLowerCase());
  const store = await openFileStore(options.store, { mustPersist: true });
  const files = new StaticFiles(options.staticDir);
  const publisher = new Publisher(store);
  const api: Record<string, ApiHandler> = {
    ...options.api,
    'POST /api/publish': (request, response, _url, cors) => publisher.serve(request, response, cors),
  };

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requireKnownHost(request, allowedHosts);
    const url = parsed(request);
    if (url.pathname.startsWith('/ipfs/')) return serveIpfs(store, request, response, url);
    if (url.pathname === '/deployment.json') return serveDeployment(request, response);
    if (url.pathname.startsWith('/api/')) return serveApi(request, response, url);
    return files.serve(request, response, url.pathname, securityHeaders(await options.deployment()));
  }

  async function serveDeployment(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Demo keys are in it: for this machine's own pages only.
    const cors = corsFor(requireLocalOrigin(request, allowedHosts));
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new HttpError(405, 'companion/method', 'The deployment is read with GET.');
    const deployment = await options.deployment();
    if (!deployment) {
      throw new HttpError(
        503,
        'companion/not-ready',
        'The local network is still being set up.',
        'Wait a moment and load the page again.',
      );
    }
    sendJson(response, 200, deployment, { 'cross-origin-resource-policy': 'same-site', ...cors });
  }

  async function serveApi(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const cors = corsFor(requireLocalOrigin(request, allowedHosts));
    if (request.method === 'OPTIONS') {
      response
        .writeHead(204, {
          ...cors,
          'access-control-allow-methods': 'GET, POST',
          'access-control-allow-headers': 'content-type',
        })
        .end();
      return;
    }
    const handler = Object.hasOwn(api, `${request.method} ${url.pathname}`)
      ? api[`${request.method} ${url.pathname}`]
      : undefined;
    if (!handler) throw new HttpError(404, 'companion/no-such-route', 'The companion has no such function.');
    await handler(request, response, url, cors);
  }

  const server = createServer(
    { maxHeaderSize: 16 * 1024, requestTimeout: 120_000, headersTimeout: 20_000 },
    (request, response) => {
      route(request, response).catch((error: unknown) => {
        if (!request.complete) endUpload(request, response);
        sendError(response, error);
      });
    },
  );
  const port = await listenFrom(server, host, options.port);
  const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
  const notice =
    options.port !== 0 && port !== options.port
      ? `Port ${options.port} is in use; the companion took ${port}.`
      : undefined;
  return {
    url,
    port,
    notice,
    store,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * After an upload was refused: browsers show the answer only when the upload could end, so a little longer it is
 * read and dropped, then the connection goes.
 */
function endUpload(request: IncomingMessage, response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
  request.resume();
  const timer = setTimeout(() => request.destroy(), 5_000);
  request.once('close', () => clearTimeout(timer));
}

function parsed(request: IncomingMessage): URL {
  try {
    // Two leading slashes would read as another host.
    return new URL(`http://companion${(request.url ?? '/').replace(/^\/+/, '/')}`);
  } catch {
    throw new HttpError(400, 'companion/bad-url', 'The address is not well formed.');
  }
}

function corsFor(origin: string | undefined): Record<string, string> {
  return origin === undefined ? {} : { 'access-control-allow-origin': origin, vary: 'Origin' };
}
