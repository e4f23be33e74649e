import type { OpenLedgerError } from '../errors.ts';
import { connectWorker } from './connect-worker.ts';
import type { EngineApi } from './engine.api.ts';

/** The model worker as an EngineApi; one that dies answers `engine/worker-died`. `onDeath` lets the page offer a restart. */
export function connectEngine(onDeath?: (error: OpenLedgerError) => void): EngineApi {
  const worker = new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' });
  const death = { code: 'engine/worker-died', what: 'The part of the page that runs the model has stopped.', next: 'Restart it; your conversation is kept.' };
  return connectWorker<EngineApi>(worker, death, { onDeath });
}
