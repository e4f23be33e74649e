import { expect, it } from 'vitest';
import { notesOf } from './pending-copies.svelte.ts';

it('says of each copy that waits which record came first, accepted or not', () => {
  // Two records in the version, one accepted since, then contributions 7 (three lines) and 9 (two).
  const accepted = [{ contribution: '1' }, { contribution: '1' }, { contribution: '5' }];
  const places = [{ contributionId: 7n, at: 0 }, { contributionId: 7n, at: 1 }, { contributionId: 7n, at: 2 }, { contributionId: 9n, at: 0 }, { contributionId: 9n, at: 1 }];
  const notes = notesOf([0, 1, 2, 1, 4, 4, 2, 4], 2, accepted, places);
  expect(notes).toEqual(new Map([
    [7n, new Map([[0, 'record 2'], [2, 'line 2']])],
    [9n, new Map([[0, 'a record of contribution 5, which is accepted'], [1, 'line 2 of contribution 7, which came before']])],
  ]));
  expect(notesOf([0, 1, 2, 3, 4, 5, 6, 7], 2, accepted, places)).toEqual(new Map());
});
