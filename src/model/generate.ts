import { OpenLedgerError, throwIfAborted } from '../errors.ts';
import { argmax } from '../kernels/argmax/operation.ts';
import { breathe } from '../kernels/breathe.ts';
import { Scope } from '../kernels/scope.ts';
import { type Cache, decode } from './decoder.ts';
import { head } from './loss.ts';
import type { Lora } from './lora.ts';
import type { Model } from './model.ts';

export interface GenerateOptions {
  maxTokens: number;
  /** Ids that end the answer; they are part of what is returned. */
  stop: readonly number[];
  signal?: AbortSignal | undefined;
  onToken?: ((id: number) => void) | undefined;
}

/**
 * Greedy generation with a key/value cache: at each step the token with the greatest logit, the lowest id among
 * equals. Returns the answer's ids, the stop token included where it came. Throws `model/prompt-too-long`,
 * `model/empty-prompt`, `cancelled`.
 */
export async function generate(model: Model, lora: Lora | undefined, prompt: readonly number[], options: GenerateOptions): Promise<number[]> {
  const { backend, config } = model;
  if (!prompt.length) throw new OpenLedgerError({ code: 'model/empty-prompt', what: 'There is nothing to answer.', next: 'Type a question.' });
  if (prompt.length >= config.context) {
    throw new OpenLedgerError({
      code: 'model/prompt-too-long',
      what: 'The question is longer than this model can read.',
      why: `It has ${prompt.length} tokens; the model reads ${config.context - 1} at most.`,
      next: 'Shorten it.',
    });
  }
  const held = new Scope(backend);
  try {
    const rows = Math.min(config.context, prompt.length + options.maxTokens);
    const columns = config.groups * config.headDim;
    const cache: Cache = {
      at: 0,
      layers: Array.from({ length: config.layers }, (_, layer) => ({
        k: held.create(`layers.${layer}.cache.k`, [rows, columns], 'f32'),
        v: held.create(`layers.${layer}.cache.v`, [rows, columns], 'f32'),
      })),
    };
    const answer: number[] = [];
    let next: readonly number[] = prompt;
    while (answer.length < options.maxTokens && cache.at + next.length <= rows) {
      throwIfAborted(options.signal);
      const id = await step(model, lora, cache, next);
      cache.at += next.length;
      answer.push(id);
      options.onToken?.(id);
      if (options.stop.includes(id)) break;
      next = [id];
      // Lets a worker hear "stop" between tokens.
      if (options.signal) await breathe();
    }
    return answer;
  } finally {
    held.release();
  }
}

async function step(model: Model, lora: Lora | undefined, cache: Cache, ids: readonly number[]): Promise<number> {
  const scope = new Scope(model.backend);
  try {
    const range = (value: (position: number) => number, name: string) =>
      scope.upload(name, [ids.length], Uint32Array.from(ids, (_, i) => value(cache.at + i)));
    const window = model.config.window;
    const low = (p: number) => (window === undefined ? 0 : Math.max(0, p - window + 1));
    const last = cache.at + ids.length - 1;
    const { hidden } = decode(
      scope, model, lora,
      {
        ids: scope.upload('ids', [ids.length], Uint32Array.from(ids)),
        positions: range((p) => p, 'positions'), lo: range(low, 'lo'), hi: range((p) => p + 1, 'hi'),
        width: last + 1 - low(last),
      },
      cache,
    );
    const { logits } = head(scope, model, hidden, scope.upload('last', [1], Uint32Array.of(ids.length - 1)));
    return (await model.backend.read(scope.one(argmax, 'next', [logits])))[0]!;
  } finally {
    scope.release();
  }
}
