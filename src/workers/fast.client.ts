import type { OpenLedgerError } from '../errors.ts';
import { connectWorker } from './connect-worker.ts';
import type { FastApi } from './fast.api.ts';

/** Starts the fast worker, which ends with `close`: only so is ONNX Runtime's memory given back. */
export function connectFast(onDeath?: (error: OpenLedgerError) => void): FastApi {
  const worker = new Worker(new URL('./fast.worker.ts', import.meta.url), { type: 'module', name: 'fast' });
  const death = { code: 'fast/worker-died', what: 'The fast lane has stopped.', next: 'The exact lane answers instead; load the fast lane again to try.' };
  return connectWorker<FastApi>(worker, death, { onDeath, last: 'close' });
}
