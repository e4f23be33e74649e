import { OpenLedgerError, cancelled, throwIfAborted } from '../../errors.ts';
import { type ByteSource, checkedEnd } from '../../protocol/model-folder.ts';
import { Attempt, type Fetch, GatewayFailure } from '../attempt.ts';
import { isSafeUrl } from './model-address.ts';

export interface HttpOptions {
  fetch?: Fetch | undefined;
  /** Without a byte for so long, a request is given up and made again. */
  timeoutMs?: number | undefined;
  /** Waits before further attempts after one that brought nothing; one more failure ends it. */
  waitsMs?: readonly number[] | undefined;
}

const TIMEOUT_MS = 20_000;
const WAITS_MS = [500, 1000, 2000, 4000, 8000];
/** A server may ask for a longer wait, but not for any. */
const LONGEST_WAIT_MS = 30_000;

/** Models are kept in the library: the browser's own cache would keep them twice. */
const uncached: Fetch = (url, init) => fetch(url, { ...init, cache: 'no-store' });

/** An answer that another attempt may change; `waitMs` where the server says when. */
class Temporary extends Error {
  readonly waitMs: number;
  constructor(why: string, waitMs = 0) {
    super(why);
    this.waitMs = waitMs;
  }
}

/** A file on a server, read by Range requests; where the server has none, from one long answer read in order. */
export class HttpFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #url: string;
  readonly #options: HttpOptions;
  #ranges = true;
  /** What is left of an answer with the whole file, and the byte at which it stands. */
  #whole: { at: number; rest: AsyncGenerator<Uint8Array>; piece: Uint8Array } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** The server's mark of the content (ETag) in the first answer. */
  #mark: string | undefined;

  constructor(name: string, url: string, size: number, options: HttpOptions) {
    this.name = name;
    this.size = size;
    this.#url = url;
    this.#options = options;
  }

  async read(from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
    checkedEnd(this.name, this.size, from, to);
    if (this.#ranges) {
      const out = new Uint8Array(to - from);
      let filled = 0;
      for await (const piece of this.#pieces(from, to, signal, true)) {
        out.set(piece, filled);
        filled += piece.length;
      }
      if (this.#ranges) return out;
    }
    const mine = this.#turn.then(() => this.#readInOrder(from, to, signal));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  stream(from: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#pieces(checkedEnd(this.name, this.size, 0, from), this.size, signal, false);
  }

  /**
   * Bytes [from, to), going on after interruptions where they broke off. `onlyRanges`: ends with nothing, and
   * `#ranges` false, where the server would send the whole file for a part of it.
   */
  async *#pieces(from: number, to: number, signal: AbortSignal | undefined, onlyRanges: boolean): AsyncGenerator<Uint8Array> {
    const { fetch = uncached, timeoutMs = TIMEOUT_MS, waitsMs = WAITS_MS } = this.#options;
    let failures = 0;
    for (let at = from; at < to; ) {
      throwIfAborted(signal);
      const attempt = new Attempt(timeoutMs, signal);
      try {
        const whole = at === 0 && to === this.size;
        const response = await attempt.fetch(fetch, this.#url, whole ? {} : { range: `bytes=${at}-${to - 1}` });
        const partial = requireAnswer(response, this.name) === 206;
        this.#checkMark(response);
        if (partial) this.#checkRange(response, at, to);
        else this.#checkLength(response);
        if (!partial && !whole && onlyRanges && at === from) {
          this.#ranges = false;
          return;
        }
        let skip = partial ? 0 : at;
        for await (const received of attempt.body(response, partial ? to - at : this.size)) {
          const piece = received.subarray(Math.min(skip, received.length), Math.min(received.length, skip + to - at));
          skip -= Math.min(skip, received.length);
          if (!piece.length) continue;
          at += piece.length;
          failures = 0;
          yield piece;
          if (at === to) return;
        }
        throw new Temporary(`sent ${at} of ${to} bytes`);
      } catch (error) {
        if (error instanceof OpenLedgerError || !(error instanceof GatewayFailure || error instanceof Temporary)) throw error;
        if (error instanceof GatewayFailure && error.kind === 'wrong-bytes') throw changed(this.name, `The server ${error.message}.`);
        const wait = waitsMs[failures++];
        if (wait === undefined) throw unreachable(this.#url, error);
        await pause(Math.max(wait, error instanceof Temporary ? error.waitMs : 0), signal);
      } finally {
        attempt.end();
      }
    }
  }

  /** A part from the one long answer: forwards it goes on, backwards it begins again. */
  async #readInOrder(from: number, to: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (!this.#whole || this.#whole.at > from) {
      await this.#whole?.rest.return(undefined);
      this.#whole = { at: from, rest: this.#pieces(from, this.size, signal, false), piece: new Uint8Array(0) };
    }
    const whole = this.#whole;
    const out = new Uint8Array(to - from);
    try {
      while (whole.at < to) {
        if (!whole.piece.length) {
          const { done, value } = await whole.rest.next();
          if (done) throw changed(this.name, 'It ended early.');
          whole.piece = value;
        }
        const taken = whole.piece.subarray(0, to - whole.at);
        const place = whole.at - from;
        if (place + taken.length > 0) out.set(taken.subarray(Math.max(0, -place)), Math.max(0, place));
        whole.at += taken.length;
        whole.piece = whole.piece.subarray(taken.length);
      }
      return out;
    } catch (error) {
      this.#whole = undefined;
      throw error;
    }
  }

  /** Parts of two different files would make a third that nobody published. */
  #checkMark(response: Response): void {
    const mark = response.headers.get('etag') ?? undefined;
    if (mark !== undefined && this.#mark !== undefined && mark !== this.#mark) throw changed(this.name, 'The server has replaced it.');
    this.#mark ??= mark;
  }

  #checkRange(response: Response, from: number, to: number): void {
    // Servers elsewhere may hide this header from pages; then the number of bytes has to do.
    const header = response.headers.get('content-range');
    const found = header ? /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header) : undefined;
    if (header && !(found && Number(found[1]) === from && Number(found[2]) === to - 1 && (found[3] === '*' || Number(found[3]) === this.size))) {
      throw changed(this.name, `The server sends ${header.slice(0, 80)} for bytes ${from}-${to - 1} of ${this.size}.`);
    }
  }

  #checkLength(response: Response): void {
    const length = response.headers.get('content-length');
    // Compressed answers state another length; from another origin a page cannot see that they are, only that it is less.
    if (length === null || response.headers.has('content-encoding')) return;
    if (Number(length) > this.size) throw changed(this.name, `It has ${length} bytes now, not ${this.size}.`);
  }
}

/** The status, 200 or 206. Throws coded errors, or Temporary where another attempt may help. */
export function requireAnswer(response: Response, name: string): number {
  if (response.url && !isSafeUrl(new URL(response.url))) {
    throw new OpenLedgerError({
      code: 'source/insecure',
      what: `${name} cannot be fetched safely.`,
      why: `The server leads to ${response.url.slice(0, 120)}, which is not https.`,
      next: 'Choose another source.',
    });
  }
  const { status } = response;
  if (status === 200 || status === 206) return status;
  response.body?.cancel().catch(() => undefined);
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const seconds = Number(response.headers.get('retry-after') ?? 0);
    throw new Temporary(`answers ${status}`, seconds > 0 ? Math.min(seconds * 1000, LONGEST_WAIT_MS) : 0);
  }
  if (status === 401 || status === 403) throw denied(name, status);
  if (status === 404 || status === 410) {
    throw new OpenLedgerError({ code: 'source/not-found', what: `${name} is not there.`, why: `The server answers ${status}.`, next: 'Check the address.' });
  }
  if (status === 416) throw changed(name, 'It is shorter than it was.');
  throw new OpenLedgerError({ code: 'source/bad-answer', what: `${name} cannot be fetched.`, why: `The server answers ${status}.`, next: 'Check the address, or choose another source.' });
}

function denied(name: string, status: number): OpenLedgerError {
  return new OpenLedgerError({
    code: 'source/denied',
    what: `The server does not give ${name} to everyone.`,
    why: `It answers ${status}: the model is private, or its terms have to be accepted with an account.`,
    next: 'Download the folder with your account and open it from your disk, or choose another model.',
  });
}

function changed(name: string, why: string): OpenLedgerError {
  return new OpenLedgerError({ code: 'source/changed', what: `${name} is not the file it was when it was listed.`, why, next: 'Start again; what no longer belongs is fetched anew.' });
}

export function unreachable(url: string, cause: Error): OpenLedgerError {
  return new OpenLedgerError({
    code: 'source/unreachable',
    what: `${new URL(url).host} does not deliver.`,
    why: `It ${cause.message}.`.slice(0, 200),
    next: 'Check the connection and try again: what has arrived is kept. If only this server fails, it may not allow pages to read from it.',
    cause,
  });
}

/** Waits unless cancelled. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Makes one small request, again after failures that may pass. */
export async function request<T>(url: string, name: string, options: HttpOptions, signal: AbortSignal | undefined, use: (response: Response, attempt: Attempt) => Promise<T>): Promise<T> {
  const { fetch = uncached, timeoutMs = TIMEOUT_MS, waitsMs = WAITS_MS } = options;
  for (let failures = 0; ; ) {
    const attempt = new Attempt(timeoutMs, signal);
    try {
      const response = await attempt.fetch(fetch, url, {});
      requireAnswer(response, name);
      return await use(response, attempt);
    } catch (error) {
      if (error instanceof OpenLedgerError || !(error instanceof GatewayFailure || error instanceof Temporary)) throw error;
      const wait = error instanceof GatewayFailure && error.kind === 'wrong-bytes' ? undefined : waitsMs[failures++];
      if (wait === undefined) throw unreachable(url, error);
      await pause(Math.max(wait, error instanceof Temporary ? error.waitMs : 0), signal);
    } finally {
      attempt.end();
    }
  }
}
