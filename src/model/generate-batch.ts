import { cancelled } from '../errors.ts';
import { argmax } from '../kernels/argmax/operation.ts';
import { breathe } from '../kernels/breathe.ts';
import { type DecodeRow, MAX_ROWS, NO_SLOT } from '../kernels/decode/rows.ts';
import type { AdapterPool } from './adapter-pool.ts';
import { DecodeStep, usesSteps } from './decode-step.ts';
import { type GenerateOptions, expectPrompt } from './generate.ts';
import { KvCache } from './kv-cache.ts';
import type { Model } from './model.ts';
import { type Adapter, prefill } from './prefill.ts';
import { endsAnswer } from './stop-ids.ts';

/** One answer wanted: with the adapter in a slot of the batch's pool, or of the base alone. */
export interface BatchRequest extends GenerateOptions {
  prompt: readonly number[];
  slot?: number | undefined;
}

interface Waiting {
  request: BatchRequest;
  /** Tokens at most. */
  most: number;
  resolve(answer: number[]): void;
  reject(error: unknown): void;
}

interface Live extends Waiting {
  sequence: number;
  answer: number[];
  /** Tokens in the cache. */
  length: number;
}

/**
 * Generation for several requests in common steps, each with its own adapter (Punica, S-LoRA), joined and left between
 * steps (Orca's continuous batching). Every answer has the tokens that it would have alone. Adapters in use must stay in
 * their slots until their answers are there.
 */
export class Batch {
  private readonly model: Model;
  private readonly pool: AdapterPool | undefined;
  private readonly cache: KvCache;
  private readonly step: DecodeStep | undefined;
  private readonly free: number[];
  private waiting: Waiting[] = [];
  private live: Live[] = [];
  private running: Promise<void> | undefined;

  /** `sequences` at once at most; `rows` of cache for each at first, which grow. */
  constructor(model: Model, pool: AdapterPool | undefined, { sequences, rows = 256 }: { sequences: number; rows?: number }) {
    this.model = model;
    this.pool = pool;
    this.cache = new KvCache(model, sequences, Math.min(rows, model.positions));
    this.step = usesSteps(model) ? new DecodeStep(model, pool, this.cache, Math.min(sequences, MAX_ROWS)) : undefined;
    this.free = Array.from({ length: sequences }, (_, i) => sequences - 1 - i);
  }

  /** Requests in the steps now, and those that wait for a place. */
  get load(): { live: number; waiting: number } {
    return { live: this.live.length, waiting: this.waiting.length };
  }

  /** Joins at the next step with a free place. Rejects with what `generate` throws. */
  add(request: BatchRequest): Promise<number[]> {
    try {
      expectPrompt(this.model, request.prompt);
      if (request.slot !== undefined && !(this.pool && request.slot < this.pool.slots)) throw new RangeError(`no slot ${request.slot}`);
    } catch (error) {
      return Promise.reject(error);
    }
    const most = Math.min(request.maxTokens, this.model.positions - request.prompt.length + 1);
    if (most < 1) return Promise.resolve([]);
    const answer = new Promise<number[]>((resolve, reject) => this.waiting.push({ request, most, resolve, reject }));
    // What is added at once starts at once.
    this.running ??= Promise.resolve().then(() => this.run()).finally(() => (this.running = undefined));
    return answer;
  }

  /** Ends everything; requests that are not finished are rejected as cancelled. */
  async close(): Promise<void> {
    for (const { reject } of [...this.waiting, ...this.live]) reject(cancelled());
    this.waiting = [];
    this.live = [];
    await this.running;
    this.step?.free();
    this.cache.free();
  }

  private async run(): Promise<void> {
    while (this.waiting.length || this.live.length) {
      this.dropAborted();
      try {
        await this.admit();
        await this.advance();
      } catch (error) {
        // The device does not say whose numbers left the range, or it is lost: whoever was in the step is told.
        for (const one of [...this.live]) this.leave(one, () => one.reject(error));
      }
      // Lets whoever serves hear new requests and cancellations between steps.
      await breathe();
    }
  }

  private dropAborted(): void {
    for (const one of this.waiting.filter(({ request }) => request.signal?.aborted)) one.reject(cancelled());
    this.waiting = this.waiting.filter(({ request }) => !request.signal?.aborted);
    for (const one of this.live.filter(({ request }) => request.signal?.aborted)) this.leave(one, () => one.reject(cancelled()));
  }

  /** Reads the prompts of those who wait, as long as there is room, and gives each its first token. */
  private async admit(): Promise<void> {
    while (this.waiting.length && this.free.length) {
      const one: Live = { ...this.waiting.shift()!, sequence: this.free.pop()!, answer: [], length: 0 };
      this.live.push(one);
      try {
        this.give(one, await this.alone(one, one.request.prompt));
      } catch (error) {
        this.leave(one, () => one.reject(error));
      }
    }
  }

  /** One token further for everyone. */
  private async advance(): Promise<void> {
    const { step, live } = this;
    if (!step) {
      for (const one of [...live]) this.give(one, await this.alone(one, one.answer.slice(-1)));
      return;
    }
    const groups = Array.from({ length: Math.ceil(live.length / MAX_ROWS) }, (_, g) => live.slice(g * MAX_ROWS, (g + 1) * MAX_ROWS));
    // All groups are recorded before the first is read.
    const chosen = groups.map((group) => this.together(step, group));
    for (const [g, group] of groups.entries()) {
      const ids = await chosen[g]!;
      group.forEach((one, i) => this.give(one, ids[i]!));
    }
  }

  private async together(step: DecodeStep, group: Live[]): Promise<number[]> {
    const { backend, config } = this.model;
    for (const { sequence, length } of group) this.cache.reserve(sequence, length + 1);
    const rows = group.map((one): DecodeRow => ({ slot: one.request.slot ?? NO_SLOT, position: one.length++, base: this.cache.base(one.sequence) }));
    const newest = new Uint32Array(step.rows);
    group.forEach(({ answer }, i) => (newest[i] = answer[answer.length - 1]!));
    const ids = backend.upload('newest', [step.rows], newest);
    const logits = step.logitsOf(rows, ids);
    const best = backend.run(argmax, 'next', [logits])[0]!;
    const reads = [backend.read(best), group.some(({ request }) => request.pick) ? backend.read(logits) : undefined] as const;
    backend.free(ids);
    backend.free(best);
    const [greatest, values] = await Promise.all(reads);
    return group.map(({ request, answer }, i) =>
      request.pick ? request.pick((values as Float32Array).subarray(i * config.vocab, (i + 1) * config.vocab), answer) : greatest[i]!,
    );
  }

  /** Reads tokens of one sequence and chooses what follows. */
  private async alone(one: Live, ids: readonly number[]): Promise<number> {
    const { backend } = this.model;
    this.cache.reserve(one.sequence, one.length + ids.length);
    const { slot, pick } = one.request;
    const adapter: Adapter = this.pool && slot !== undefined ? { pool: this.pool, slot } : { lora: undefined };
    const logits = prefill(this.model, adapter, this.cache, one.sequence, one.length, ids);
    one.length += ids.length;
    try {
      if (pick) return pick((await backend.read(logits)) as Float32Array, one.answer);
      const best = backend.run(argmax, 'next', [logits])[0]!;
      const read = backend.read(best);
      backend.free(best);
      return (await read)[0]!;
    } finally {
      backend.free(logits);
    }
  }

  private give(one: Live, id: number): void {
    if (!this.live.includes(one)) return; // left meanwhile
    if (one.request.signal?.aborted) return this.leave(one, () => one.reject(cancelled()));
    one.answer.push(id);
    try {
      one.request.onToken?.(id);
    } catch (error) {
      return this.leave(one, () => one.reject(error));
    }
    if (one.answer.length >= one.most || endsAnswer(one.answer, one.request)) this.leave(one, () => one.resolve(one.answer));
  }

  private leave(one: Live, tell: () => void): void {
    this.live = this.live.filter((other) => other !== one);
    this.cache.clear(one.sequence);
    this.free.push(one.sequence);
    tell();
  }
}

/** Answers of several requests, in their order. Rejects with the first error; the others are cancelled then. */
export async function generateBatch(model: Model, pool: AdapterPool | undefined, requests: readonly BatchRequest[], sequences = Math.min(MAX_ROWS, requests.length)): Promise<number[][]> {
  if (!requests.length) return [];
  const batch = new Batch(model, pool, { sequences });
  try {
    return await Promise.all(requests.map((request) => batch.add(request)));
  } finally {
    await batch.close();
  }
}
