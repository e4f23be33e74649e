import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCpuBackend } from '../../src/kernels/cpu/backend.ts';
import { evaluateFamilies } from './attribution.ts';
import { METHODS } from './controls/methods.ts';
import { familyTables } from './report/tables.ts';
import { plotsOf, withFigures } from './report/write-report.ts';

const cache = mkdtempSync(join(tmpdir(), 'eval-'));
afterAll(() => rmSync(cache, { recursive: true }));
const backend = await createCpuBackend();
const small = { small: true, families: ['arithmetic'], seeds: [1], workers: 0, cache, samples: 20 } as const;

describe('the evaluation’s small form', async () => {
  const said: string[] = [];
  const [report] = await evaluateFamilies(backend, { ...small, onProgress: (text) => said.push(text) });

  it('has every method, exact replay predicts best what leaving one record out does, and random nothing', () => {
    expect(report!.methods.map(({ id }) => id)).toEqual(METHODS.map(({ id }) => id));
    const figure = (id: string) => report!.methods.find((method) => method.id === id)!;
    expect(figure('replay').leaveOneOut!.value).toBeGreaterThan(0.9);
    expect(figure('replay').leaveOneOut!.value).toBeGreaterThan(figure('random').leaveOneOut!.value + 0.5);
    for (const method of report!.methods) {
      expect(method.half!.low).toBeLessThanOrEqual(method.half!.high);
      expect(method.ownArea!.value).toBeGreaterThanOrEqual(0);
      expect(method.ownArea!.high).toBeLessThanOrEqual(1);
      // Eight subsets say nothing within ten classes.
      expect(method.within).toBeUndefined();
    }
    expect(report!.seeds).toEqual([{ seed: 1, halves: 8, fives: 8, leaveOneOut: 40, otherOrder: 8 }]);
  });
  it('goes on where it stopped: a second time nothing is trained', async () => {
    const began = performance.now();
    const again = await evaluateFamilies(backend, small);
    expect(again).toEqual([report]);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(said.some((text) => text.startsWith('arithmetic 1: 20 of'))).toBe(true);
    const kept = JSON.parse(readFileSync(join(cache, 'arithmetic-small', '1', 'scores-datainf.json'), 'utf8')) as { scores: number[][] };
    expect(kept.scores).toHaveLength(6);
  });
  it('is written as tables and plots, between marks that stay', () => {
    const text = familyTables(report!);
    for (const { title } of METHODS) expect(text).toContain(`| ${title} |`);
    const plots = plotsOf(report!);
    expect([...plots.keys()]).toContain('lds-arithmetic.svg');
    for (const svg of plots.values()) expect(svg).not.toContain('NaN');
    const once = withFigures('# Words\n\nBefore.\n', 'one');
    expect(withFigures(`${once}\nAfter.\n`, 'two')).toBe(`${once.replace('one', 'two')}\nAfter.\n`);
  });
  it('takes what is there and makes nothing: a method’s figures are of the seeds that have its scores', async () => {
    const [kept] = await evaluateFamilies(backend, { ...small, seeds: [1, 2], kept: true });
    expect(kept!.seeds).toEqual([report!.seeds[0], { seed: 2, halves: 0, fives: 0, leaveOneOut: 0, otherOrder: 0 }]);
    expect(kept!.methods).toEqual(report!.methods);
    expect(familyTables(kept!)).toContain('| DataInf (seed 1) |');
    expect((await evaluateFamilies(backend, { ...small, seeds: [2], kept: true }))[0]!.methods).toEqual([]);
  });
  it('names what there is where a family or method is unknown', async () => {
    await expect(evaluateFamilies(backend, { ...small, methods: ['magic'] })).rejects.toMatchObject({ code: 'eval/unknown-method' });
    await expect(evaluateFamilies(backend, { ...small, families: ['poems' as 'arithmetic'] })).rejects.toMatchObject({ code: 'eval/unknown-family' });
  });
  it('can be cancelled', async () => {
    await expect(evaluateFamilies(backend, { ...small, seeds: [2], signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });
});
