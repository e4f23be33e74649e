import { cancelled } from '../errors.ts';

/** Why one gateway did not deliver. `absent`: it answered that it has no such content. */
export type FailureKind = 'down' | 'stalled' | 'refused' | 'absent' | 'wrong-bytes' | 'no-car';

export class GatewayFailure extends Error {
  readonly kind: FailureKind;
  constructor(kind: FailureKind, reason: string) {
    super(reason);
    this.name = 'GatewayFailure';
    this.kind = kind;
  }
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** One request that is given up after `timeoutMs` without a byte, or when the caller cancels. */
export class Attempt {
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stalled = false;

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    if (signal?.aborted) throw cancelled();
    signal?.addEventListener('abort', this.#onAbort);
    this.#touch();
  }

  #touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#stalled = true;
      this.#controller.abort();
    }, this.#timeoutMs);
  }

  async fetch(fetch: Fetch, url: string, headers: Record<string, string>): Promise<Response> {
    try {
      const response = await fetch(url, {
        headers,
        signal: this.#controller.signal,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      });
      this.#touch();
      return response;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** The body, chunk by chunk; refuses more than `maxBytes`. */
  async *body(response: Response, maxBytes: number, onBytes?: (count: number) => void): AsyncGenerator<Uint8Array> {
    const declared = Number(response.headers.get('content-length') ?? 0);
    // Compressed transfers declare their compressed length, which can only be smaller.
    if (declared > maxBytes)
      throw new GatewayFailure('wrong-bytes', `announces ${declared} bytes where at most ${maxBytes} fit`);
    if (!response.body) return;
    const reader = response.body.getReader();
    let received = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read().catch((error: unknown) => {
          throw this.#explain(error);
        });
        if (done) return;
        this.#touch();
        received += value.length;
        if (received > maxBytes) throw new GatewayFailure('wrong-bytes', `sends more than ${maxBytes} bytes`);
        onBytes?.(value.length);
        yield value;
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  }

  /** Ends the request whatever its state. Always call it. */
  end(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#controller.abort();
  }

  #explain(error: unknown): Error {
    if (this.#signal?.aborted) return cancelled();
    if (this.#stalled) return new GatewayFailure('stalled', `sent nothing for ${this.#timeoutMs / 1000} s`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = (cause as { code?: unknown }).code;
    const detail = typeof code === 'string' ? code : cause instanceof Error ? cause.message : String(cause);
    return new GatewayFailure('down', `cannot be reached, or broke off (${detail.slice(0, 120)})`);
  }
}
