import type { CID } from 'multiformats/cid';
import { OpenLedgerError } from '../errors.ts';
import { Attempt, type Fetch, type FailureKind, GatewayFailure } from './attempt.ts';
import { type Block, readCar } from './car.ts';
import { shortCid, verifyBlock } from './cid.ts';
import { notInStore } from './errors.ts';
import { MAX_BLOCK_BYTES } from './limits.ts';

export interface Failure {
  gateway: string;
  kind: FailureKind;
  reason: string;
}

/** How long a gateway that stalled, was down or lied is asked only after the others. */
const DISTRUST_MS = 60_000;

/** Trustless IPFS gateways in the order given; what they send is believed only after its hash was checked. */
export class GatewaySource {
  readonly gateways: readonly string[];
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;
  readonly #distrustedUntil = new Map<string, number>();

  constructor(gateways: readonly string[], fetch: Fetch, timeoutMs: number) {
    this.gateways = [...new Set(gateways.map(gatewayBase))];
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
  }

  /** The order in which to ask now: as given, but those that failed lately come last. */
  order(): string[] {
    const now = Date.now();
    const late = (gateway: string) => ((this.#distrustedUntil.get(gateway) ?? 0) > now ? 1 : 0);
    return [...this.gateways].sort((a, b) => late(a) - late(b));
  }

  /** One block from the first gateway that delivers it. Throws one error that names every gateway and why. */
  async block(cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    const failures: Failure[] = [];
    for (const gateway of this.order()) {
      try {
        return await this.#blockFrom(gateway, cid, signal);
      } catch (error) {
        failures.push(this.failed(gateway, error));
      }
    }
    throw unavailable(cid, failures);
  }

  async #blockFrom(gateway: string, cid: CID, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const attempt = new Attempt(this.#timeoutMs, signal);
    try {
      const response = await attempt.fetch(this.#fetch, `${gateway}/ipfs/${cid}?format=raw`, {
        accept: 'application/vnd.ipld.raw',
      });
      requireOk(response);
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of attempt.body(response, MAX_BLOCK_BYTES)) {
        parts.push(part);
        size += part.length;
      }
      const bytes = new Uint8Array(size);
      let offset = 0;
      for (const part of parts) {
        bytes.set(part, offset);
        offset += part.length;
      }
      await verifyBlock(cid, bytes);
      return bytes;
    } finally {
      attempt.end();
    }
  }

  /**
   * The whole DAG below `cid` from one gateway in one request: verified blocks as they arrive.
   * `maxBytes` bounds the transfer, `onBytes` hears of every chunk.
   */
  async *car(
    gateway: string,
    cid: CID,
    options: { signal?: AbortSignal | undefined; maxBytes: number; onBytes?: (count: number) => void },
  ): AsyncGenerator<Block> {
    const attempt = new Attempt(this.#timeoutMs, options.signal);
    try {
      const response = await attempt.fetch(this.#fetch, `${gateway}/ipfs/${cid}?format=car&dag-scope=all`, {
        accept: 'application/vnd.ipld.car; version=1; order=dfs; dups=n',
      });
      if ([400, 405, 406, 415, 501].includes(response.status))
        throw new GatewayFailure('no-car', `offers no CAR (${response.status})`);
      requireOk(response);
      const type = response.headers.get('content-type') ?? '';
      if (!type.startsWith('application/vnd.ipld.car')) throw new GatewayFailure('no-car', 'offers no CAR');
      const body = attempt.body(response, options.maxBytes, options.onBytes);
      const { blocks } = await readCar(body).catch(blameGateway);
      for (;;) {
        const next = await blocks.next().catch(blameGateway);
        if (next.done) return;
        yield next.value;
      }
    } finally {
      attempt.end();
    }
  }

  /** Notes a failure for the order of later requests. Cancellation is not a failure and is thrown on. */
  failed(gateway: string, error: unknown): Failure {
    if (error instanceof OpenLedgerError && error.code === 'cancelled') throw error;
    const failure = toFailure(gateway, error);
    if (failure.kind !== 'absent' && failure.kind !== 'no-car') {
      this.#distrustedUntil.set(gateway, Date.now() + DISTRUST_MS);
    }
    return failure;
  }
}

/** What an archive holds that does not verify is the gateway's fault, not a verdict on the content asked for. */
function blameGateway(error: unknown): never {
  if (error instanceof OpenLedgerError && error.code !== 'cancelled') {
    const failure = toFailure('', error);
    throw new GatewayFailure(failure.kind, failure.reason);
  }
  throw error;
}

function toFailure(gateway: string, error: unknown): Failure {
  if (error instanceof GatewayFailure) return { gateway, kind: error.kind, reason: error.message };
  // What is left are blocks that did not verify and archives that did not decode.
  if (error instanceof OpenLedgerError) {
    const reason =
      error.code === 'storage/block-hash-mismatch' ? 'sent wrong bytes' : `sent something unusable (${error.why})`;
    return { gateway, kind: 'wrong-bytes', reason };
  }
  return { gateway, kind: 'down', reason: String(error).slice(0, 120) };
}

export function unavailable(cid: CID, failures: Failure[]): OpenLedgerError {
  if (failures.length === 0) return notInStore(cid);
  const absent = failures.every((failure) => failure.kind === 'absent');
  return new OpenLedgerError({
    code: absent ? 'storage/not-found' : 'storage/unavailable',
    what: absent
      ? `No gateway has the content ${shortCid(cid)}.`
      : `The content ${shortCid(cid)} could not be fetched.`,
    why: `${failures.map(({ gateway, reason }) => `${gateway}: ${reason}`).join('; ')} (${cid}).`,
    next: absent
      ? 'Its publisher may have stopped offering it; add a gateway that has it.'
      : 'Check the connection and try again, or add another gateway.',
  });
}

function requireOk(response: Response): void {
  if (response.status === 200) return;
  const { status } = response;
  if (status === 404 || status === 410 || status === 412)
    throw new GatewayFailure('absent', `does not have it (${status})`);
  throw new GatewayFailure('refused', `answered ${status}`);
}

/** `https://host/some/path/` → `https://host/some/path`. Only absolute http(s) addresses. */
export function gatewayBase(address: string): string {
  let url: URL | undefined;
  try {
    url = new URL(address);
  } catch {
    // Explained below.
  }
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.username || url.password || url.search) {
    throw new OpenLedgerError({
      code: 'storage/bad-gateway',
      what: 'A gateway address cannot be used.',
      why: `It reads “${address.slice(0, 80)}”.`,
      next: 'Give it as https://host or http://host:port, without a question mark or a password.',
    });
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/ipfs$/, '');
}
