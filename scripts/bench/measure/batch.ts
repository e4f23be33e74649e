import type { Backend } from '../../../src/kernels/backend.ts';
import { AdapterPool } from '../../../src/model/adapter-pool.ts';
import { Batch } from '../../../src/model/generate-batch.ts';
import { freeModel, uploadModel } from '../../../src/model/model.ts';
import { type Base, variants } from '../base.ts';
import { inTurns, median } from '../timing.ts';
import type { AnswerOptions } from './lora-cost.ts';

const BATCH = 8;

/** Decoded tokens a second of all sequences together. */
export interface BatchSpeed {
  different: number;
  same: number;
  single: number;
}

/**
 * Answers of eight requests with eight adapters, with one adapter for all, and of one request alone, in turns. The clock
 * runs from when every request has its first token, so that reading prompts is left out.
 */
export async function measureBatch(backend: Backend, { config, tensors, adapter }: Base, { prompt, tokens, rounds, budgetMs }: AnswerOptions): Promise<BatchSpeed> {
  const model = uploadModel(backend, config, tensors);
  const pool = new AdapterPool(model, { slots: BATCH, rank: adapter.config.rank });
  variants(adapter, BATCH).forEach((one, slot) => pool.load(slot, one));
  const [many, one] = [BATCH, 1].map((sequences) => new Batch(model, pool, { sequences })) as [Batch, Batch];
  const rates: Record<keyof BatchSpeed, number[]> = { different: [], same: [], single: [] };
  const pass = (which: keyof BatchSpeed, batch: Batch, sequences: number, slotOf: (sequence: number) => number) => async () => {
    let began = 0;
    let given = 0;
    let counted = 0;
    const onToken = () => {
      given++;
      if (began) counted++;
      // A step gives tokens to all, one after the other: it began with the last of the first ones.
      else if (given >= sequences) began = performance.now();
    };
    await Promise.all(Array.from({ length: sequences }, (_, s) => batch.add({ prompt, slot: slotOf(s), maxTokens: tokens + 1, stop: [], onToken })));
    rates[which].push((counted / (performance.now() - began)) * 1000);
  };
  try {
    await inTurns(
      { different: pass('different', many, BATCH, (s) => s), same: pass('same', many, BATCH, () => 0), single: pass('single', one, 1, () => 0) },
      { rounds, budgetMs },
    );
    // The first of each is the turn that does not count.
    return { different: median(rates.different.slice(1)), same: median(rates.same.slice(1)), single: median(rates.single.slice(1)) };
  } finally {
    await Promise.all([many.close(), one.close()]);
    pool.free();
    freeModel(model);
  }
}
