import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCpuBackend } from '../kernels/cpu/backend.ts';
import { ReferenceBackend } from '../kernels/reference/backend.ts';
import { relativeError, spearman, verifyModel } from './verify-model.ts';

// Float64 answers of an independent implementation; they stand beside the repository, not in it.
const fixtures = join(import.meta.dirname, '../../../shared/fixtures');
const present = existsSync(fixtures);
if (!present) console.warn(`NOT TESTED against the float64 fixtures: ${fixtures} is not there.`);

describe.skipIf(!present)('the engine against float64 answers', () => {
  for (const name of present ? readdirSync(fixtures) : []) {
    it.each(['cpu', 'reference'])(`${name} on %s`, async (kind) => {
      const backend = kind === 'cpu' ? await createCpuBackend() : new ReferenceBackend();
      const comparisons = await verifyModel(join(fixtures, name), backend);
      expect(comparisons.filter(({ ok }) => !ok)).toEqual([]);
      expect(new Set(comparisons.map(({ quantity }) => quantity.replace(/query \d+ /, '').split(' ')[0]))).toEqual(new Set(['losses', 'logits', 'base', 'gradient', 'influence']));
      // Everything that was uploaded was freed.
      expect(backend.memory().bytes).toBe(0);
    });
  }
});

describe('measures', () => {
  it('relative error', () => {
    expect(relativeError([1, 2], [1, 2])).toBe(0);
    expect(relativeError([3, 4], [0, 4])).toBeCloseTo(0.75);
    expect(relativeError([1], [1, 2])).toBe(Infinity);
  });
  it('Spearman, ties sharing their mean rank', () => {
    expect(spearman([1, 2, 3], [10, 20, 30])).toBeCloseTo(1);
    expect(spearman([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1);
    expect(spearman([1, 1, 2], [1, 2, 3])).toBeCloseTo(0.866, 3);
  });
});
