import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-answers.ts';

/** Names that always mean this machine. Anything else in a Host header may be a name rebound to it. */
export function isLoopbackName(hostname: string): boolean {
  const name = hostname.toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

function hostnameOf(host: string): string | undefined {
  // No credentials, no path: exactly a name and a port.
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/.exec(host);
  return match?.[1];
}

/**
 * Against DNS rebinding: a web page of another site can make its own name point to 127.0.0.1 and would then read
 * the demo keys as if it were this site. Its requests still carry its own name.
 */
export function requireKnownHost(request: IncomingMessage, allowed: readonly string[]): void {
  const name = hostnameOf(request.headers.host ?? '');
  if (name !== undefined && (isLoopbackName(name) || allowed.includes(name.toLowerCase()))) return;
  throw new HttpError(
    403,
    'companion/foreign-host',
    'The companion answers only under the names of this machine.',
    'Open it as http://localhost with its port.',
  );
}

/**
 * Requests that change something, or reveal something, are for this machine's own pages (the app itself, or a
 * development server on another port) and for programs, which send no Origin. Returns the origin to allow, if any.
 */
export function requireLocalOrigin(request: IncomingMessage, allowed: readonly string[]): string | undefined {
  const origin = request.headers.origin;
  const refuse = () =>
    new HttpError(
      403,
      'companion/foreign-origin',
      'The companion takes such requests only from pages of this machine.',
      'Open the app from the companion itself.',
    );
  if (origin === undefined) {
    const site = request.headers['sec-fetch-site'];
    if (site === 'cross-site') throw refuse();
    return undefined;
  }
  if (origin === `http://${request.headers.host}`) return origin;
  let url: URL;
  try {
    url = new URL(origin);
  } catch {
    throw refuse();
  }
  if (!isLoopbackName(url.hostname) && !allowed.includes(url.hostname)) throw refuse();
  return origin;
}
