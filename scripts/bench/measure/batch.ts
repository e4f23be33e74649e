import type { Backend, Tensor } from '../../../src/kernels/backend.ts';
import { AdapterPool } from '../../../src/model/adapter-pool.ts';
import { DecodeStep } from '../../../src/model/decode-step.ts';
import { KvCache } from '../../../src/model/kv-cache.ts';
import { freeModel, uploadModel } from '../../../src/model/model.ts';
import { type Base, variants } from '../base.ts';
import { inTurns, medians } from '../timing.ts';

const BATCH = 8;

/** Decoded tokens a second of all sequences together. */
export interface BatchSpeed {
  different: number;
  same: number;
  single: number;
}

/** Steps of eight sequences with eight adapters, with one adapter for all, and of one sequence alone, in turns. */
export async function measureBatch(backend: Backend, { config, tensors, adapter }: Base, tokens: number, rounds: number, budgetMs: number): Promise<BatchSpeed> {
  const model = uploadModel(backend, config, tensors);
  const pool = new AdapterPool(model, { slots: BATCH, rank: adapter.config.rank });
  variants(adapter, BATCH).forEach((one, slot) => pool.load(slot, one));
  const pass = async (sequences: number, slotOf: (sequence: number) => number) => {
    const cache = new KvCache(model, sequences, tokens);
    const step = new DecodeStep(model, pool, cache, sequences);
    let ids: Tensor = backend.upload('ids', [sequences], Uint32Array.from({ length: sequences }, (_, s) => 100 + s));
    try {
      for (let position = 0; position < tokens; position++) {
        for (let s = 0; s < sequences; s++) cache.reserve(s, position + 1);
        const rows = Array.from({ length: sequences }, (_, s) => ({ slot: slotOf(s), position, base: cache.base(s) }));
        const next = step.next(rows, ids);
        backend.free(ids);
        ids = next;
      }
      await backend.read(ids);
    } finally {
      backend.free(ids);
      step.free();
      cache.free();
    }
  };
  try {
    const times = medians(await inTurns(
      { different: () => pass(BATCH, (s) => s), same: () => pass(BATCH, () => 0), single: () => pass(1, () => 0) },
      { rounds, budgetMs },
    ));
    const rate = (sequences: number, ms: number) => ((sequences * tokens) / ms) * 1000;
    return { different: rate(BATCH, times.different), same: rate(BATCH, times.same), single: rate(1, times.single) };
  } finally {
    pool.free();
    freeModel(model);
  }
}
