import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import { argmax } from '../kernels/argmax/operation.ts';
import type { Tensor } from '../kernels/backend.ts';
import { breathe } from '../kernels/breathe.ts';
import { type DecodeRow, NO_SLOT } from '../kernels/decode/rows.ts';
import type { Values } from '../kernels/operation.ts';
import { Scope } from '../kernels/scope.ts';
import { AdapterPool } from './adapter-pool.ts';
import { DecodeStep, usesSteps } from './decode-step.ts';
import { KvCache } from './kv-cache.ts';
import type { Lora } from './lora.ts';
import type { Model } from './model.ts';
import { type Adapter, prefill } from './prefill.ts';
import { endsAnswer } from './stop-ids.ts';

export interface GenerateOptions {
  maxTokens: number;
  /** Ids that end the answer; they are part of what is returned. */
  stop: readonly number[];
  /** Runs of ids that end the answer; they are part of what is returned. */
  stopSequences?: readonly (readonly number[])[] | undefined;
  /** The next token from its logits [vocab] and the answer so far, such as a seeded sample; the greatest logit without it. */
  pick?: ((logits: Float32Array, answer: readonly number[]) => number) | undefined;
  signal?: AbortSignal | undefined;
  onToken?: ((id: number) => void) | undefined;
}

/** Throws `model/empty-prompt` or `model/prompt-too-long`. */
export function expectPrompt(model: Model, prompt: readonly number[]): void {
  if (!prompt.length) throw new OpenLedgerError({ code: 'model/empty-prompt', what: 'There is nothing to answer.', next: 'Type a question.' });
  if (prompt.length >= model.positions) {
    throw new OpenLedgerError({
      code: 'model/prompt-too-long',
      what: 'The question is longer than this model can read.',
      why: `It has ${prompt.length} tokens; the model reads ${model.positions - 1} at most.`,
      next: 'Shorten it.',
    });
  }
}

/** An adapter that is resident in a pool: nothing is moved to use it. */
export interface PoolSlot {
  pool: AdapterPool;
  slot: number;
}

/**
 * Generates with a key/value cache: greedily (at each step the token with the greatest logit, the lowest id among
 * equals) or as `pick` says. Returns the answer's ids, the stop token included where it came. Throws
 * `model/prompt-too-long`, `model/empty-prompt`, `cancelled`.
 */
export async function generate(model: Model, adapter: Lora | PoolSlot | undefined, prompt: readonly number[], options: GenerateOptions): Promise<number[]> {
  expectPrompt(model, prompt);
  const { maxTokens, pick, signal, onToken } = options;
  throwIfAborted(signal);
  // The last token is never read, so it needs no position.
  const most = Math.min(maxTokens, model.positions - prompt.length + 1);
  const answer: number[] = [];
  if (most < 1) return answer;
  /** Whether the answer goes on. */
  const take = async (id: number): Promise<boolean> => {
    throwIfAborted(signal);
    answer.push(id);
    onToken?.(id);
    if (answer.length >= most || endsAnswer(answer, options)) return false;
    // Lets a worker hear "stop" between tokens.
    if (signal) await breathe();
    return true;
  };
  const sequence = new OneSequence(model, adapter, prompt, most);
  try {
    if (pick) await sequence.pickEach((logits) => take(pick(logits, answer)).then((more) => (more ? answer[answer.length - 1] : undefined)));
    else await sequence.greedy(take);
    return answer;
  } finally {
    await sequence.end();
  }
}

/** Steps recorded beyond the token that is awaited: the device computes while a token travels. The CPU computes when asked. */
const AHEAD = 1;

/** Cache rows made at first for an answer whose length nobody knows. */
const ANSWER_ROWS = 256;

/** One sequence on a backend: its cache, and the fused step where the backend gains by it. */
class OneSequence {
  private readonly model: Model;
  private readonly adapter: Adapter;
  private readonly prompt: readonly number[];
  /** Tokens of the answer at most. */
  private readonly most: number;
  private readonly cache: KvCache;
  /** Made for a sequence whose adapter is in no pool and still changes. */
  private pool: AdapterPool | undefined;
  private slot = NO_SLOT;
  private step: DecodeStep | undefined;
  /** Tokens in the cache. */
  private length = 0;
  private readonly reads: Promise<unknown>[] = [];

  constructor(model: Model, adapter: Lora | PoolSlot | undefined, prompt: readonly number[], most: number) {
    this.model = model;
    this.adapter = adapter && 'pool' in adapter ? adapter : { lora: adapter };
    this.prompt = prompt;
    this.most = most;
    this.cache = new KvCache(model, 1, prompt.length + Math.min(most, ANSWER_ROWS) - 1);
  }

  /** Gives each greatest logit's token to `take` until that says no. */
  async greedy(take: (id: number) => Promise<boolean>): Promise<void> {
    const { backend } = this.model;
    const held = new Scope(backend);
    const ahead = backend.kind === 'webgpu' ? AHEAD : 0;
    try {
      const start = this.readTokens(this.prompt);
      let newest = held.one(argmax, 'next', [start]);
      backend.free(start);
      this.prepare();
      const arriving = [this.read(newest)];
      for (let recorded = 1; arriving.length; ) {
        for (; this.step && arriving.length <= ahead && recorded < this.most; recorded++) arriving.push(this.read((newest = this.following(held, newest))));
        const id = (await arriving.shift()!)[0]!;
        if (!(await take(id))) return;
        if (arriving.length === 0 && recorded < this.most) {
          newest = this.step ? this.following(held, newest) : this.afterToken(held, id);
          arriving.push(this.read(newest));
          recorded++;
        }
      }
    } finally {
      held.release();
    }
  }

  /** Gives each token's logits to `pick` until that gives none. */
  async pickEach(pick: (logits: Float32Array) => Promise<number | undefined>): Promise<void> {
    const { backend } = this.model;
    let logits = this.readTokens(this.prompt);
    let owned = true;
    try {
      this.prepare();
      for (;;) {
        const id = await pick((await this.read(logits)) as Float32Array);
        if (owned) backend.free(logits);
        owned = false;
        if (id === undefined) return;
        if (this.step) {
          const ids = backend.upload('picked', [1], Uint32Array.of(id));
          logits = this.step.logitsOf([this.row()], ids);
          backend.free(ids);
        } else {
          logits = this.readTokens([id]);
          owned = true;
        }
      }
    } finally {
      if (owned) backend.free(logits);
    }
  }

  /** Frees everything, once nothing is read any more. */
  async end(): Promise<void> {
    await Promise.allSettled(this.reads);
    this.step?.free();
    this.pool?.free();
    this.cache.free();
  }

  private prepare(): void {
    if (this.most < 2 || !usesSteps(this.model)) return;
    if ('pool' in this.adapter) {
      this.slot = this.adapter.slot;
      this.step = new DecodeStep(this.model, this.adapter.pool, this.cache, 1);
      return;
    }
    const { lora } = this.adapter;
    if (lora?.pairs.size) {
      const pool = lora.placed ?? this.place(lora);
      if (lora.constant) lora.placed = pool;
      else this.pool = pool;
      this.slot = 0;
      this.step = new DecodeStep(this.model, pool, this.cache, 1);
      return;
    }
    this.step = new DecodeStep(this.model, undefined, this.cache, 1);
  }

  private place(lora: Lora): AdapterPool {
    const rank = Math.max(...[...lora.pairs.values()].map((pair) => pair.rank));
    const pool = new AdapterPool(this.model, { slots: 1, rank });
    pool.place(0, lora);
    return pool;
  }

  private row(): DecodeRow {
    this.cache.reserve(0, this.length + 1);
    return { slot: this.slot, position: this.length++, base: 0 };
  }

  private following(held: Scope, ids: Tensor): Tensor {
    const next = this.step!.next([this.row()], ids);
    return held.adopt(next);
  }

  private afterToken(held: Scope, id: number): Tensor {
    const logits = this.readTokens([id]);
    const next = held.one(argmax, 'next', [logits]);
    this.model.backend.free(logits);
    return next;
  }

  private readTokens(ids: readonly number[]): Tensor {
    this.cache.reserve(0, this.length + ids.length);
    const logits = prefill(this.model, this.adapter, this.cache, 0, this.length, ids);
    this.length += ids.length;
    return logits;
  }

  private read(tensor: Tensor): Promise<Values> {
    const reading = this.model.backend.read(tensor);
    // What was recorded beyond the answer's end may fail, and nobody asks for it.
    reading.catch(() => undefined);
    this.reads.push(reading);
    if (this.reads.length > 2 * AHEAD + 2) this.reads.shift();
    return reading;
  }
}
