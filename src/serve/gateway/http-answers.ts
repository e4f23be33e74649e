import type { IncomingMessage, ServerResponse } from 'node:http';
import { OpenLedgerError, toWire } from '../../errors.ts';

/** An error that carries the HTTP status it should be answered with. */
export class HttpError extends OpenLedgerError {
  readonly status: number;
  constructor(status: number, code: string, what: string, next?: string) {
    super({ code, what, ...(next === undefined ? {} : { next }) });
    this.status = status;
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

const STATUS_BY_CODE: Record<string, number> = {
  'storage/not-found': 404,
  'storage/no-such-path': 404,
  'storage/not-a-directory': 404,
  'storage/too-large': 413,
  'storage/quota-exceeded': 507,
  'storage/cache-unwritable': 507,
};

/** Answers any thrown value as JSON with what, why and next; cuts the connection when an answer had begun. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // Strangers' errors may quote local paths: they stay on the console.
  if (!(error instanceof OpenLedgerError)) {
    console.error(error);
    sendJson(response, 500, { code: 'unexpected', what: 'Something unexpected went wrong in the companion.' });
    return;
  }
  const wire = toWire(error);
  const status = error instanceof HttpError ? error.status : (STATUS_BY_CODE[wire.code] ?? 400);
  sendJson(response, status, wire);
}

/** The whole body, refused beyond `maxBytes` before it is held. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const refuse = () =>
    new HttpError(
      413,
      'companion/body-too-large',
      `The companion accepts at most ${maxBytes} bytes at once.`,
      'Send less, or publish in parts.',
    );
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw refuse();
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw refuse();
    parts.push(part);
  }
  const joined = Buffer.concat(parts);
  return new Uint8Array(joined.buffer, joined.byteOffset, joined.length);
}
