import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Real HTTP servers on free ports for tests; `stopAll` ends them. */
const running: { close(): Promise<void> }[] = [];

export interface TestServer {
  url: string;
  /** Paths asked for so far. */
  requests: string[];
  close(): Promise<void>;
}

export async function serveWith(listener: RequestListener): Promise<TestServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  running.push({ close });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
}

export function alsoStop(server: { close(): Promise<void> }): void {
  running.push(server);
}

export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()));
}
