/** For tests: a server of files on this machine that behaves as well or as badly as told. */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestServer {
  url: string;
  /** `METHOD path range` of every request so far. */
  log: string[];
  /** Bytes of bodies handed to the network so far. */
  sent(): number;
  close(): Promise<void>;
}

/** Return true where the request was answered. */
export type Handler = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

export interface Behaviour {
  files: Record<string, Uint8Array>;
  /** Ignore Range headers. */
  noRanges?: boolean;
  /** Break the connection after so many bytes of a body; a number a request, then never more. */
  breaks?: number[];
  before?: Handler;
}

export async function startServer(behaviour: Behaviour): Promise<TestServer> {
  const log: string[] = [];
  let sent = 0;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname);
    log.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    if (behaviour.before?.(request, response, path)) return;
    const file = behaviour.files[path];
    if (!file) {
      response.statusCode = 404;
      response.end('no');
      return;
    }
    const range = behaviour.noRanges ? undefined : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [from, to] = range ? [Number(range[1]), Number(range[2]) + 1] : [0, file.length];
    response.statusCode = range ? 206 : 200;
    if (range) response.setHeader('content-range', `bytes ${from}-${to - 1}/${file.length}`);
    response.setHeader('content-length', to - from);
    response.setHeader('content-type', path.endsWith('.json') ? 'application/json' : 'application/octet-stream');
    const cut = to - from > 8 ? behaviour.breaks?.shift() : undefined;
    const body = file.subarray(from, cut === undefined ? to : Math.min(to, from + cut));
    sent += body.length;
    if (cut === undefined) response.end(body);
    else response.write(body, () => setTimeout(() => request.socket.destroy(), 20));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    sent: () => sent,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}
