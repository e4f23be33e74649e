import { type Remote, proxy, wrap } from 'comlink';
import { OpenLedgerError, toWire } from '../errors.ts';
import type { Answered, EngineApi } from './engine.api.ts';

/**
 * The model worker as an EngineApi: callbacks are proxied here, and a worker that dies answers every open and later
 * call with `engine/worker-died` instead of silence. `onDeath` lets the page offer a restart.
 */
export function connectEngine(onDeath?: (error: OpenLedgerError) => void): EngineApi {
  const worker = new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' });
  const remote = wrap<EngineApi>(worker) as Remote<EngineApi>;
  let died: OpenLedgerError | undefined;
  let kill!: (error: OpenLedgerError) => void;
  const death = new Promise<never>((_, reject) => (kill = reject));
  death.catch(() => {});
  const die = (why: string) => {
    if (died) return;
    died = new OpenLedgerError({
      code: 'engine/worker-died', what: 'The part of the page that runs the model has stopped.', why,
      next: 'Restart it; your conversation is kept.',
    });
    worker.terminate();
    kill(died);
    onDeath?.(died);
  };
  worker.addEventListener('error', (event) => die(event.message || 'It could not be started.'));
  worker.addEventListener('messageerror', () => die('A message could not be read.'));

  return new Proxy({} as EngineApi, {
    // Not a promise: whoever awaits or returns it from an async function must not call the worker's `then`.
    get: (_, name: keyof EngineApi & string) => (name as string) === 'then' ? undefined : async (...args: unknown[]): Promise<Answered<unknown> | void> => {
      try {
        if (died) throw died;
        const call = remote[name] as unknown as (...list: unknown[]) => Promise<Answered<unknown>>;
        // Plain copies: Svelte's proxies cannot be cloned.
        const sent = args.map((arg) => (typeof arg === 'function' ? proxy(arg as () => void) : arg === undefined ? undefined : structuredClonePlain(arg)));
        return await Promise.race([call(...sent), death]);
      } catch (error) {
        return { ok: false, error: toWire(error) };
      }
    },
  });
}

/** Files and other blobs go as they are: they are handles, not data. */
function structuredClonePlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Blob) return value;
  if (Array.isArray(value)) return value.map(structuredClonePlain);
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined).map(([key, entry]) => [key, structuredClonePlain(entry)]));
}
