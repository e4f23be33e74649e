import type { Backend } from '../../../src/kernels/backend.ts';
import { generate } from '../../../src/model/generate.ts';
import { type Lora, freeLora, uploadLora } from '../../../src/model/lora.ts';
import { freeModel, uploadModel } from '../../../src/model/model.ts';
import type { Base } from '../base.ts';
import { decodeTime, inTurns } from '../timing.ts';

export interface AnswerOptions {
  prompt: readonly number[];
  /** Decoded tokens that are timed, besides the first. */
  tokens: number;
  rounds: number;
  budgetMs: number;
}

export interface LoraCost {
  /** Decoded tokens a second, batch 1. */
  on: number;
  off: number;
}

/** Decoding with and without the adapter, in turns. */
export async function measureLoraCost(backend: Backend, { config, tensors, adapter }: Base, { prompt, tokens, rounds, budgetMs }: AnswerOptions): Promise<LoraCost> {
  const model = uploadModel(backend, config, tensors);
  const lora = uploadLora(backend, config, adapter.config, adapter.tensors);
  const answer = (factors: Lora | undefined, count: number) => generate(model, factors, prompt, { maxTokens: count, stop: [] });
  try {
    const first = await inTurns({ on: () => answer(lora, 1), off: () => answer(undefined, 1) }, { rounds, budgetMs: budgetMs / 4 });
    const whole = await inTurns({ on: () => answer(lora, tokens + 1), off: () => answer(undefined, tokens + 1) }, { rounds, budgetMs });
    const rate = (which: 'on' | 'off') => 1000 / decodeTime(whole[which], first[which], tokens);
    return { on: rate('on'), off: rate('off') };
  } finally {
    freeLora(backend, lora);
    freeModel(model);
  }
}
