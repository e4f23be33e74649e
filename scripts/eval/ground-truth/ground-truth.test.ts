import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { groundTruth } from './ground-truth.ts';
import { Outcomes } from './outcomes.ts';
import { materialOf, orderOf, runs, setup, weightsOf } from './setup.ts';

const cache = mkdtempSync(join(tmpdir(), 'ground-truth-'));
afterAll(() => rmSync(cache, { recursive: true }));

const left = (weights: readonly number[]) => weights.filter((weight) => weight === 0).length;

describe('runs', () => {
  const all = setup('arithmetic', 1);

  it('leave out what their names say, and the same every time', () => {
    expect(left(weightsOf(all, 'full'))).toBe(0);
    expect(left(weightsOf(all, 'half-0'))).toBe(100);
    expect(left(weightsOf(all, 'val-0'))).toBe(100);
    expect(left(weightsOf(all, 'five-0'))).toBe(10);
    expect(weightsOf(all, 'loo-7').map((weight, k) => (weight ? -1 : k)).filter((k) => k >= 0)).toEqual([7]);
    const again = setup('arithmetic', 1);
    for (const run of runs(all)) expect(weightsOf(again, run)).toEqual(weightsOf(all, run));
  });

  it('differ from one another, from seed to seed, and in the validation halves', () => {
    const halves = ['half-0', 'half-1', 'val-0', 'val-1'].map((run) => weightsOf(all, run).join(''));
    expect(new Set([...halves, weightsOf(setup('arithmetic', 2), 'half-0').join('')]).size).toBe(5);
  });

  it('are as many as the evaluation asks for, named once', () => {
    const names = runs(all);
    expect(new Set(names).size).toBe(names.length);
    const count = (prefix: string) => names.filter((name) => name.startsWith(prefix)).length;
    expect([count('half-'), count('five-'), count('loo-'), count('val-'), count('order-1-half-'), count('order-2-')]).toEqual([100, 100, 200, 61, 100, 1]);
  });

  it('of another order train the same half in that order', () => {
    expect(weightsOf(all, 'order-1-half-3')).toEqual(weightsOf(all, 'half-3'));
    expect(orderOf(all, 'half-3')).toEqual(all.records.map((_, k) => k));
    const [one, two] = [orderOf(all, 'order-1-full'), orderOf(all, 'order-2-full')];
    expect(one).not.toEqual(two);
    expect([...one].sort((a, b) => a - b)).toEqual(all.records.map((_, k) => k));
    expect(orderOf(all, 'order-1-half-3')).toEqual(one);
  });

  it('ask other queries for validation, and train on wrong answers only where named', () => {
    expect(materialOf(all, 'val-3')).toEqual({ records: all.records, queries: all.valQueries });
    expect(materialOf(all, 'mislabelled')).toEqual({ records: all.mislabelled.records, queries: all.queries });
  });

  it('of unknown names are refused', () => {
    for (const name of ['', 'half', 'half--1', 'quarter-1', 'order-x-full', 'half-1\n']) expect(() => weightsOf(all, name)).toThrow('no retraining named');
  });
});

describe('outcomes', () => {
  const file = { name: 'arithmetic' as const, seed: 9, size: 'full' as const, key: 'a' };
  const path = join(cache, 'arithmetic/9/outcomes.jsonl');

  it('go on after a torn line, whose run is made again', () => {
    new Outcomes(cache, file).add('full', [1, 2.5]);
    appendFileSync(path, '{"run":"half-0","losses":[1,');
    const resumed = new Outcomes(cache, file);
    expect([...resumed.done]).toEqual([['full', [1, 2.5]]]);
    resumed.add('half-1', [3, 4]);
    expect([...new Outcomes(cache, file).done]).toEqual([['full', [1, 2.5]], ['half-1', [3, 4]]]);
    expect(readFileSync(path, 'utf8')).toBe('{"run":"full","losses":[1,2.5]}\n{"run":"half-1","losses":[3,4]}\n');
  });

  it('pass over lines that hold no losses', () => {
    appendFileSync(path, '{"run":"half-2","losses":[null]}\nnonsense\n{"run":3,"losses":[1]}\n');
    expect([...new Outcomes(cache, file).done.keys()]).toEqual(['full', 'half-1']);
  });

  it('of another set-up are dropped', () => {
    expect(new Outcomes(cache, { ...file, key: 'b' }).done.size).toBe(0);
  });
});

describe('ground truth, small form', () => {
  const small = setup('transformations', 1, 'small');

  it('trains each run once, is the same in a thread, and stops when told', async () => {
    const first = await groundTruth(small, { workers: 0, cache, only: ['full', 'half-0', 'val-full', 'order-1-full', 'mislabelled'] });
    expect(first.get('full')).toHaveLength(6);
    for (const losses of first.values()) expect(losses.every((loss) => Number.isFinite(loss) && loss > 0)).toBe(true);
    const others = [...first].filter(([run]) => run !== 'full').map(([, losses]) => losses.join());
    expect(new Set([first.get('full')!.join(), ...others]).size).toBe(5);

    const elsewhere = mkdtempSync(join(cache, 'thread-'));
    expect((await groundTruth(small, { workers: 1, cache: elsewhere, only: ['full'] })).get('full')).toEqual(first.get('full'));

    const progress: [number, number][] = [];
    const again = await groundTruth(small, { workers: 0, cache, only: ['full', 'half-0'], onProgress: (done, total) => progress.push([done, total]) });
    expect(progress).toEqual([[2, 2]]);
    expect(again.get('half-0')).toEqual(first.get('half-0'));

    await expect(groundTruth(small, { workers: 0, cache, only: ['loo-'], signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
