import { describe, expect, it } from 'vitest';
import { randomUnit, randomWord } from '../../arithmetic/random.ts';
import { createCpuBackend } from '../../kernels/cpu/backend.ts';
import { Scope } from '../../kernels/scope.ts';
import { type Sequence, packBatch } from '../../model/batch.ts';
import type { Gradients } from '../../model/linear.ts';
import { uploadLora } from '../../model/lora.ts';
import { loss } from '../../model/loss.ts';
import { recordWeight } from '../../model/record-loss.ts';
import { factorsOf } from '../../model/testing/factors.ts';
import { randomModel, smallConfig } from '../../model/testing/random-model.ts';
import { LOSS_SCALE } from '../record-gradients.ts';
import { type LabelSet, labelGradients } from './label-gradients.ts';
import { BLOCK_RECORDS, type LabelPlan, LedgerPasses } from './ledger-passes.ts';

const backend = await createCpuBackend();
const config = smallConfig();
const model = randomModel(backend, config);
const recipe = { rank: 2, alpha: 4, rslora: false, targets: ['q_proj', 'v_proj', 'down_proj'] } as Parameters<typeof uploadLora>[2];
const checkpoints = [1, 2].map((seed) => uploadLora(backend, config, recipe, factorsOf(config, recipe, seed)));

/** One or two short sequences of made-up tokens. */
function made(record: number): Sequence[] {
  return Array.from({ length: 1 + (record % 2) }, (_, s) => ({
    ids: Array.from({ length: 3 + ((record + s) % 5) }, (_id, at) => randomWord(record, s, at) % config.vocab), start: 1 + (record % 2),
  }));
}

const read = async (gradients: Gradients) => new Map(await Promise.all([...gradients].map(async ([name, tensor]) => [name, await backend.read(tensor)] as const)));

describe('gradients of several sets of labels over one forward pass', () => {
  it('have the bits of a pass of their own each', async () => {
    const records = [0, 1, 2, 3].map(made);
    const batch = packBatch(records, (g, at) => recordWeight(records[g]!, at) * LOSS_SCALE);
    const count = batch.targets.length;
    const sets: LabelSet[] = [
      { weights: batch.weights, uniforms: undefined },
      ...[1, 2].map((draw) => ({ weights: batch.weights.map(Math.sqrt), uniforms: Float32Array.from({ length: count }, (_, i) => randomUnit(7, draw, i)) })),
    ];
    const found: Awaited<ReturnType<typeof read>>[] = [];
    const all = () => labelGradients(model, checkpoints[0]!, batch, sets, async (_scope, gradients, set) => void (found[set] = await read(gradients)));
    // The first pass packs the weights, which stay.
    await all();
    const before = backend.memory().bytes;
    await all();
    expect(backend.memory().bytes).toBe(before);
    for (const [set, { weights, uniforms }] of sets.entries()) {
      const scope = new Scope(backend);
      expect(found[set]).toEqual(await read(loss(scope, model, checkpoints[0]!, { ...batch, weights }, 'adapter', { uniforms }).gradients));
      scope.release();
    }
    expect(found[1]).not.toEqual(found[2]);
  });

  it('are refused for a text beyond the tables', async () => {
    const long = [[{ ids: new Array<number>(model.positions + 2).fill(1), start: 1 }]];
    await expect(labelGradients(model, checkpoints[0]!, packBatch(long, () => 1), [], () => {})).rejects.toMatchObject({ code: 'record/too-long' });
  });
});

describe('the passes of a ledger', () => {
  const n = BLOCK_RECORDS + 5;
  const records = Array.from({ length: n }, (_, k) => made(k));
  const every = Array.from({ length: n }, (_, k) => k);
  const plans: LabelPlan[] = [
    { labels: 'own', which: every },
    { labels: { seed: 1, draw: 0 }, which: every },
    // None of the first block's last records, and some of the second's.
    { labels: { seed: 1, draw: 1 }, which: [0, 7, BLOCK_RECORDS + 1, BLOCK_RECORDS + 3] },
  ];

  /** Own gradients as they are measured, then rows of every plan by checkpoint, as they are taken; and what was counted. */
  async function passed(keptBytes: number | undefined) {
    const counts: [number, number][] = [];
    const passes = new LedgerPasses(model, checkpoints, records, plans, { keptBytes, onProgress: (...count) => void counts.push(count) });
    const measured: number[] = [];
    await passes.measure((gradients) => void measured.push([...gradients.values()].reduce((sum, values) => sum + values.length, 0)));
    const rows = new Map<string, number[]>();
    for (const at of checkpoints.keys()) {
      for (let from = 0; from < n; from += BLOCK_RECORDS) {
        await passes.take(at, from, [1, 2], take);
        await passes.take(at, from, [0], take);
        async function take(_scope: Scope, gradients: Gradients, plan: number, first: number, count: number) {
          const all = [...(await read(gradients)).values()];
          for (let i = 0; i < count; i++) rows.set(`${at} ${plan} ${first + i}`, all.flatMap((values) => [...values.slice((i * values.length) / count, ((i + 1) * values.length) / count)]));
        }
      }
    }
    return { measured: measured.reduce((a, b) => a + b, 0), rows, counts, total: passes.total };
  }

  it('give every row once and the same bits, whatever is kept in between', async () => {
    const whole = await passed(undefined);
    const bytes = 4 * whole.rows.get('0 0 0')!.length;
    expect(whole.measured * 4).toBe(2 * n * bytes);
    expect(whole.rows.size).toBe(2 * (2 * n + 4));
    // Own gradients alone; those and the others at one checkpoint; nothing.
    for (const [kept, passes] of [[2 * n * bytes, 2 * n + 4], [(3 * n + 4) * bytes, 2 * n + 4], [2 * n * bytes - 1, 3 * n + 4]] as const) {
      const again = await passed(kept);
      expect(again.rows).toEqual(whole.rows);
      expect(again.total).toBe(2 * passes);
      expect(again.counts.at(-1)).toEqual([again.total, again.total]);
      expect(again.counts.every(([done], i) => done > (again.counts[i - 1]?.[0] ?? 0))).toBe(true);
    }
    expect(whole.counts.at(-1)).toEqual([whole.total, whole.total]);
  });
});
