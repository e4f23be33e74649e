import { Worker } from 'node:worker_threads';
import { OpenLedgerError, throwIfAborted } from '../../../src/errors.ts';
import { CpuBackend } from '../../../src/kernels/cpu/backend.ts';
import { CACHE, ensureBase, openEvalEngine } from '../base/open-base.ts';
import { Outcomes } from './outcomes.ts';
import { retrain } from './retrain.ts';
import type { RetrainStart } from './retrain.worker.ts';
import { type RunName, type Setup, runs } from './setup.ts';

export interface GroundTruthOptions {
  /** Threads; 0 to work in this one. */
  workers?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Only runs whose name begins with one of these: `half-`, `val-`, `order-1-half-`. */
  only?: readonly string[] | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Folder of outcomes. */
  cache?: string | undefined;
}

/**
 * Losses of the queries after each retraining (nats per token of the right answer), from the outcomes on disk where a
 * run is done, by training where it is not. Ended anywhere, it goes on where it stopped. Throws `cancelled`, what
 * `train` throws.
 */
export async function groundTruth(setup: Setup, { workers = 2, signal, only, onProgress, cache = CACHE }: GroundTruthOptions = {}): Promise<Map<RunName, number[]>> {
  const wanted = runs(setup).filter((run) => !only || only.some((prefix) => run.startsWith(prefix)));
  const outcomes = new Outcomes(cache, setup);
  const missing = wanted.filter((run) => !outcomes.done.has(run));
  const found = () => new Map(wanted.map((run) => [run, outcomes.done.get(run)!]));
  const report = () => onProgress?.(wanted.length - missing.length, wanted.length);
  report();
  throwIfAborted(signal);
  if (!missing.length) return found();
  const add = (run: RunName, losses: number[]) => {
    outcomes.add(run, losses);
    missing.splice(missing.indexOf(run), 1);
    report();
  };
  if (workers) {
    if (setup.size === 'full') await ensureBase({ signal });
    await inThreads(setup, [...missing], Math.min(workers, missing.length), signal, add);
  } else {
    const backend = await CpuBackend.create();
    try {
      const engine = await openEvalEngine(backend, { size: setup.size, signal });
      for (const run of [...missing]) add(run, await retrain(engine, setup, run, signal));
      engine.close();
    } finally {
      backend.destroy();
    }
  }
  return found();
}

async function inThreads({ name, seed, size }: Setup, queue: RunName[], count: number, signal: AbortSignal | undefined, add: (run: RunName, losses: number[]) => void): Promise<void> {
  const data: RetrainStart = { module: new URL('./retrain.worker.ts', import.meta.url).href, family: name, seed, size };
  const threads = Array.from({ length: count }, () => new Worker(new URL('../../build/ts-worker.mjs', import.meta.url), { workerData: data }));
  let left = queue.length;
  try {
    await new Promise<void>((resolve, reject) => {
      signal?.addEventListener('abort', () => {
        try {
          throwIfAborted(signal);
        } catch (error) {
          reject(error as Error);
        }
      }, { once: true });
      for (const thread of threads) {
        thread.on('error', reject);
        thread.on('exit', (code) => reject(new OpenLedgerError({ code: 'eval/thread-ended', what: 'A retraining thread ended before its work did.', why: `It left with code ${code}.`, next: 'Run it again: what was done is kept.' })));
        thread.on('message', (message: 'ready' | { run: RunName; losses: number[] }) => {
          try {
            if (message !== 'ready') {
              add(message.run, message.losses);
              if (--left === 0) resolve();
            }
            const next = queue.shift();
            if (next !== undefined) thread.postMessage(next);
          } catch (error) {
            reject(error as Error);
          }
        });
      }
    });
  } finally {
    await Promise.all(threads.map((thread) => thread.removeAllListeners('exit').terminate()));
  }
}
