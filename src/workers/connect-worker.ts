import { type Remote, proxy, wrap } from 'comlink';
import { OpenLedgerError, toWire } from '../errors.ts';
import type { Answered } from './engine.api.ts';

export interface WorkerDeath {
  code: string;
  what: string;
  next: string;
}

/**
 * A worker as the interface it exposes: callbacks are proxied here, arguments go as plain copies, and a worker that
 * dies answers every open and later call with an error instead of silence. After `last` was answered it is ended.
 */
export function connectWorker<Api extends object>(worker: Worker, death: WorkerDeath, options: { onDeath?: ((error: OpenLedgerError) => void) | undefined; last?: keyof Api & string } = {}): Api {
  const remote = wrap<Api>(worker) as Remote<Api>;
  let died: OpenLedgerError | undefined;
  let kill!: (error: OpenLedgerError) => void;
  const dead = new Promise<never>((_, reject) => (kill = reject));
  dead.catch(() => {});
  const die = (why: string) => {
    if (died) return;
    died = new OpenLedgerError({ ...death, why });
    worker.terminate();
    kill(died);
    options.onDeath?.(died);
  };
  worker.addEventListener('error', (event) => die(event.message || 'It could not be started.'));
  worker.addEventListener('messageerror', () => die('A message could not be read.'));

  const call = async (name: keyof Api & string, args: unknown[]): Promise<Answered<unknown> | void> => {
    try {
      if (died) throw died;
      const method = (remote as Record<string, unknown>)[name] as (...list: unknown[]) => Promise<Answered<unknown>>;
      const answered = await Promise.race([method(...args.map((arg) => (typeof arg === 'function' ? proxy(arg as () => void) : plain(arg)))), dead]);
      if (name === options.last) {
        died = new OpenLedgerError({ ...death, why: 'It was closed.' });
        worker.terminate();
        kill(died);
      }
      return answered;
    } catch (error) {
      return { ok: false, error: toWire(error) };
    }
  };
  return new Proxy({} as Api, {
    // Not a promise: whoever awaits or returns it from an async function must not call the worker's `then`.
    get: (_, name) => (typeof name !== 'string' || name === 'then' ? undefined : (...args: unknown[]) => call(name as keyof Api & string, args)),
  });
}

/** Plain copies: Svelte's proxies cannot be cloned. Files and other blobs go as they are: they are handles, not data. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Blob || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined).map(([key, entry]) => [key, plain(entry)]));
}
