import { toWire } from '../errors.ts';
import type { Answered } from './engine.api.ts';

/** A worker's calls: those that compute wait for each other, each can be cancelled by its id, errors become plain data. */
export class JobQueue {
  readonly #jobs = new Map<string, AbortController>();
  #last: Promise<unknown> = Promise.resolve();

  /** `queued` false: does not wait for what computes. */
  async run<T>(job: string | undefined, work: (signal: AbortSignal) => Promise<T>, queued = true): Promise<Answered<T>> {
    const controller = new AbortController();
    if (job !== undefined) this.#jobs.set(job, controller);
    const run = async (): Promise<Answered<T>> => {
      try {
        return { ok: true, value: await work(controller.signal) };
      } catch (error) {
        return { ok: false, error: toWire(error) };
      } finally {
        if (job !== undefined) this.#jobs.delete(job);
      }
    };
    if (!queued) return run();
    const result = this.#last.then(run);
    this.#last = result;
    return result;
  }

  has(job: string): boolean {
    return this.#jobs.has(job);
  }

  cancel(job: string): void {
    this.#jobs.get(job)?.abort();
  }

  cancelAll(): void {
    for (const controller of this.#jobs.values()) controller.abort();
  }
}
