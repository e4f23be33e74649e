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

/** Bytes that never repeat within a chunk, the same every time. */
export function sampleBytes(length: number, seed = 1): Uint8Array {
  const out = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state & 255;
  }
  return out;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
