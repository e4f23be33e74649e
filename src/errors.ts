/**
 * Every error a person can meet says three things: what failed, why, and what to do next.
 * The code survives worker boundaries (Comlink carries only name, message and stack of an
 * Error), so `toWire`/`fromWire` move errors as plain data.
 */
export interface ErrorParts {
  /** Stable identifier, e.g. `storage/block-hash-mismatch`. */
  code: string;
  /** What failed, one sentence. */
  what: string;
  /** Why it failed, one sentence; may name values. */
  why?: string;
  /** What the person can do next, one sentence. */
  next?: string;
  cause?: unknown;
}

export class OpenLedgerError extends Error {
  readonly code: string;
  readonly what: string;
  readonly why: string | undefined;
  readonly next: string | undefined;

  constructor(parts: ErrorParts) {
    super([parts.what, parts.why, parts.next].filter(Boolean).join(' '), { cause: parts.cause });
    this.name = 'OpenLedgerError';
    this.code = parts.code;
    this.what = parts.what;
    this.why = parts.why;
    this.next = parts.next;
  }
}

export interface WireError {
  code: string;
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** The plain-data form of any thrown value, for worker boundaries and `--json` output. */
export function toWire(error: unknown): WireError {
  if (error instanceof OpenLedgerError) {
    return { code: error.code, what: error.what, why: error.why, next: error.next };
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return { code: 'cancelled', what: 'Cancelled.' };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unexpected', what: 'Something unexpected went wrong.', why: message };
}

export function fromWire(wire: WireError): OpenLedgerError {
  return new OpenLedgerError(wire as ErrorParts);
}

/** Thrown where work was cancelled through an AbortSignal. */
export function cancelled(): OpenLedgerError {
  return new OpenLedgerError({ code: 'cancelled', what: 'Cancelled.' });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled();
}
