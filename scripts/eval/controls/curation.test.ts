import { describe, expect, it } from 'vitest';
import { byKind, suspicion } from './curation.ts';

describe('curation', () => {
  // Two kinds; record 2 is of kind 0 and helps kind 1.
  const scores = [[1, -1, -1], [100, -100, -100], [-1, 1, 1]];
  const influence = byKind(scores, [0, 0, 1], 3);

  it('a question with great scores counts no more than one with small ones', () => {
    expect(influence[0]).toEqual([1, -1, -1]);
    expect(influence[1]).toEqual([-1, 1, 1]);
    expect(influence[2]).toBeUndefined();
  });
  it('a record that helps another kind is seen by its own kind and not by all', () => {
    const classOf = [0, 1, 0];
    expect(suspicion(influence, classOf, 'own')).toEqual([-1, -1, 1]);
    expect(suspicion(influence, classOf, 'all').map(Math.abs)).toEqual([0, 0, 0]);
  });
  it('a kind without questions falls back on all, zero scores stay zero', () => {
    expect(suspicion(influence, [2, 0, 0], 'own').map((x) => x + 0)).toEqual([0, 1, 1]);
    expect(byKind([[0, 0]], [0], 1)).toEqual([[0, 0]]);
  });
});
